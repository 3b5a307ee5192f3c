/**
 * A process that is made to be killed: commits messages for ever, settles every third, and says on standard
 * output what became durable, one line each: "committed id", "settling id" (may be durable), "settled id".
 * Run by the spool's tests with the folder as argument.
 */
import { writeSync } from "node:fs";

import { systemClock } from "#base/clock.ts";
import { makeId } from "#base/ids.ts";
import { silentLog } from "#base/log.ts";
import { DiskSpool } from "#mta/spool/disk-spool.ts";
import { diskFiles } from "#mta/spool/files.ts";
import { makeDraft } from "./messages.ts";

const spool = await DiskSpool.open({
  files: diskFiles(process.argv[2] ?? ""),
  clock: systemClock,
  log: silentLog,
  floor: { bytes: 0, inodes: 0 },
  segmentBytes: 50_000,
});

/** Returns when the reader's pipe has the line: a full pipe is waited for. */
async function say(line: string): Promise<void> {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function write(): Promise<never> {
  for (let n = 0; ; n++) {
    const draft = makeDraft({
      id: makeId(systemClock.now()),
      content: Buffer.alloc(700, `message ${n}\r\n`),
    });
    await spool.commit(draft);
    await say(`committed ${draft.id}`);
    if (n % 3 !== 0) continue;
    await say(`settling ${draft.id}`);
    spool.settle(draft.id, 0);
    await spool.flush();
    await say(`settled ${draft.id}`);
  }
}

await Promise.all([write(), write(), write()]);
