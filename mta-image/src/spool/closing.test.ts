/** The end of a process: what comes while its spool closes is not written, and nothing is done as if it were. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";
import { settle } from "../../testing/queue-rig.ts";
import { bytesOf, recovered } from "../../testing/spool-contract.ts";

test("mail that is settled while its spool closes keeps its body, or is not there at the next start", async () => {
  for (let ticks = 0; ticks < 25; ticks++) {
    const files = new FaultyFiles();
    const spool = await openSpool(files);
    const draft = makeDraft();
    const body = await spool.createBody(draft.id);
    await body.write(Buffer.from("large"));
    await spool.commit({ ...draft, content: body });
    const closing = spool.close();
    for (let n = 0; n < ticks; n++) await Promise.resolve();
    spool.settle(draft.id, 0);
    await closing;
    await settle();
    const next = await openSpool(files.afterCrash(1));
    assert.equal(next.corruptRecords, 0, `after ${ticks} ticks`);
    for (const { id } of await recovered(next)) assert.equal((await bytesOf(next, id)).toString(), "large");
    await next.close();
  }
});

/** What is in the segment that was the reserve, behind the end of a process on a full disk. */
async function closedOnZeros(isInTrouble: boolean): Promise<Buffer> {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  const [first, second] = [makeDraft(), makeDraft()];
  for (const draft of [first, second]) await spool.commit(draft);
  files.isFull = true;
  spool.settle(first.id, 0);
  await spool.flush();
  if (isInTrouble) files.failNext("sync");
  spool.settle(second.id, 0);
  await spool.close();
  assert.equal(spool.isBroken, isInTrouble);
  return files.bytes("segments/0000000002.log");
}

test("zeros of a reserve go when the spool is closed, but not from a disk in trouble", async () => {
  const whole = await closedOnZeros(false);
  assert.ok(whole.length < 1000, `${whole.length} bytes`);
  const broken = await closedOnZeros(true);
  assert.equal(broken.length, 1024 * 1024);
});
