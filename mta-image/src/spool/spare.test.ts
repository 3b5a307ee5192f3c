import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { commitAll, look, makeRoom, open, stored } from "../../testing/full-disk.ts";
import { makeDraft, makeState } from "../../testing/messages.ts";
import { settle } from "../../testing/queue-rig.ts";
import { corrupt, endOf, isReused, newest, reused, small } from "../../testing/reused-segment.ts";
import { bytesOf } from "../../testing/spool-contract.ts";
import { until } from "../../testing/until.ts";
import { diskFiles } from "./files.ts";
import { encodeMessage, encodeSettled } from "./record.ts";

const SPARE = "segments/spare";
test("a segment that nobody needs is written over by a later one, and what it held never comes back", async () => {
  const files = new FaultyFiles();
  const { spool, kept } = await reused(files);
  const bytes = files.bytes(newest(files));
  assert.ok(bytes.length > endOf(files) + 16, "bytes of an older segment are behind");
  for (const id of kept) assert.ok((await bytesOf(spool, id)).length > 0);
  for (const crashed of [files.afterCrash(), files.afterCrash(1)]) {
    const { spool: next } = await open(crashed, small);
    assert.deepEqual(await stored(next), kept);
    assert.equal(next.corruptRecords, 0);
    assert.deepEqual(corrupt(crashed), [], "nothing is taken for damage");
    for (const id of kept) assert.ok((await bytesOf(next, id)).length > 0);
    await next.close();
  }
  await spool.close();
});

test("closed in order, nothing is left behind the records", async () => {
  const files = new FaultyFiles();
  const { spool, kept } = await reused(files);
  const end = endOf(files);
  await spool.close();
  assert.equal(files.bytes(newest(files)).length, end);
  const { spool: next } = await open(files, small);
  assert.deepEqual(await stored(next), kept);
  await next.close();
});

test("records that a stranger wrote into mail stay mail, in front of the end and behind it", async () => {
  const files = new FaultyFiles();
  const { spool } = await open(files, { segmentBytes: 20_000 });
  const forged = (victim: string): Buffer => {
    const { id, receivedAt, envelope, origin } = makeDraft();
    const meta = { id, receivedAt, envelope, origin, sizeBytes: 0, inFile: false, states: [makeState()] };
    return Buffer.concat([...encodeMessage(meta, []), ...encodeSettled(victim, 0)]);
  };
  const [old] = await commitAll(spool, 1);
  const victim = old?.id ?? "";
  while (!isReused(files)) {
    const draft = makeDraft({ content: Buffer.concat(Array.from({ length: 9 }, () => forged(victim))) });
    await spool.commit(draft);
    spool.settle(draft.id, 0);
    await spool.flush();
    for (let n = 0; n < 3; n++) await settle();
  }
  const last = makeDraft({ content: forged(victim) });
  await spool.commit(last);
  const { spool: next } = await open(files.afterCrash(1), small);
  assert.deepEqual((await stored(next)).toSorted(), [victim, last.id].toSorted());
  assert.equal(next.corruptRecords, 0);
  for (const one of [spool, next]) await one.close();
});

test("mail whose segment is written over while it is being read is read at its new place", async () => {
  const files = new FaultyFiles();
  const { spool } = await open(files, { ...small, cacheBytes: 0 });
  const draft = makeDraft({ content: Buffer.from("stays") });
  await spool.commit(draft);
  const first = newest(files);
  const inode = files.bytes(first);
  while (newest(files) === first) await commitAll(spool, 1).then(([one]) => spool.settle(one?.id ?? "", 0));
  const [begun, end] = holdNextRead(files);
  const read = spool.read(draft.id);
  await begun;
  while (inode.equals(files.bytes(newest(files))) || !isReused(files)) {
    for (const { id } of await commitAll(spool, 3)) spool.settle(id, 0);
    await spool.flush();
    for (let n = 0; n < 5; n++) await settle();
  }
  end();
  const content = await read;
  assert.deepEqual(content.kind === "memory" ? content.bytes.toString() : "", "stays");
  await spool.close();
});

/** Of the next file that is opened the bytes are read when `end` is called. */
function holdNextRead(files: FaultyFiles): [begun: Promise<void>, end: () => void] {
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const open = files.open.bind(files);
  files.open = async (path) => {
    files.open = open;
    const file = await open(path);
    const read = async (offset: number, length: number): Promise<Buffer> => {
      begun.resolve();
      await gate.promise;
      return file.read(offset, length);
    };
    return { ...file, read };
  };
  return [begun.promise, gate.resolve];
}

test("one with a very large record is not kept, since it would stay as large", async () => {
  const files = new FaultyFiles();
  const { spool } = await open(files, small);
  const large = makeDraft({ content: Buffer.alloc(100_000, "x") });
  await spool.commit(large);
  spool.settle(large.id, 0);
  await commitAll(spool, 1);
  for (let n = 0; n < 9; n++) await settle();
  assert.deepEqual(
    files.paths().filter((path) => path.startsWith("segments/")),
    [newest(files)],
  );
  await spool.close();
});

type Opened = Awaited<ReturnType<typeof open>> & { files: FaultyFiles };

const ends: Record<string, (opened: Opened) => Promise<unknown>> = {
  "the spool is marked as drained": ({ spool }) => spool.markDrained("{}"),
  "somebody removes it": ({ files }) => files.remove(SPARE),
  "free space is below the floor": async ({ files, clock }) => {
    files.free.bytes = 999;
    await look(clock);
  },
  "the disk is full, which the first mail finds out that begins no segment": async ({ files, spool }) => {
    files.isFull = true;
    await assert.rejects(async () => void (await commitAll(spool, 20)), { code: "spool-full" });
  },
};

for (const [end, act] of Object.entries(ends)) {
  test(`there is none any more when ${end}, and mail goes on`, async () => {
    const files = new FaultyFiles();
    const floor = { bytes: 1000, inodes: 0 };
    const { spool, clock } = await open(files, { ...small, floor });
    while (!files.paths().includes(SPARE)) {
      for (const { id } of await commitAll(spool, 3)) spool.settle(id, 0);
      await spool.flush();
      for (let n = 0; n < 3; n++) await settle();
    }
    await act({ files, spool, clock });
    assert.ok(!files.paths().includes(SPARE));
    makeRoom(files);
    await look(clock);
    const drafts = await commitAll(spool, 8);
    const { spool: next } = await open(files.afterCrash(), small);
    const found = await stored(next);
    for (const { id } of drafts) assert.ok(found.includes(id));
    for (const one of [spool, next]) await one.close();
  });
}

for (const operation of ["open", "append", "rename"] as const) {
  test(`one that cannot be used (${operation}) is given up for a fresh file, and mail goes on`, async () => {
    const files = new FaultyFiles();
    const { spool } = await open(files, small);
    while (!files.paths().includes(SPARE)) {
      for (const { id } of await commitAll(spool, 3)) spool.settle(id, 0);
      await spool.flush();
      for (let n = 0; n < 3; n++) await settle();
    }
    await spool.close();
    if (operation === "rename") files.failNext("rename", 1, "EACCES");
    const { spool: next } = await open(withoutSpare(files, operation), small);
    const drafts = await commitAll(next, 3);
    const { spool: last } = await open(files.afterCrash(), small);
    assert.deepEqual(
      await stored(last),
      drafts.map(({ id }) => id),
    );
    for (const one of [next, last]) await one.close();
  });
}

/** The spare alone cannot be opened, or written. */
function withoutSpare(files: FaultyFiles, operation: string): FaultyFiles {
  const openSynced = files.openSynced.bind(files);
  const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" }));
  files.openSynced = async (path, end) => {
    if (path !== SPARE || operation === "rename") return openSynced(path, end);
    return operation === "open" ? refuse() : { ...(await openSynced(path, end)), append: refuse };
  };
  return files;
}

test("on a disk it is written over where it is: no block more, and the file as long as before", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spool-spare-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { spool } = await open(diskFiles(folder), { segmentBytes: 40_000 });
  const logs = (): string[] => readdirSync(join(folder, "segments")).toSorted();
  const isThere = (): boolean => logs().includes("spare");
  while (!isThere()) {
    for (const { id } of await commitAll(spool, 20)) spool.settle(id, 0);
    await until(
      () => spool.figures(),
      ({ segments }) => isThere() || segments <= 2,
    );
  }
  const { ino, size, blocks } = statSync(join(folder, SPARE));
  const ids: string[] = [];
  while (isThere()) ids.push(...(await commitAll(spool, 1)).map(({ id }) => id));
  ids.push(...(await commitAll(spool, 3)).map(({ id }) => id));
  const now = statSync(join(folder, "segments", logs().at(-1) ?? ""));
  assert.deepEqual([now.ino, now.size, now.blocks], [ino, size, blocks]);
  for (const id of ids) assert.ok((await bytesOf(spool, id)).length > 0);
  await spool.close();
});
