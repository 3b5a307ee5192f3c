import assert from "node:assert/strict";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";

const isOnDisk = (files: FaultyFiles): boolean => files.afterCrash().paths().includes("drained");

test("an empty spool is marked durably, and the mark goes before anything is stored again", async () => {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  assert.equal(spool.isMarkedDrained, false);
  await spool.markDrained("empty");
  assert.equal(spool.isMarkedDrained, true);
  assert.equal(isOnDisk(files), true);
  await spool.commit(makeDraft());
  assert.equal(spool.isMarkedDrained, false);
  assert.equal(isOnDisk(files), false);
  await spool.close();
});

test("mail that comes while the mark is being written finds none afterwards", async () => {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  const marking = spool.markDrained("empty");
  await Promise.all([marking, spool.commit(makeDraft())]);
  assert.equal(isOnDisk(files), false);
  await spool.close();
});

test("of mail that comes together, none is stored before the mark is gone, nor when it cannot go", async () => {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  await spool.markDrained("empty");
  files.failNext("syncFolder");
  const marked: boolean[] = [];
  const commits = [1, 2, 3].map(async () => {
    await spool.commit(makeDraft());
    marked.push(isOnDisk(files));
  });
  const results = await Promise.allSettled(commits);
  assert.equal(results[0]?.status, "rejected");
  assert.ok(marked.length > 0);
  assert.ok(!marked.includes(true));
  await spool.close();
});

test("a spool is not marked while mail is on its way to the disk", async () => {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  const committing = spool.commit(makeDraft());
  await spool.markDrained("empty");
  assert.equal(spool.isMarkedDrained, false);
  await committing;
  assert.equal(isOnDisk(files), false);
  await spool.close();
});

test("a spool that holds mail is not marked", async () => {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  await spool.commit(makeDraft());
  await spool.markDrained("empty");
  assert.equal(spool.isMarkedDrained, false);
  await spool.close();
});

test("a mark that cannot be written is given up, and mail is taken all the same", async () => {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  files.failNext("rename");
  await spool.markDrained("empty");
  assert.equal(spool.isMarkedDrained, null);
  await spool.commit(makeDraft());
  assert.equal(spool.figures().messages, 1);
  await spool.close();
});

test("a start takes the mark of the last one away", async () => {
  const files = new FaultyFiles();
  const first = await openSpool(files);
  await first.markDrained("empty");
  await first.close();
  const second = await openSpool(files);
  assert.equal(isOnDisk(files), false);
  await second.close();
});

test("a fence outlives the process, also over a crash, until it is taken away", async () => {
  const files = new FaultyFiles();
  const first = await openSpool(files);
  assert.equal(first.isFenced, false);
  await first.markFenced("fenced");
  const second = await openSpool(files.afterCrash());
  assert.equal(second.isFenced, true);
  await first.unmarkFenced();
  assert.equal(first.isFenced, false);
  const third = await openSpool(files.afterCrash());
  assert.equal(third.isFenced, false);
});

test("a fence that cannot be written holds for this process", async () => {
  const files = new FaultyFiles();
  const spool = await openSpool(files);
  files.failNext("sync");
  await spool.markFenced("fenced");
  assert.equal(spool.isFenced, true);
  assert.equal((await openSpool(files.afterCrash())).isFenced, false);
});

test("what a killed process had begun to write of a fence does not stand in the way of the next", async () => {
  const files = new FaultyFiles();
  await files.create("fenced.part");
  const spool = await openSpool(files);
  assert.equal(spool.isFenced, false);
  await spool.markFenced("fenced");
  assert.equal((await openSpool(files.afterCrash())).isFenced, true);
});
