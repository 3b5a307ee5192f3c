import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { commitAll, look, makeRoom, open, stored } from "../../testing/full-disk.ts";
import { makeDraft, makeState } from "../../testing/messages.ts";
import { settle } from "../../testing/queue-rig.ts";
import { bytesOf } from "../../testing/spool-contract.ts";
import { until } from "../../testing/until.ts";
import type { DiskSpool } from "./disk-spool.ts";
import { diskFiles } from "./files.ts";
import { encodeMessage, encodeSettled } from "./record.ts";
import { REUSED_HEADER, endMark } from "./segment-bytes.ts";

const SPARE = "segments/spare";
const small = { segmentBytes: 3000 };

const newest = (files: FaultyFiles): string => files.paths().findLast((path) => path.endsWith(".log")) ?? "";
const numberOf = (path: string): number => Number.parseInt(path.slice("segments/".length), 10);
/** Of the open segment. */
const keyIn = (bytes: Buffer): Buffer => bytes.subarray(REUSED_HEADER.length, REUSED_HEADER.length + 8);
const corrupt = (files: FaultyFiles): string[] => files.paths().filter((path) => path.startsWith("corrupt/"));

/** Mail comes and goes until the segment that is open is one that was written over, and holds three messages. */
async function reused(files: FaultyFiles): Promise<{ spool: DiskSpool; kept: string[] }> {
  const { spool } = await open(files, small);
  const kept: string[] = [];
  while (kept.length < 3) {
    const before = newest(files);
    kept.push(...(await commitAll(spool, 1)).map(({ id }) => id));
    const gone = !isReused(files)
      ? kept.splice(0)
      : newest(files) === before
        ? []
        : kept.splice(0, kept.length - 1);
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
  const mark = endMark(keyIn(bytes), numberOf(path));
  for (let at = 0; at < bytes.length; at++) {
    if (bytes.subarray(at, at + 16).equals(mark)) return at;
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

test("a batch that is cut at any byte costs nothing that was committed, and little is kept aside", async () => {
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
    const aside = corrupt(torn).reduce((bytes, name) => bytes + torn.bytes(name).length, 0);
    assert.ok(aside <= 65_536 + 24, `${cut}: ${aside}`);
    if (cut < end + 8) assert.equal(aside, 0, "older bytes");
    await next.close();
  }
  await spool.close();
});

test("a flipped bit anywhere in it costs one record, which is moved aside", async () => {
  const files = new FaultyFiles();
  const { spool, kept } = await reused(files);
  const [path, end] = [newest(files), endOf(files)];
  const starts = kept.map((id) => files.bytes(path).indexOf(id)).map((at) => at - '{"id":"'.length - 16 - 8);
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

test("a flipped bit anywhere in what it begins with loses nothing, and brings nothing back", async () => {
  for (const count of [0, 3]) {
    const files = new FaultyFiles();
    const { spool, kept } = await reused(files);
    const path = newest(files);
    if (count === 0) {
      const { id, receivedAt, envelope, origin } = makeDraft();
      const meta = { id, receivedAt, envelope, origin, sizeBytes: 0, inFile: false, states: [makeState()] };
      const older = Buffer.concat([
        endMark(keyIn(files.bytes(path)), numberOf(path)),
        ...encodeMessage(meta, []),
      ]);
      files.bytes(path).fill(0, 49);
      older.copy(files.bytes(path), 49);
    }
    for (let bit = 0; bit < 8 * 57; bit++) {
      const at = Math.floor(bit / 8);
      const damaged = files.afterCrash(1);
      const bytes = damaged.bytes(path);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit % 8)), at);
      const next = await open(damaged, small).then(
        ({ spool: opened }) => opened,
        ({ code }: { code: string }) => assert.equal(code, "spool-format-unknown"),
      );
      if (next === undefined)
        assert.ok(at >= 23 && at < 33, `byte ${at} is not of the format's number or name`);
      else {
        const found = await stored(next);
        assert.deepEqual(
          found,
          kept.slice(0, count).filter((id) => found.includes(id)),
        );
        // Damage to the key in front of the first record costs that one.
        assert.ok(at >= 49 || found.length === count, `byte ${at}`);
      }
      await next?.close();
    }
    await spool.close();
  }
});

const losses: Record<string, (bytes: Buffer) => unknown> = {
  "both copies of the key": (bytes) => [40, 41].map((at) => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)),
  "its first sector": (bytes) => bytes.fill(0, 0, 512),
  "its first 57 bytes, to ones": (bytes) => bytes.fill(255, 0, 57),
};

for (const [what, lose] of Object.entries(losses)) {
  for (const kind of ["fresh", "written over"]) {
    test(`with ${what} lost, one that is ${kind} costs the records in there, and brings nothing back`, async () => {
      const files = new FaultyFiles();
      const { spool, kept } = kind === "fresh" ? await fresh(files) : await reused(files);
      lose(files.bytes(newest(files)));
      const { spool: next } = await open(files.afterCrash(1), small);
      const found = await stored(next);
      assert.deepEqual(
        found,
        kept.filter((id) => found.includes(id)),
      );
      assert.ok(found.length >= 2, "the last two are beyond the first sector");
      for (const one of [spool, next]) await one.close();
    });
  }
}

test("where no key can be told all of it is damage, and is kept", async () => {
  const files = new FaultyFiles();
  const { spool } = await reused(files);
  const [path, key] = [newest(files), Buffer.from(keyIn(files.bytes(newest(files))))];
  const bytes = files.bytes(path);
  for (let at = bytes.indexOf(key), n = 1; at !== -1; at = bytes.indexOf(key, at + 1), n++)
    bytes.fill(n, at, at + 8);
  const damaged = files.afterCrash(1);
  const { spool: next } = await open(damaged, small);
  assert.deepEqual(await stored(next), []);
  assert.equal(next.corruptRecords, 1);
  assert.deepEqual(damaged.bytes(corrupt(damaged)[0] ?? ""), bytes);
  for (const one of [spool, next]) await one.close();
});

test("where the last record and the mark of the end are damaged together, their bytes are kept", async () => {
  const files = new FaultyFiles();
  const { spool, kept } = await reused(files);
  const [path, end] = [newest(files), endOf(files)];
  const start = files.bytes(path).indexOf(kept[2] as string) - '{"id":"'.length - 24;
  files.bytes(path).fill(7, start, end + 16);
  for (const isNewest of [true, false]) {
    const damaged = files.afterCrash(1);
    const later = isNewest ? null : await damaged.create("segments/0000009999.log");
    await later?.close();
    const { spool: next } = await open(damaged, small);
    assert.deepEqual(await stored(next), kept.slice(0, 2));
    assert.equal(next.corruptRecords, isNewest ? 0 : 1);
    const aside = damaged.bytes(corrupt(damaged)[0] ?? "");
    assert.ok(aside.indexOf(files.bytes(path).subarray(start, end + 16)) === 0);
    await next.close();
  }
  await spool.close();
});

/** Three messages in a segment that grew. */
async function fresh(files: FaultyFiles): Promise<{ spool: DiskSpool; kept: string[] }> {
  const { spool } = await open(files);
  return { spool, kept: (await commitAll(spool, 3)).map(({ id }) => id) };
}

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

const isReused = (files: FaultyFiles): boolean =>
  files.bytes(newest(files)).subarray(0, REUSED_HEADER.length).equals(REUSED_HEADER);

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
