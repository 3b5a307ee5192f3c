/**
 * The ready plugins (mta-image/plugins) in a real host, for their tests: built first when they are not current, loaded
 * and started with the given configurations. One host a process.
 */
import { join } from "node:path";

import type { NativeMessage } from "#mta/plugins/native.ts";

import { makeIn, top } from "./native-build.ts";
import { type TestHost, makeTestHost } from "./native-plugins.ts";

export type ReadyConfigs = Readonly<Record<string, { config?: unknown; appConfig?: unknown }>>;

const out = process.env["MAILFLEET_PLUGINS_OUT"] ?? join(top, "build/plugins");

export async function startReadyPlugins(configs: ReadyConfigs): Promise<TestHost> {
  makeIn("mta-image/plugins", out);
  const plugins = makeTestHost();
  await plugins.host.load(
    Object.entries(configs).map(([id, { config, appConfig }]) => ({
      id,
      path: join(out, `${id}.so`),
      config: config ?? null,
      appConfig: appConfig ?? null,
    })),
  );
  plugins.host.earlyInit();
  plugins.host.init();
  plugins.host.ready();
  return plugins;
}

export const message: NativeMessage = {
  transactionid: "t-1",
  queueid: 7,
  transportid: "out",
  localip: "",
  remoteip: "",
  remotemx: "",
  recipientdomain: "example.net",
  jobid: "",
  grouping: "&mailboxes",
  tenantid: "",
};
