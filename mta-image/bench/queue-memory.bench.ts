/**
 * What a queued recipient costs in memory: a spool with many deferred messages of one recipient is written, then a
 * fresh process recovers it into a queue and says how long that took and what is in use after a collection.
 *
 *   node --expose-gc mta-image/bench/queue-memory.bench.ts [messages] [folder]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { Queue } from "#mta/queue/queue.ts";
import { DiskSpool } from "#mta/spool/disk-spool.ts";
import { diskFiles } from "#mta/spool/files.ts";

import { writeDeferredSpool } from "./deferred-spool.ts";

const messages = Number(process.argv[2] ?? 200_000);

/** Buffers go with the second collection. */
async function inUse(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.({ type: "major", execution: "sync" });
    await wait(200);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), "queue-memory-"));
try {
  writeDeferredSpool(folder, messages);
  const before = await inUse();
  const started = performance.now();
  const startedCpu = process.cpuUsage();
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
  const cpu = (user + system) / 1e6;
  const bytes = ((await inUse()) - before) / messages;
  process.stdout.write(
    `${queue.figures().total} recipients: ready after ${seconds.toFixed(1)} s (${cpu.toFixed(1)} s of processor time), ${bytes.toFixed(0)} bytes each\n`,
  );
  queue.close();
  await spool.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
