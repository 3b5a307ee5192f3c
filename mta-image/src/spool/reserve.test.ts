/** Room that is kept for what becomes of mail: with it nothing that was delivered comes back, whenever a process on a full disk ends. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { LOOK_MS, commitAll, fill, look, makeRoom, open, stored } from "../../testing/full-disk.ts";
import { makeDraft, makeState } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { diskFiles } from "./files.ts";
import type { Draft } from "./spool.ts";

const full = { code: "spool-full" };
const KIB = 1024;

test("what becomes of mail on a full disk is there after a crash, and no mail is taken meanwhile", async () => {
  const files = new FaultyFiles();
  const { spool } = await open(files);
  const [first, second] = (await commitAll(spool, 2)) as [Draft, Draft];
  fill(files);
  spool.settle(first.id, 0);
  spool.update(second.id, 0, makeState({ attempts: 3 }));
  await spool.flush();
  assert.deepEqual([spool.isBehind, spool.figures().closedBecause], [true, "spool-full"]);
  await assert.rejects(spool.commit(makeDraft()), full);
  const after = files.afterCrash();
  fill(after);
  const { spool: next } = await open(after);
  assert.deepEqual([await stored(next), next.corruptRecords], [[second.id], 0]);
  assert.equal(next.find(second.id)?.recipients[0]?.state.attempts, 3);
  for (const one of [spool, next]) await one.close();
});

test("of mail that comes with it in one batch nothing is kept, though what became of earlier mail is", async () => {
  const files = new FaultyFiles();
  const { spool } = await open(files);
  const [first] = (await commitAll(spool, 1)) as [Draft];
  fill(files);
  const refused = assert.rejects(spool.commit(makeDraft()), full);
  spool.settle(first.id, 0);
  await refused;
  await settle();
  const { spool: next } = await open(files.afterCrash());
  assert.deepEqual(await stored(next), []);
  for (const one of [spool, next]) await one.close();
});

test("attempts that were under way when the disk filled are not repeated by the next process", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files);
  const rig = setUp({ spool, clock });
  rig.courier.hold();
  const commit = async () => rig.queue.add(await spool.commit(makeDraft({ receivedAt: clock.now() })));
  for (let n = 0; n < 3; n++) await commit();
  await settle();
  assert.equal(rig.courier.attempts.length, 3);
  fill(files);
  rig.courier.release({ count: 1, thenHold: true });
  await settle();
  // What waits for an attempt is not handed out.
  clock.advance(3_600_000);
  await settle();
  assert.deepEqual([spool.isBehind, rig.courier.attempts.length], [true, 3]);
  rig.courier.release();
  await settle();
  const { spool: next } = await open(files.afterCrash());
  assert.deepEqual(await stored(next), []);
  for (const one of [spool, next]) await one.close();
});

test("with room there is another reserve, mail is taken, and the next full disk is as harmless", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files, { reserveBytes: 64 * KIB });
  // More than the reserve before has left.
  const large = makeState({ metadata: { note: "y".repeat(40 * KIB) } });
  const settled: string[] = [];
  for (let n = 0; n < 3; n++) {
    const [draft, left] = (await commitAll(spool, 2)) as [Draft, Draft];
    fill(files);
    spool.update(left.id, 0, large);
    spool.settle(draft.id, 0);
    await spool.flush();
    await look(clock);
    assert.equal(spool.isBehind, true);
    makeRoom(files);
    await look(clock);
    assert.equal(spool.isBehind, false);
    settled.push(draft.id);
    const { spool: next } = await open(files.afterCrash());
    const found = await stored(next);
    assert.ok(found.includes(left.id) && settled.every((id) => !found.includes(id)));
    await next.close();
  }
  await spool.close();
});

interface Settled {
  readonly asked: Set<string>;
  /** On disk, as was said. */
  readonly kept: Set<string>;
}

/** Settles mail while the disk is full, and once there is room, until the machine stops. */
async function settleAll(
  files: FaultyFiles,
  opened: Awaited<ReturnType<typeof open>>,
  ids: string[],
): Promise<Settled> {
  const { spool, clock } = opened;
  const settled: Settled = { asked: new Set(), kept: new Set() };
  fill(files);
  for (const id of ids) {
    settled.asked.add(id);
    spool.settle(id, 0);
    const isKept = await spool.flush().then(
      () => true,
      () => false,
    );
    if (isKept) settled.kept.add(id);
    if (settled.kept.size < 3) continue;
    makeRoom(files);
    await look(clock);
  }
  return settled;
}

async function check(
  files: FaultyFiles,
  ids: readonly string[],
  { asked, kept }: Settled,
  title: string,
): Promise<void> {
  const { spool } = await open(files);
  const found = await stored(spool);
  for (const id of ids) {
    if (kept.has(id)) assert.ok(!found.includes(id), `${title}: ${id} is back`);
    else if (!asked.has(id)) assert.ok(found.includes(id), `${title}: ${id} is lost`);
  }
  assert.equal(spool.corruptRecords, 0, title);
  await spool.close();
}

test("stopped at any operation on a full disk, nothing that was told to be kept is repeated or lost", async () => {
  for (let operation = 0; ; operation++) {
    const files = new FaultyFiles();
    const opened = await open(files, { segmentBytes: 2500, reserveBytes: 64 * KIB });
    const ids = (await commitAll(opened.spool, 6)).map(({ id }) => id);
    const before = files.operations;
    files.crashAt(operation);
    const settled = await settleAll(files, opened, ids.slice(0, 4));
    for (const part of [0, 0.5, 1])
      await check(files.afterCrash(part), ids, settled, `operation ${operation}, ${part} of the unsynced`);
    if (files.operations - before > operation) continue;
    assert.equal(settled.kept.size, 4);
    await opened.spool.close();
    return;
  }
});

test("of more than the reserve can hold the first is kept at once, and makes room for the rest", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files, { reserveBytes: 64 * KIB });
  const drafts: Draft[] = [];
  for (let n = 0; n < 1500; n++) drafts.push(makeDraft({ content: Buffer.from("x") }));
  await Promise.all(drafts.map((draft) => spool.commit(draft)));
  fill(files);
  for (const { id } of drafts) spool.settle(id, 0);
  await settle();
  const { spool: crashed } = await open(files.afterCrash());
  const left = await stored(crashed);
  assert.ok(left.length > 0 && left.length < 700, `${left.length} are left`);
  assert.deepEqual(
    left,
    drafts.slice(-left.length).map(({ id }) => id),
  );
  makeRoom(files);
  await look(clock);
  assert.equal(spool.isBehind, false);
  const { spool: next } = await open(files.afterCrash());
  assert.deepEqual(await stored(next), []);
  for (const one of [spool, crashed, next]) await one.close();
});

/** Somebody looks for room while the reserve becomes a segment. */
class LookedAtFiles extends FaultyFiles {
  onTurn: () => Promise<void> = async () => {};

  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    if (from === "reserve") await this.onTurn();
  }
}

test("a look for room that comes while the reserve is turned to does not give away what is left of it", async () => {
  const files = new LookedAtFiles();
  const { spool: before } = await open(files, { reserveBytes: 64 * KIB });
  const drafts = Array.from({ length: 1500 }, () => makeDraft({ content: Buffer.from("x") }));
  await Promise.all(drafts.map((draft) => before.commit(draft)));
  await before.close();
  fill(files);
  // There is not even a segment: it waits for room, with a reserve.
  const { spool, clock } = await open(files, { reserveBytes: 64 * KIB });
  files.onTurn = async () => {
    clock.advance(LOOK_MS);
    await settle();
  };
  for (const { id } of drafts) spool.settle(id, 0);
  await look(clock);
  const { spool: next } = await open(files.afterCrash());
  const left = await stored(next);
  assert.ok(left.length > 0 && left.length < 700, `${left.length} are left`);
  for (const one of [spool, next]) await one.close();
});

test("bodies and segments of what was delivered go while the disk is full", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files, { segmentBytes: 2000 });
  const drafts = Array.from({ length: 10 }, () => makeDraft({ content: Buffer.alloc(700, "z") }));
  for (const draft of drafts) await spool.commit(draft);
  const segments = (): number => files.paths().filter((path) => path.startsWith("segments/")).length;
  assert.ok(segments() > 3);
  fill(files);
  for (const { id } of drafts) spool.settle(id, 0);
  await look(clock);
  assert.equal(spool.isBehind, true);
  assert.equal(segments(), 1);
  await spool.close();
});

test("it is as small as the disk wants it, and grows when it may", async () => {
  const files = new FaultyFiles();
  files.free.bytes = 600 * KIB;
  const { spool, clock } = await open(files);
  assert.equal(files.bytes("reserve").length, 256 * KIB);
  makeRoom(files);
  await look(clock);
  assert.equal(files.bytes("reserve").length, 1024 * KIB);
  await spool.close();
});

test("without room for any the spool opens and takes nothing until there is some", async () => {
  const files = new FaultyFiles();
  files.free.bytes = 100 * KIB;
  const { spool, clock } = await open(files);
  assert.equal(spool.isBehind, true);
  await assert.rejects(spool.commit(makeDraft()), full);
  makeRoom(files);
  await look(clock);
  assert.equal(spool.isBehind, false);
  await spool.commit(makeDraft());
  await spool.close();
});

test("one that somebody has removed is no failure: what becomes of mail waits, and another is made", async () => {
  const files = new FaultyFiles();
  const { spool, clock } = await open(files);
  const [draft] = (await commitAll(spool, 1)) as [Draft];
  await files.remove("reserve");
  fill(files);
  spool.settle(draft.id, 0);
  await settle();
  assert.deepEqual([spool.isBehind, spool.isBroken], [true, false]);
  makeRoom(files);
  await look(clock);
  assert.equal(spool.isBehind, false);
  assert.ok(files.paths().includes("reserve"));
  const { spool: next } = await open(files.afterCrash());
  assert.deepEqual(await stored(next), []);
  for (const one of [spool, next]) await one.close();
});

const isRoot = process.getuid?.() === 0;
test("on a real disk that others have filled what was delivered is kept, and found by a start on that disk", {
  skip: !isRoot,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "reserve-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", folder]);
  try {
    const { spool } = await open(diskFiles(folder));
    const [first, second] = (await commitAll(spool, 2)) as [Draft, Draft];
    fillUp(join(folder, "of-others"));
    // There may be some room behind what was written last.
    for (let attempts = 1; attempts < 100 && !spool.isBehind; attempts++) {
      spool.update(second.id, 0, makeState({ attempts }));
      await spool.flush();
    }
    assert.equal(spool.isBehind, true);
    spool.settle(first.id, 0);
    await spool.flush();
    // As after a kill: the first one is not closed before.
    const { spool: next } = await open(diskFiles(folder));
    assert.deepEqual([await stored(next), next.corruptRecords], [[second.id], 0]);
    for (const one of [spool, next]) await one.close();
    rmSync(join(folder, "of-others"));
    const { spool: last } = await open(diskFiles(folder));
    await last.commit(makeDraft());
    assert.equal(statSync(join(folder, "reserve")).size, 1024 * KIB);
    await last.close();
  } finally {
    execFileSync("umount", [folder]);
    rmdirSync(folder);
  }
});

/** To the last byte. */
function fillUp(path: string): void {
  const file = openSync(path, "w");
  for (let size = KIB * KIB; size >= 1; size /= 2) {
    try {
      for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break;
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }
  closeSync(file);
}
