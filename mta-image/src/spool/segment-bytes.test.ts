/** Damage to a segment that is written over an older one, and writes that a crash cut. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { commitAll, open, stored } from "../../testing/full-disk.ts";
import { makeDraft, makeState } from "../../testing/messages.ts";
import { corrupt, endOf, keyIn, newest, numberOf, reused, small } from "../../testing/reused-segment.ts";
import type { DiskSpool } from "./disk-spool.ts";
import { encodeMessage } from "./record.ts";
import { endMark } from "./segment-bytes.ts";

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

test("closed in order with one record or none, damage to one copy of the key costs nothing", async () => {
  for (const count of [0, 1]) {
    const files = new FaultyFiles();
    const { spool, kept } = await reused(files);
    await spool.close();
    const [path, bytes] = [newest(files), files.bytes(newest(files))];
    const second = bytes.indexOf(keyIn(bytes), 57);
    const file = await files.open(path);
    await file.truncate(count === 0 ? 49 : second);
    await file.close();
    const { spool: whole } = await open(files.afterCrash(1), small);
    const before = await stored(whole);
    await whole.close();
    for (const at of [33, 48]) {
      const damaged = files.afterCrash(1);
      damaged.bytes(path).writeUInt8(damaged.bytes(path).readUInt8(at) ^ 1, at);
      const opened = await open(damaged, small);
      assert.deepEqual(
        await stored(opened.spool),
        before.filter((id) => kept.includes(id)),
      );
      // Without a record nothing tells which copy is right.
      assert.equal(opened.spool.corruptRecords, count === 0 ? 1 : 0);
      await opened.spool.close();
    }
  }
});

test("a key that a stranger wrote into mail is none, in a fresh segment whose header is damaged", async () => {
  const files = new FaultyFiles();
  const { spool } = await open(files);
  const { id, receivedAt, envelope, origin } = makeDraft();
  const meta = { id, receivedAt, envelope, origin, sizeBytes: 0, inFile: false, states: [makeState()] };
  const [key, record] = [Buffer.from("forgery!"), Buffer.concat(encodeMessage(meta, []))];
  const content = Buffer.concat([endMark(key, 1), key, record, key, record, key]);
  const drafts = [makeDraft(), makeDraft({ content }), makeDraft()];
  for (const draft of drafts) await spool.commit(draft);
  files.bytes(newest(files)).writeUInt8(0, 5);
  const { spool: next } = await open(files.afterCrash(1));
  assert.deepEqual(
    await stored(next),
    drafts.map((draft) => draft.id),
  );
  for (const one of [spool, next]) await one.close();
});

test("of a batch whose first sector a loss of power has kept from the disk nothing counts as damage", async () => {
  const files = new FaultyFiles();
  const { spool, kept } = await reused(files);
  const [path, end] = [newest(files), endOf(files)];
  const before = Buffer.from(files.bytes(path));
  const late = Array.from({ length: 4 }, () => makeDraft({ content: Buffer.alloc(300, "x") }));
  await Promise.all(late.map((draft) => spool.commit(draft)));
  const torn = files.afterCrash(1);
  before.copy(torn.bytes(path), end, end, Math.ceil(end / 512) * 512);
  const { spool: next } = await open(torn, small);
  assert.deepEqual(await stored(next), kept);
  assert.equal(next.corruptRecords, 0);
  assert.deepEqual(corrupt(torn), []);
  for (const one of [spool, next]) await one.close();
});
