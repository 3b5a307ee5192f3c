/**
 * What an engine that does nothing holds: `smtpd` as the image carries it (its bundle, V8's compiled form beside it, the variables
 * of the Dockerfile), without scripts, plugins and checks, is started again and again; what the kernel says of each 5 s after it
 * was ready, and least, median and most of all.
 *
 *   node mta-image/bench/idle-memory.bench.ts [starts]
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { freePort } from "../../e2e/peers/free-port.ts";
import { ENGINE_FLAG, bundle } from "../../tools/bundle.ts";
import { writeConfig } from "../testing/harness.ts";

const figures = ["VmRSS", "RssAnon", "RssFile"] as const;
const starts = Number(process.argv[2] ?? 5);
const folder = mkdtempSync(join(tmpdir(), "idle-memory-"));
const env = { ...imageVariables(), NODE_COMPILE_CACHE: join(folder, "compile-cache") };
try {
  await bundle(folder);
  // As tools/images.ts does: nothing that ran before may have left more compiled than the image has.
  execFileSync(process.execPath, [ENGINE_FLAG, "smtpd.mjs", "--version"], { cwd: folder, env });
  const rows: (readonly number[])[] = [];
  for (let start = 0; start < starts; start++) rows.push(await idle(join(folder, `engine-${start}`)));
  for (const [at, name] of figures.entries()) {
    const [least, ...more] = rows.map((row) => row[at] ?? 0).sort((a, b) => a - b);
    const median = [least, ...more][Math.floor(starts / 2)];
    process.stdout.write(
      `${name}: ${median} KiB (${least} to ${more.at(-1) ?? least}; load ${loadavg()[0]?.toFixed(1)})\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** ENV of the Dockerfile, as Docker reads it. */
function imageVariables(): Record<string, string> {
  const dockerfile = readFileSync(new URL("../Dockerfile", import.meta.url), "utf8");
  const line = /^ENV ((?:.*\\\n)*.*)$/m.exec(dockerfile)?.[1] ?? "";
  return Object.fromEntries([...line.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]));
}

async function idle(place: string): Promise<readonly number[]> {
  const [smtp, monitor, admin] = await Promise.all([freePort(), freePort(), freePort()]);
  const at = (port: number): { port: number; address: string } => ({ port, address: "127.0.0.1" });
  writeConfig(place, {
    server: "127.0.0.1:9",
    startup: {
      servers: [{ id: "smtp", listeners: [at(smtp)] }],
      monitor: { listener: at(monitor) },
      admin: { listener: at(admin), tokenfile: join(place, "token") },
      environment: { loglevel: "warn" },
    },
  });
  const args = ["-c", join(place, "smtpd.yaml"), "--pushed", join(place, "pushed")];
  const child = spawn(process.execPath, [ENGINE_FLAG, join(folder, "smtpd.mjs"), ...args], {
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  try {
    await ready(child, monitor);
    await wait(5000);
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    return figures.map((name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]));
  } finally {
    if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
  }
}

async function ready(child: ChildProcess, monitor: number): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`smtpd ended with ${child.exitCode}`);
    const answer = await fetch(`http://127.0.0.1:${monitor}/ready`).catch(() => null);
    if (answer?.ok === true) return;
    await wait(100);
  }
}
