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

async function write(): Promise<never> {
  for (let n = 0; ; n++) {
    const draft = makeDraft({
      id: makeId(systemClock.now()),
      content: Buffer.alloc(700, `message ${n}\r\n`),
    });
    await spool.commit(draft);
    writeSync(1, `committed ${draft.id}\n`);
    if (n % 3 !== 0) continue;
    writeSync(1, `settling ${draft.id}\n`);
    spool.settle(draft.id, 0);
    await spool.flush();
    writeSync(1, `settled ${draft.id}\n`);
  }
}

await Promise.all([write(), write(), write()]);
