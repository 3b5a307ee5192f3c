/**
 * mailfleet-egress: the proxy on the machine that has the addresses (egress-proxy/). Ends with 0 in order, 1 when it cannot
 * listen, 64 when the call was wrong.
 */
import { hostname } from "node:os";

import { systemClock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import { makeLog } from "#base/log.ts";

import { EgressServer } from "../egress-proxy/egress-server.ts";
import { type EgressOptions, parseEgressOptions, usage } from "../egress-proxy/options.ts";

const STOP_MS = 30_000;

process.exitCode = await main();

async function main(): Promise<number> {
  let options: EgressOptions | null;
  try {
    options = parseEgressOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`mailfleet-egress: ${describe(error)}\n${usage}`);
    return 64;
  }
  if (options !== null) return run(options);
  process.stdout.write(usage);
  return 0;
}

async function run(options: EgressOptions): Promise<number> {
  const log = makeLog({ level: "info", program: "mailfleet-egress" });
  try {
    const stopped = new Promise<void>((resolve) => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
    });
    const proxy = await EgressServer.start({
      ...options,
      name: options.name ?? hostname(),
      clock: systemClock,
      log,
    });
    log.info({ ports: proxy.ports, sources: [...options.rules.sources] }, "egress-ready");
    await stopped;
    await proxy.stop(STOP_MS);
    return 0;
  } catch (error) {
    process.stderr.write(`mailfleet-egress: ${describe(error)}\n`);
    return 1;
  }
}
