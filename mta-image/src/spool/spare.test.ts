import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { commitAll, look, makeRoom, open, stored } from "../../testing/full-disk.ts";
import { makeDraft } from "../../testing/messages.ts";
import { settle } from "../../testing/queue-rig.ts";
import { bytesOf } from "../../testing/spool-contract.ts";
import { until } from "../../testing/until.ts";
import type { DiskSpool } from "./disk-spool.ts";
import { diskFiles } from "./files.ts";
import { MARK, REUSED_HEADER, endMark } from "./marks.ts";
import { encodeMessage, encodeSettled, setMark } from "./record.ts";

const SPARE = "segments/spare";
const small = { segmentBytes: 3000 };

const newest = (files: FaultyFiles): string => files.paths().findLast((path) => path.endsWith(".log")) ?? "";
const numberOf = (path: string): number => Number.parseInt(path.slice("segments/".length), 10);
const corrupt = (files: FaultyFiles): string[] => files.paths().filter((path) => path.startsWith("corrupt/"));

/** Mail comes and goes until the segment that is open is one that was written over, and holds three messages. */
async function reused(files: FaultyFiles): Promise<{ spool: DiskSpool; kept: string[] }> {
  const { spool } = await open(files, small);
  const kept: string[] = [];
  while (kept.length < 3) {
    const before = newest(files);
    kept.push(...(await commitAll(spool, 1)).map(({ id }) => id));
    const isFresh = !files.bytes(newest(files)).subarray(0, REUSED_HEADER.length).equals(REUSED_HEADER);
    const gone = isFresh ? kept.splice(0) : newest(files) === before ? [] : kept.splice(0, kept.length - 1);
    for (const id of gone) spool.settle(id, 0);
    await spool.flush();
    for (let n = 0; n < 3; n++) await settle();
  }
  return { spool, kept };
}

/** Where the records of the open segment end. */
function endOf(files: FaultyFiles): number {
  const path = newest(files);
  const bytes = files.bytes(path);
  for (let at = 0; at < bytes.length; at++) {
    if (bytes.subarray(at, at + 16).equals(endMark(numberOf(path), at))) return at;
  }
  throw new Error("no mark of the end");
}

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

test("a batch that is cut at any byte costs nothing that was committed, and no older bytes are kept aside", async () => {
  const files = new FaultyFiles();
  const { spool, kept } = await reused(files);
  const [path, end] = [newest(files), endOf(files)];
  const before = Buffer.from(files.bytes(path));
  const [late] = await commitAll(spool, 1);
  const after = Buffer.from(files.bytes(path));
  const written = endOf(files) + 16;
  for (let cut = end; cut <= written; cut += 3) {
    const torn = files.afterCrash(1);
    Buffer.concat([after.subarray(0, cut), before.subarray(cut)]).copy(torn.bytes(path));
    const { spool: next } = await open(torn, small);
    const isWhole = cut >= written - 16;
    assert.deepEqual(await stored(next), isWhole ? [...kept, late?.id] : kept, `${cut}`);
    assert.equal(next.corruptRecords, 0);
    assert.deepEqual(corrupt(torn), [], `${cut}`);
    await next.close();
  }
  await spool.close();
});

test("a flipped bit anywhere in it costs one record, which is moved aside", async () => {
  const files = new FaultyFiles();
  const { spool, kept } = await reused(files);
  const [path, end] = [newest(files), endOf(files)];
  const starts = kept.map((id) => files.bytes(path).indexOf(id)).map((at) => at - '{"id":"'.length - 16);
  for (const [nth, start] of starts.entries()) {
    const behind = starts[nth + 1] ?? end;
    for (let at = start; at < behind; at += 7) {
      const damaged = files.afterCrash(1);
      const bytes = damaged.bytes(path);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 16, at);
      const { spool: next } = await open(damaged, small);
      assert.deepEqual(await stored(next), kept.toSpliced(nth, 1), `byte ${at}`);
      const aside = `corrupt/${path.slice("segments/".length, -".log".length)}-${start}.bin`;
      assert.equal(damaged.bytes(aside).length, behind - start);
      await next.close();
    }
  }
  await spool.close();
});

test("damage to its header loses nothing, and records that a stranger wrote into mail stay mail", async () => {
  const files = new FaultyFiles();
  const { spool, kept } = await reused(files);
  const { id, receivedAt, envelope, origin } = makeDraft();
  const state = { status: "queued", attempts: 0, dueAt: 0, lastReply: "", delayNotices: 0 } as const;
  const forged = { id, receivedAt, envelope, origin, sizeBytes: 0, inFile: false, states: [state] };
  const records = [encodeMessage(forged, []), encodeSettled(kept[0] as string, 0)];
  for (const [head] of records) setMark(head as Buffer, MARK);
  const hostile = makeDraft({ content: Buffer.concat(records.flat()) });
  await spool.commit(hostile);
  files.bytes(newest(files)).writeUInt8(0, 10);
  const { spool: next } = await open(files.afterCrash(1), small);
  assert.deepEqual(await stored(next), [...kept, hostile.id]);
  for (const one of [spool, next]) await one.close();
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
