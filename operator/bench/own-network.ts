/**
 * Runs the rest of a program in a network namespace of its own, in which every address that simulated pods may get is one
 * of this machine: an engine can answer behind each of them, and nothing of it is seen outside. Needs root.
 */
import { spawn } from "node:child_process";

import { run, tryRun } from "../../e2e/peers/shell.ts";

export const podNetwork = "10.244.0.0/16";
const MARK = "MAILFLEET_BENCH_NETWORK";

/** True: we are inside. False: the program was run inside and has ended; its exit code is ours. */
export async function isInOwnNetwork(): Promise<boolean> {
  if (process.env[MARK] !== undefined) return true;
  const name = `mailfleet-bench-${process.pid}`;
  await run("ip", ["netns", "add", name]);
  try {
    const inside = { namespace: name };
    await run("ip", ["link", "set", "lo", "up"], inside);
    await run("ip", ["route", "add", "local", podNetwork, "dev", "lo"], inside);
    process.exitCode = await runInside(name);
  } finally {
    await tryRun("ip", ["netns", "delete", name]);
  }
  return false;
}

function runInside(namespace: string): Promise<number> {
  const enter = [`--net=/run/netns/${namespace}`, process.execPath, ...process.execArgv];
  const child = spawn("nsenter", [...enter, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { ...process.env, [MARK]: namespace },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}
