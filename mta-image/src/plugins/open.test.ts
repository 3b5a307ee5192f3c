import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  FakeIntake,
  FakeLog,
  FakeQueue,
  addonPath,
  buildNative,
  testPlugin,
} from "../../testing/native-plugins.ts";
import type { PluginHost } from "./host.ts";
import { type OpenOptions, openPlugins } from "./open.ts";

buildNative();
const base: OpenOptions = {
  addonPath,
  folder: "/nowhere",
  program: "hsh",
  configured: [],
  appConfigs: new Map(),
  log: new FakeLog().log,
  queue: new FakeQueue(),
  inject: new FakeIntake(),
  blockedMs: 1000,
  servers: [],
};
let host: PluginHost | null = null;
after(() => host?.cleanup());

test("an engine without plugins needs no addon", async () => {
  assert.equal(await openPlugins({ ...base, addonPath: "/nowhere/plugin-host.node" }), null);
});

test("a missing addon is told with its path", async () => {
  const configured = [{ id: "values", path: testPlugin("values"), config: null }];
  await assert.rejects(
    openPlugins({ ...base, configured, addonPath: "/nowhere/plugin-host.node" }),
    /the plugin host \/nowhere\/plugin-host\.node cannot be loaded/,
  );
});

test("configured plugins are loaded in order", async () => {
  const configured = ["values", "objects"].map((id) => ({ id, path: testPlugin(id), config: null }));
  host = await openPlugins({ ...base, configured });
  assert.deepEqual(
    host?.plugins.map(({ id }) => id),
    ["values", "objects"],
  );
});
