/** A disk that is full below the floor: mail is refused, nothing that is known is forgotten, and all goes on when there is room. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { outcome } from "../../testing/fake-courier.ts";
import { FaultyFiles } from "../../testing/faulty-files.ts";
import { LOOK_MS, open, stored } from "../../testing/full-disk.ts";
import { makeDraft, makeState } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { bytesOf } from "../../testing/spool-contract.ts";
import { type SpoolFile, diskFiles } from "./files.ts";
import { type MessageMeta, encodeMessage } from "./record.ts";
import type { Draft } from "./spool.ts";

const full = { code: "spool-full" };

test("what became of mail waits for room and is written then, with nobody's help", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files);
  const [first, second] = [makeDraft(), makeDraft()];
  for (const draft of [first, second]) await spool.commit(draft);
  files.failNext("append", 2, "ENOSPC");
  spool.settle(first.id, 0);
  spool.update(second.id, 0, makeState({ attempts: 3 }));
  await settle();
  assert.equal(spool.isBehind, true);
  assert.equal(spool.figures().closedBecause, "spool-full");
  await assert.rejects(spool.commit(makeDraft()), full);
  assert.equal(spool.isBehind, true);
  clock.advance(LOOK_MS);
  await settle();
  assert.equal(spool.isBehind, false);
  assert.equal(spool.figures().closedBecause, null);
  const { spool: next } = await open(files.afterCrash());
  assert.deepEqual(await stored(next), [second.id]);
  assert.equal(next.find(second.id)?.recipients[0]?.state.attempts, 3);
  for (const one of [spool, next]) await one.close();
});

test("the body of settled mail goes with the record that waited for room, and that of refused mail at once", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files);
  const bodies = (): string[] => files.paths().filter((path) => path.startsWith("bodies/"));
  const commit = async (): Promise<string> => {
    const draft = makeDraft();
    const body = await spool.createBody(draft.id);
    await body.write(Buffer.from("large"));
    await spool.commit({ ...draft, content: body });
    return draft.id;
  };
  const id = await commit();
  // The reserve fails as well.
  files.failNext("append", 2, "ENOSPC");
  spool.settle(id, 0);
  await settle();
  assert.deepEqual(bodies(), [`bodies/${id}`]);
  clock.advance(LOOK_MS);
  await settle();
  assert.deepEqual(bodies(), []);
  const draft = makeDraft();
  const body = await spool.createBody(draft.id);
  await body.write(Buffer.from("large"));
  files.failNext("append", 1, "ENOSPC");
  await assert.rejects(spool.commit({ ...draft, content: body }), full);
  assert.deepEqual(bodies(), []);
  await spool.close();
});

/** Whoever reads several messages has each of them in another turn, so that their new records go in several batches. */
class SlowFiles extends FaultyFiles {
  #opened = 0;

  override async open(path: string): Promise<SpoolFile> {
    for (let turns = this.#opened++ * 5; turns > 0; turns--) await new Promise(setImmediate);
    return super.open(path);
  }
}

test("messages that compaction found no room for are where they were", async () => {
  for (let failing = 1; failing < 60; failing++) {
    const files = new SlowFiles();
    const { spool } = await open(files, { segmentBytes: 3000, cacheBytes: 0 });
    const drafts = Array.from({ length: 12 }, (_, n) =>
      makeDraft({ content: Buffer.alloc(700, `message ${n}\r\n`) }),
    );
    for (const draft of drafts) await spool.commit(draft);
    const left = drafts.slice(0, 2);
    for (const draft of drafts) if (!left.includes(draft)) spool.settle(draft.id, 0);
    for (let n = 0; n < failing; n++) await new Promise(setImmediate);
    files.failNext("append", 1, "ENOSPC");
    for (let n = 0; n < 100; n++) await new Promise(setImmediate);
    for (const draft of left) assert.deepEqual(await bytesOf(spool, draft.id), draft.content, `${failing}`);
    const { spool: next } = await open(files.afterCrash());
    assert.equal(next.corruptRecords, 0);
    for (const draft of left) assert.deepEqual(await bytesOf(next, draft.id), draft.content, `${failing}`);
    for (const one of [spool, next]) await one.close();
  }
});

test("while what becomes of mail cannot be kept nothing is tried, and then all of it without a restart", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files);
  const rig = setUp({ spool, clock });
  rig.courier.answer = () => outcome("deferred");
  for (let n = 0; n < 3; n++) rig.queue.add(await spool.commit(makeDraft({ receivedAt: clock.now() })));
  files.failNext("append", 100, "ENOSPC");
  await settle();
  const before = rig.courier.attempts.length;
  rig.courier.answer = () => outcome("delivered");
  clock.advance(3_600_000);
  await settle();
  assert.equal(rig.courier.attempts.length, before);
  const [entry] = rig.queue.entries();
  assert.ok(entry !== undefined);
  assert.match(rig.queue.explain(entry).obstacles[0]?.detail ?? "", /the disk is full/);
  files.failNext("append", 0);
  clock.advance(LOOK_MS);
  await settle();
  clock.advance(LOOK_MS);
  await settle();
  assert.equal(rig.courier.attempts.length, before + 3);
  assert.equal([...rig.queue.entries()].length, 0);
  const { spool: next } = await open(files.afterCrash());
  assert.deepEqual(await stored(next), []);
  for (const one of [spool, next]) await one.close();
});

/** A spool with one message settled, one left, and a tail that a crash has torn. */
async function torn(): Promise<{ files: FaultyFiles; segment: string; tail: Buffer; left: string }> {
  const files = new FaultyFiles();
  const { spool } = await open(files);
  const [first, second] = [makeDraft(), makeDraft()];
  for (const draft of [first, second]) await spool.commit(draft);
  spool.settle(first.id, 0);
  await spool.close();
  const [segment] = files.paths().filter((path) => path.startsWith("segments/")) as [string];
  const whole = files.bytes(segment).length;
  const file = await files.open(segment);
  await file.append(encodeMessage(metaOf(makeDraft()), [Buffer.alloc(500)]));
  await file.truncate(whole + 300);
  await file.sync();
  await file.close();
  return { files, segment, tail: files.bytes(segment).subarray(whole), left: second.id };
}

const metaOf = ({ id, receivedAt, envelope, origin, dueAt }: Draft): MessageMeta => {
  const states = envelope.recipients.map(() => makeState({ dueAt }));
  return { id, receivedAt, envelope, origin, sizeBytes: 500, states, inFile: false };
};

const copies = (files: FaultyFiles): string[] => files.paths().filter((path) => path.startsWith("corrupt/"));

test("a spool opens on a full disk with its torn tail where it is, and takes mail when there is room", async () => {
  const { files, segment, tail, left } = await torn();
  const size = files.bytes(segment).length;
  files.failNext("create", 3, "ENOSPC");
  const { spool, clock } = await open(files);
  assert.deepEqual(await stored(spool), [left]);
  assert.equal(spool.figures().closedBecause, "spool-full");
  assert.equal(spool.isBehind, true);
  await assert.rejects(spool.commit(makeDraft()), full);
  await settle();
  clock.advance(LOOK_MS);
  await settle();
  assert.equal(spool.figures().closedBecause, null);
  await spool.commit(makeDraft());
  assert.equal(files.bytes(segment).length, size);
  // Its segment is needed no more: the tail is copied before it goes.
  spool.settle(left, 0);
  await settle();
  assert.ok(!files.paths().includes(segment));
  const [copy] = copies(files) as [string];
  assert.deepEqual(files.bytes(copy), tail);
  await spool.close();
});

/** The same where the segment was a reserve. */
async function tornOnZeros(): ReturnType<typeof torn> {
  const found = await torn();
  const file = await found.files.open(found.segment);
  await file.append([Buffer.alloc(1024 * 1024)]);
  await file.sync();
  await file.close();
  return found;
}

test("zeros behind a torn tail go, though a full disk has no room for the copy of it", async () => {
  const { files, segment, tail, left } = await tornOnZeros();
  const size = files.bytes(segment).length;
  files.failNext("create", 1, "ENOSPC");
  const { spool } = await open(files);
  assert.equal(files.bytes(segment).length, size - 1024 * 1024);
  assert.deepEqual([await stored(spool), spool.corruptRecords, copies(files)], [[left], 0, []]);
  spool.settle(left, 0);
  await settle();
  assert.ok(!files.paths().includes(segment));
  assert.deepEqual(files.bytes(copies(files)[0] as string), tail);
  await spool.close();
});

test("of a torn tail in front of zeros what was written is kept aside, and all of it is cut off", async () => {
  const { files, segment, tail } = await tornOnZeros();
  const whole = files.bytes(segment).indexOf(tail);
  const { spool } = await open(files);
  assert.equal(files.bytes(segment).length, whole);
  const copy = files.bytes(copies(files)[0] as string);
  assert.equal(copy.length, tail.length);
  assert.ok(copy.equals(tail));
  await spool.close();
});

test("a tail that a full disk has no room to cut off keeps no spool from opening", async () => {
  const { files, segment, left } = await torn();
  const size = files.bytes(segment).length;
  files.failNext("truncate", 1, "ENOSPC");
  const { spool } = await open(files);
  assert.equal(files.bytes(segment).length, size);
  assert.deepEqual(await stored(spool), [left]);
  await spool.close();
});

test("a torn tail that finds no room for its copy outlives its segment's last message until it does", async () => {
  const { files, segment, tail, left } = await torn();
  files.failNext("create", 1, "EDQUOT");
  const { spool } = await open(files);
  files.failNext("create", 1, "ENOSPC");
  spool.settle(left, 0);
  await settle();
  assert.ok(files.paths().includes(segment));
  const last = makeDraft();
  await spool.commit(last);
  spool.settle(last.id, 0);
  await settle();
  assert.ok(!files.paths().includes(segment));
  assert.deepEqual(files.bytes(copies(files)[0] as string), tail);
  await spool.close();
});

test("the start after one on a full disk copies the tail, and finds the same mail", async () => {
  const { files, segment, tail, left } = await torn();
  files.failNext("create", 1, "ENOSPC");
  const { spool } = await open(files);
  const fresh = makeDraft();
  await spool.commit(fresh);
  const after = files.afterCrash();
  const { spool: next } = await open(after);
  assert.deepEqual(await stored(next), [left, fresh.id]);
  assert.ok(after.bytes(segment).subarray(-tail.length).equals(tail));
  assert.deepEqual(after.bytes(copies(after)[0] as string), tail);
  for (const one of [spool, next]) await one.close();
});

test("a write that took bytes and failed is a failed sync, whatever its reason", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files);
  files.failNext("sync", 1, "ENOSPC");
  await assert.rejects(spool.commit(makeDraft()), { code: "spool-broken" });
  clock.advance(LOOK_MS);
  await settle();
  await assert.rejects(spool.commit(makeDraft()), { code: "spool-broken" });
  await spool.close();
});

const isRoot = process.getuid?.() === 0;
test("on a real disk that is full mail is refused and taken again once there is room", {
  skip: !isRoot,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "full-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", folder]);
  try {
    const { spool } = await open(diskFiles(folder));
    const first = makeDraft();
    await spool.commit(first);
    const filler = join(folder, "filler");
    assert.throws(() => writeFileSync(filler, Buffer.alloc(2 * 1024 * 1024)), { code: "ENOSPC" });
    for (let n = 0; n < 3; n++) {
      await assert.rejects(spool.commit(makeDraft({ content: Buffer.alloc(20_000, "x\r\n") })), full);
    }
    rmSync(filler);
    const second = makeDraft();
    await spool.commit(second);
    await spool.close();
    const { spool: next } = await open(diskFiles(folder));
    assert.deepEqual(await stored(next), [first.id, second.id]);
    assert.equal(next.corruptRecords, 0);
    await next.close();
  } finally {
    execFileSync("umount", [folder]);
    rmdirSync(folder);
  }
});
