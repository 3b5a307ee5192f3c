/**
 * What a queued recipient costs in memory, and how long a restart takes: a spool with many deferred messages of one
 * recipient is written; one process recovers it from the segments alone, as after damage, and ends, which writes a
 * snapshot where the spool is large enough for one; this process recovers it from there and says what is in use after a
 * collection.
 *
 *   node --expose-gc mta-image/bench/queue-memory.bench.ts [messages] [folder]
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { Queue } from "#mta/queue/queue.ts";
import { DiskSpool } from "#mta/spool/disk-spool.ts";
import { diskFiles } from "#mta/spool/files.ts";

import { writeDeferredSpool } from "./deferred-spool.ts";

const messages = Number(process.argv[2] ?? 200_000);
const recoverOnly = process.argv[4];

/** Buffers go with the second collection. */
async function inUse(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.({ type: "major", execution: "sync" });
    await wait(200);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function recover(folder: string): Promise<{ spool: DiskSpool; queue: Queue; line: string }> {
  const started = performance.now();
  const startedCpu = process.cpuUsage();
  const from = existsSync(join(folder, "snapshot")) ? "from a snapshot" : "from segments alone";
  const spool = await DiskSpool.open({
    files: diskFiles(folder),
    clock: systemClock,
    log: silentLog,
    floor: { bytes: 0, inodes: 0 },
  });
  const queue = new Queue({
    spool,
    courier: { attemptsPerDestination: 20, deliver: async () => [], close: async () => {} },
    notifier: { notify: async () => {} },
    clock: systemClock,
    log: silentLog,
    random: () => 0.5,
    scheduleFor: () => ({ count: 30, intervals: [{ delayMs: 60_000, notify: false }] }),
    maxRunning: 10_000,
    locator: { locate: async () => ({ hosts: [], ips: [] }) },
    sourcesFor: () => [],
  });
  for await (const message of spool.recover()) queue.add(message);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(startedCpu);
  const cpu = `${((user + system) / 1e6).toFixed(1)} s of processor time`;
  const { total } = queue.figures();
  const line = `${total} recipients ready ${from} after ${seconds.toFixed(1)} s (${cpu}; load ${loadavg()[0]?.toFixed(1)})`;
  return { spool, queue, line };
}

if (recoverOnly !== undefined) {
  const { spool, queue, line } = await recover(recoverOnly);
  queue.close();
  await spool.close();
  process.stdout.write(`${line}\n`);
} else {
  const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), "queue-memory-"));
  try {
    writeDeferredSpool(folder, messages);
    const self = [...process.execArgv, import.meta.filename, String(messages), "-", folder];
    spawnSync(process.execPath, self, { stdio: "inherit" });
    const before = await inUse();
    const { spool, queue, line } = await recover(folder);
    const bytes = ((await inUse()) - before) / messages;
    process.stdout.write(`${line}, ${bytes.toFixed(0)} bytes each\n`);
    queue.close();
    await spool.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
