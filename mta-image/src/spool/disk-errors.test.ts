/**
 * What each error of the disk at each operation becomes: the code of the failure, the reply to the client, and whether
 * the spool takes the next mail. A full disk or a used up quota is 452 where a write found no room, of a body or of the log;
 * where a sync has failed, nothing is taken until a restart. Never 250, and nothing of what was refused is there afterwards.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FaultyFiles, type Operation } from "../../testing/faulty-files.ts";
import { makeEnvelope, someOrigin } from "../../testing/messages.ts";
import { makeIntake } from "../intake/accept.ts";
import type { Intake } from "../intake/intake.ts";
import { DiskSpool } from "./disk-spool.ts";

const ROOM = ["ENOSPC", "EDQUOT"] as const;
const OTHER = ["EIO", "EROFS"] as const;
const INLINE_BYTES = 1000;

interface Rig {
  readonly files: FaultyFiles;
  readonly spool: DiskSpool;
  readonly intake: Intake;
}

async function open(files: FaultyFiles): Promise<Rig> {
  const clock = new ManualClock();
  const floor = { bytes: 0, inodes: 0 };
  const spool = await DiskSpool.open({ files, clock, log: silentLog, floor, segmentBytes: 4000 });
  const intake = makeIntake({
    spool,
    clock,
    log: silentLog,
    enqueue: () => undefined,
    settings: () => ({ hostname: "mx.example.org", maxHops: 30 }),
    inlineBytes: INLINE_BYTES,
    figures: { bytesInFlight: 0 },
  });
  return { files, spool, intake };
}

/** "250", or the reply that refuses it. `fields` go in front at the end. */
async function send(intake: Intake, bytes: number, fields = ""): Promise<string> {
  const reception = intake.begin(makeEnvelope(), someOrigin);
  await reception.write(Buffer.alloc(bytes, "x\r\n"));
  const result = await reception.commit(fields);
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  return result.kind === "accepted" ? "250" : toText(result.reply);
}

const toText = ({ code, enhanced }: { code: number; enhanced: string }): string => `${code} ${enhanced}`;
const FULL = "452 4.3.1";
const BROKEN = "451 4.3.0";

interface Case {
  readonly what: string;
  readonly operation: Operation;
  readonly bytes: number;
  readonly fields?: string;
  /** How many mails of 600 bytes come before: the segment is full behind seven. */
  readonly before?: number;
  /** To this mail by ENOSPC or EDQUOT, by any other error, and to the next mail after either. */
  readonly replies: readonly [room: string, other: string, nextAfterRoom: string, nextAfterOther: string];
}

const SMALL = 600;
const LARGE = 5000;
const itsOwn: Case["replies"] = [FULL, BROKEN, "250", "250"];
const cases: readonly Case[] = [
  {
    what: "write of small mail",
    operation: "append",
    bytes: SMALL,
    replies: [FULL, BROKEN, "250", BROKEN],
  },
  { what: "sync of small mail", operation: "sync", bytes: SMALL, replies: [BROKEN, BROKEN, BROKEN, BROKEN] },
  ...(["create", "append"] as const).map((operation) => ({
    what: `${operation} of the next segment`,
    operation,
    bytes: SMALL,
    before: 8,
    replies: [FULL, BROKEN, "250", BROKEN] as const,
  })),
  {
    what: "syncFolder of the next segment",
    operation: "syncFolder",
    bytes: SMALL,
    before: 8,
    replies: [BROKEN, BROKEN, BROKEN, BROKEN],
  },
  { what: "creation of a body", operation: "create", bytes: LARGE, replies: itsOwn },
  { what: "write of a body", operation: "append", bytes: LARGE, replies: itsOwn },
  { what: "copy of a body", operation: "rename", bytes: LARGE, fields: "X-A: 1\r\n", replies: itsOwn },
  { what: "sync of a body", operation: "sync", bytes: LARGE, replies: [FULL, BROKEN, "250", BROKEN] },
  { what: "name of a body", operation: "rename", bytes: LARGE, replies: [FULL, BROKEN, "250", BROKEN] },
  { what: "folder of a body", operation: "syncFolder", bytes: LARGE, replies: [FULL, BROKEN, "250", BROKEN] },
];

for (const { what, operation, bytes, fields, before = 1, replies } of cases) {
  for (const code of [...ROOM, ...OTHER]) {
    test(`${code} at the ${what}`, async () => {
      const { files, spool, intake } = await open(new FaultyFiles());
      for (let n = 0; n < before; n++) assert.equal(await send(intake, SMALL), "250");
      const paths = files.paths().length;
      files.failNext(operation, 1, code);
      const isRoom = code === "ENOSPC" || code === "EDQUOT";
      assert.equal(await send(intake, bytes, fields), isRoom ? replies[0] : replies[1]);
      const bodies = files.paths().filter((path) => path.startsWith("bodies/"));
      assert.deepEqual(bodies, [], "nothing is left of it");
      assert.ok(files.paths().length <= paths + 1);
      const next = isRoom ? replies[2] : replies[3];
      assert.equal(await send(intake, SMALL), next);
      assert.equal(spool.figures().closedBecause, next === "250" ? null : "spool-broken");
      await spool.close();
      assert.equal(files.openFiles, 0);
      const { spool: again } = await open(files.afterCrash(1));
      const kept = before + (next === "250" ? 1 : 0);
      const found = [...again.messages()].length;
      // What a failed sync has written may be there all the same: nobody can tell, and nobody was told 250.
      assert.ok(
        found === kept || (next !== "250" && found <= kept + 2 && found > kept),
        `${found} of ${kept}`,
      );
      await again.close();
    });
  }
}

test("a spool whose folders cannot be made or listed does not open, and says why", async () => {
  for (const code of [...ROOM, ...OTHER]) {
    for (const operation of ["makeFolder", "list", "syncFolder", "create"] as const) {
      if (operation === "create" && ROOM.some((room) => room === code)) continue;
      const files = new FaultyFiles();
      files.failNext(operation, 1, code);
      await assert.rejects(open(files), { code }, `${code} at ${operation}`);
      assert.equal(files.openFiles, 0);
    }
  }
});
