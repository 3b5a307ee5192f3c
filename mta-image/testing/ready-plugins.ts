/**
 * The ready plugins (mta-image/plugins) in a real host, for their tests: built first when they are not current, loaded
 * and started with the given configurations. One host a process.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import type { NativeMessage } from "#mta/plugins/native.ts";

import { type TestHost, makeTestHost } from "./native-plugins.ts";

export type ReadyConfigs = Readonly<Record<string, { config?: unknown; appConfig?: unknown }>>;

const top = join(import.meta.dirname, "../..");
const out = process.env["MAILFLEET_PLUGINS_OUT"] ?? join(top, "build/plugins");

function build(): void {
  mkdirSync(out, { recursive: true });
  const make = ["make", "-s", "-C", join(top, "mta-image/plugins"), `out=${out}`];
  execFileSync("flock", [join(out, "lock"), ...make], { stdio: ["ignore", "ignore", "inherit"] });
}

export async function startReadyPlugins(configs: ReadyConfigs): Promise<TestHost> {
  build();
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
