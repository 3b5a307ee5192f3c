/** Records that wait for room on a full disk, or for a segment that could not be begun: at no end of the process is mail lost or twice. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { LOOK_MS, open, stored } from "../../testing/full-disk.ts";
import { makeDraft } from "../../testing/messages.ts";
import { settle } from "../../testing/queue-rig.ts";
import type { SpoolFile } from "./files.ts";
import type { Draft } from "./spool.ts";

const full = { code: "spool-full" };

test("a snapshot of a process that never had room for a segment does not stand for the next one's", async () => {
  const files = new FaultyFiles();
  const small = { segmentBytes: 2000, snapshotBytes: 2000 };
  const { spool: first } = await open(files, { segmentBytes: 2000 });
  const old = makeDraft({ content: Buffer.alloc(2000, "x") });
  for (const draft of [old, makeDraft()]) await first.commit(draft);
  const there = await stored(first);
  await first.close();
  files.failNext("create", 3, "ENOSPC");
  const { spool: second } = await open(files, small);
  await settle();
  assert.equal(second.isBehind, true);
  // Room comes as soon as it has looked for the last time.
  await second.close();
  assert.ok(files.paths().includes("snapshot"));
  const { spool: third } = await open(files);
  const fresh = makeDraft();
  await third.commit(fresh);
  const { spool: fourth } = await open(files.afterCrash());
  assert.deepEqual((await stored(fourth)).sort(), [...there, fresh.id].sort());
  for (const one of [third, fourth]) await one.close();
});

test("of a batch without room nothing is kept but what became of earlier mail, mail without content neither", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files);
  const first = makeDraft();
  await spool.commit(first);
  files.failNext("append", 1, "ENOSPC");
  const refused = [
    Buffer.alloc(0),
    [Buffer.from("Subject: x\r\n"), Buffer.alloc(0)],
    Buffer.from("\r\n"),
  ].map((content) => assert.rejects(spool.commit(makeDraft({ content })), full));
  spool.settle(first.id, 0);
  await Promise.all(refused);
  clock.advance(LOOK_MS);
  await settle();
  assert.equal(spool.isBehind, false);
  const { spool: next } = await open(files.afterCrash());
  assert.deepEqual([await stored(next), next.corruptRecords], [[], 0]);
  for (const one of [spool, next]) await one.close();
});

test("while records wait for room the disk is asked at each look, not by each record or message that comes", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files);
  const drafts = Array.from({ length: 20 }, () => makeDraft());
  for (const draft of drafts) await spool.commit(draft);
  // To the segment, to the reserve, and at the next look.
  files.failNext("append", 3, "ENOSPC");
  spool.settle((drafts[0] as Draft).id, 0);
  await settle();
  const before = files.operations;
  for (const draft of drafts.slice(1)) {
    spool.settle(draft.id, 0);
    await settle();
    await assert.rejects(spool.commit(makeDraft()), full);
    await assert.rejects(spool.createBody(makeDraft().id), full);
  }
  assert.equal(files.operations, before);
  clock.advance(LOOK_MS);
  await settle();
  assert.equal(spool.isBehind, true);
  clock.advance(LOOK_MS);
  await settle();
  assert.equal(spool.isBehind, false);
  const { spool: next } = await open(files.afterCrash());
  assert.deepEqual(await stored(next), []);
  for (const one of [spool, next]) await one.close();
});

test("bytes that found no room for their copy are copied before a snapshot spares the next start their segment", async () => {
  const files = new FaultyFiles();
  const small = { segmentBytes: 2000, snapshotBytes: 2000 };
  const { spool: first } = await open(files);
  const [damaged, left] = [makeDraft(), makeDraft()];
  for (const draft of [damaged, left]) await first.commit(draft);
  await first.close();
  const segment = files.paths().find((path) => path.startsWith("segments/")) as string;
  files.bytes(segment).writeUInt8(7, 60);
  const start = files.bytes(segment).subarray(33, 73);
  files.failNext("create", 1, "ENOSPC");
  const { spool: second } = await open(files, small);
  for (let n = 0; n < 20; n++) await second.commit(makeDraft({ content: Buffer.alloc(500, "y") }));
  await second.close();
  assert.ok(files.paths().includes("snapshot"));
  const copy = files.paths().find((path) => path.startsWith("corrupt/"));
  assert.deepEqual(files.bytes(copy ?? "").subarray(0, start.length), start);
  const { spool: third } = await open(files.afterCrash(), small);
  assert.equal(third.corruptRecords, 1);
  await third.close();
});

/** A disk that has no room for copies of damaged bytes. */
class CrampedFiles extends FaultyFiles {
  override async create(path: string): Promise<SpoolFile> {
    if (path.startsWith("corrupt/")) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    return super.create(path);
  }
}

test("as long as there is no room for that copy no snapshot spares anybody the segment", async () => {
  const files = new CrampedFiles();
  const { spool: first } = await open(files);
  for (let n = 0; n < 2; n++) await first.commit(makeDraft());
  await first.close();
  files.bytes("segments/0000000001.log").writeUInt8(7, 60);
  const { spool: second } = await open(files, { segmentBytes: 2000, snapshotBytes: 2000 });
  for (let n = 0; n < 20; n++) await second.commit(makeDraft({ content: Buffer.alloc(500, "y") }));
  await second.close();
  assert.equal(files.paths().includes("snapshot"), false);
  const roomy = files.afterCrash();
  const { spool: third } = await open(roomy);
  assert.equal(third.corruptRecords, 1);
  assert.equal(roomy.paths().filter((path) => path.startsWith("corrupt/")).length, 1);
  assert.equal((await stored(third)).length, 21);
  await third.close();
});

test("segments that nobody needs go once a full disk has had room for the last record, with no other mail", async () => {
  // The last record begins a segment, or does not.
  for (const count of [11, 12]) await fillAndSettle(count);
});

async function fillAndSettle(count: number): Promise<void> {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files, { segmentBytes: 2000 });
  const drafts = Array.from({ length: count }, () => makeDraft({ content: Buffer.alloc(700, "z") }));
  for (const draft of drafts) await spool.commit(draft);
  const segments = (): number => files.paths().filter((path) => path.endsWith(".log")).length;
  assert.ok(segments() > 3);
  files.failNext("append", 1, "ENOSPC");
  for (const { id } of drafts) spool.settle(id, 0);
  await settle();
  assert.equal(spool.isBehind, true);
  clock.advance(LOOK_MS);
  // One after another, each with a look at what is on disk.
  for (let n = 0; n < 10; n++) await settle();
  assert.equal(segments(), 1, `${count}`);
  const { spool: next } = await open(files.afterCrash());
  assert.deepEqual(await stored(next), []);
  for (const one of [spool, next]) await one.close();
}
