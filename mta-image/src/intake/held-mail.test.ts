import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { DiskSpool } from "../spool/disk-spool.ts";
import { HeldMail } from "./held-mail.ts";

async function heldOn(files: FaultyFiles): Promise<HeldMail> {
  const clock = new ManualClock();
  const floor = { bytes: 1000, inodes: 0 };
  const spool = await DiskSpool.open({ files, clock, log: silentLog, floor });
  return new HeldMail("held", { spool, log: silentLog, figures: { bytesInFlight: 0 }, inlineBytes: 10 });
}

test("mail that a script holds is refused with 452 when the disk is full", async () => {
  const files = new FaultyFiles();
  files.free = { bytes: 999, inodes: 1000 };
  const held = await heldOn(files);
  await held.write(Buffer.alloc(100));
  await held.end("");
  assert.deepEqual(held.refusal?.reply, {
    code: 452,
    enhanced: "4.3.1",
    text: "Insufficient system storage",
  });
  held.drop();
});

test("mail that a script holds is refused with 451 when its file cannot be written", async () => {
  const files = new FaultyFiles();
  const held = await heldOn(files);
  files.failNext("append");
  await held.write(Buffer.alloc(100));
  await held.end("");
  assert.equal(held.refusal?.reply.code, 451);
  held.drop();
});
