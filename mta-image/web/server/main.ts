/**
 * mailfleet-web: the web administration of a cluster. Runs until SIGTERM or SIGINT. Ends with 64 when web.yaml is
 * wrong and 69 when something cannot be had; what, stands on standard error.
 *
 *   mailfleet-web [--config /etc/mailfleet/web.yaml] [--pages FOLDER]
 *   mailfleet-web hash-password        reads a password from standard input, prints its hash for the file of users
 */
import { lookup, reverse } from "node:dns/promises";
import { fileURLToPath } from "node:url";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";

import { calmClock } from "#base/calm-clock.ts";
import { systemClock } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import { makeLog } from "#base/log.ts";
import { exitCodes } from "#contract/runtime.ts";

import manifest from "../../../package.json" with { type: "json" };
import { clusterOf } from "./mail-cluster.ts";
import { hashPassword } from "./password.ts";
import { startWeb } from "./start.ts";
import type { NameService } from "./targets.ts";
import { loadWebConfig } from "./web-config.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: "string", short: "c", default: "/etc/mailfleet/web.yaml" },
    pages: { type: "string", default: fileURLToPath(new URL("./web/", import.meta.url)) },
  },
});

const names: NameService = {
  lookup: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  reverse,
};

try {
  if (positionals[0] === "hash-password") await printHash();
  else await serve();
} catch (error) {
  process.stderr.write(`mailfleet-web: ${describe(error)}\n`);
  const isConfig = error instanceof Failure && error.code === "web-config-invalid";
  process.exitCode = isConfig ? exitCodes.badConfig : exitCodes.environment;
}

async function printHash(): Promise<void> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, "");
  if (password === "") throw new Error("standard input holds no password");
  process.stdout.write(`${await hashPassword(password)}\n`);
}

async function serve(): Promise<void> {
  const log = makeLog({ level: "info", program: "mailfleet-web" });
  const config = await loadWebConfig(values.config);
  const { version } = manifest;
  const web = await startWeb({
    file: values.config,
    config,
    pages: values.pages,
    clock: calmClock(systemClock),
    log,
    names,
    version,
    cluster: clusterOf(process.env),
  });
  const stop = (): void => void web.stop();
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}
