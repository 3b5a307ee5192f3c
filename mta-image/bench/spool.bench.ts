/**
 * How many messages a second one process makes durable, and what one costs in CPU on its way through spool and
 * queue. Writers work in a closed loop: each commits a message, then the next. `commit` measures the spool
 * alone; `through` adds the queue with a courier that delivers at once, so every message is settled too.
 *
 *   node mta-image/bench/spool.bench.ts [writers] [messages] [folder]
 *
 * Figures depend on the disk; run it several times and compare medians of the same machine only.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "#base/clock.ts";
import { makeId } from "#base/ids.ts";
import { silentLog } from "#base/log.ts";
import { Queue } from "#mta/queue/queue.ts";
import { DiskSpool } from "#mta/spool/disk-spool.ts";
import { diskFiles } from "#mta/spool/files.ts";
import type { Draft } from "#mta/spool/spool.ts";

const writers = Number(process.argv[2] ?? 40);
const messages = Number(process.argv[3] ?? 100_000);
const parent = process.argv[4] ?? tmpdir();
const ROUNDS = 3;
const CONTENT_BYTES = 4096;

const content = Buffer.alloc(CONTENT_BYTES, "a line of text of some length\r\n");
const origin = {
  kind: "smtp",
  serverId: "inbound",
  remoteIp: "192.0.2.1",
  remotePort: 40_000,
  helo: "client.example.org",
  protocol: "ESMTP",
  tls: null,
  sessionId: makeId(0),
} as const;

function draft(n: number): Draft {
  const recipients = [`user${n}@example${n % 50}.net`];
  const envelope = {
    sender: "news@example.org",
    recipients,
    smtpUtf8: false,
    eightBit: false,
    transportId: "out",
  };
  const now = systemClock.now();
  return { id: makeId(now), receivedAt: now, envelope, origin, dueAt: now, content: Buffer.from(content) };
}

const courier = {
  attemptsPerDestination: 20,
  deliver: async () => [{ kind: "delivered", reply: "250 Ok", status: "2.0.0", remoteMta: "mx" } as const],
  close: async () => {},
};

async function run(kind: "commit" | "through"): Promise<void> {
  const folder = mkdtempSync(join(parent, "spool-bench-"));
  const floor = { bytes: 0, inodes: 0 };
  const spool = await DiskSpool.open({ files: diskFiles(folder), clock: systemClock, log: silentLog, floor });
  const queue = new Queue({
    spool,
    courier,
    notifier: { notify: async () => {} },
    clock: systemClock,
    log: silentLog,
    random: () => 0.5,
    scheduleFor: () => ({ count: 30, intervals: [{ delayMs: 60_000, notify: false }] }),
    maxRunning: 10_000,
    locator: { locate: async () => ({ hosts: [], ips: [] }) },
    sourcesFor: () => [],
  });
  let next = 0;
  const write = async (): Promise<void> => {
    while (next < messages) {
      const message = await spool.commit(draft(next++));
      if (kind === "through") queue.add(message);
    }
  };
  const cpuBefore = process.cpuUsage();
  const threadBefore = process.threadCpuUsage();
  const startedAt = systemClock.monotonic();
  await Promise.all(Array.from({ length: writers }, write));
  await spool.flush();
  const seconds = (systemClock.monotonic() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const thread = process.threadCpuUsage(threadBefore);
  process.stdout.write(
    `${kind}: ${Math.round(messages / seconds)} messages/s, ${((thread.user + thread.system) / messages).toFixed(1)} us CPU of the main thread and ${((cpu.user + cpu.system) / messages).toFixed(1)} us of the process per message\n`,
  );
  await spool.close();
  rmSync(folder, { recursive: true });
}

for (let round = 0; round < ROUNDS; round++) {
  await run("commit");
  await run("through");
}
