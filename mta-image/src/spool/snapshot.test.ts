import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeLogLines } from "../../testing/log-lines.ts";
import { makeDraft, makeState } from "../../testing/messages.ts";
import { bytesOf, recovered } from "../../testing/spool-contract.ts";
import { DiskSpool } from "./disk-spool.ts";

const floor = { bytes: 0, inodes: 0 };

function open(files: FaultyFiles, snapshotBytes = 2000): Promise<DiskSpool> {
  const clock = new ManualClock();
  return DiskSpool.open({
    files,
    clock,
    log: silentLog,
    floor,
    segmentBytes: 2000,
    snapshotBytes,
    cacheBytes: 0,
  });
}

/** Some of all that a message may be, closed with a snapshot. */
async function written(files: FaultyFiles): Promise<string[]> {
  const spool = await open(files);
  const two = makeDraft({ envelope: { recipients: ["ann@example.net", "bob@example.org"], jobId: "job" } });
  const wide = makeDraft({ envelope: { recipients: ["jörg@例え.example"], smtpUtf8: true, priority: 3 } });
  const large = makeDraft();
  const body = await spool.createBody(large.id);
  await body.write(Buffer.alloc(3000, "x"));
  await spool.commit({ ...large, content: body });
  for (const draft of [two, wide]) await spool.commit(draft);
  const metadata = { note: "ключ" };
  spool.update(two.id, 0, makeState({ attempts: 3, lastReply: "451 später", status: "hold", metadata }));
  spool.settle(two.id, 1);
  spool.update(
    wide.id,
    0,
    makeState({ attempts: 1, lastReply: "451 später", moved: { transportId: "other" } }),
  );
  for (let n = 0; n < 20; n++) {
    const { id } = await spool.commit(makeDraft({ content: Buffer.alloc(400, "y") }));
    spool.settle(id, 0);
  }
  await spool.close();
  return [two.id, wide.id, large.id];
}

async function seen(spool: DiskSpool): Promise<unknown> {
  return Promise.all(
    (await recovered(spool)).map(async (message) => {
      const { id, receivedAt, envelope, origin, sizeBytes, recipients } = message;
      return { id, receivedAt, envelope, origin, sizeBytes, recipients, bytes: await bytesOf(spool, id) };
    }),
  );
}

test("a start from a snapshot finds what a start from the segments finds", async () => {
  const files = new FaultyFiles();
  const ids = await written(files);
  const bare = files.afterCrash();
  await bare.remove("snapshot");
  const [fromSegments, fromSnapshot] = [await open(bare), await open(files)];
  const found = (await seen(fromSnapshot)) as { id: string }[];
  const byId = (a: { id: string }, b: { id: string }): number => a.id.localeCompare(b.id);
  assert.deepEqual(found.map(({ id }) => id).sort(), ids.toSorted());
  assert.deepEqual(found.toSorted(byId), ((await seen(fromSegments)) as { id: string }[]).toSorted(byId));
  await fromSegments.close();
  await fromSnapshot.close();
});

test("a snapshot that is cut or changed at any place is not believed: the segments say the same", async () => {
  const files = new FaultyFiles();
  const ids = await written(files);
  const whole = files.bytes("snapshot").length;
  assert.ok(whole > 300);
  for (let at = 0; at < whole; at++) {
    for (const damage of ["cut", "changed"]) {
      const damaged = files.afterCrash();
      if (damage === "changed")
        damaged.bytes("snapshot").writeUInt8((damaged.bytes("snapshot")[at] ?? 0) ^ 0x5a, at);
      else await (await damaged.open("snapshot")).truncate(at);
      const spool = await open(damaged, 1e9);
      const found = (await recovered(spool)).map(({ id }) => id);
      assert.deepEqual(found.toSorted(), ids.toSorted(), `${damage} at ${at}`);
      await spool.close();
    }
  }
});

test("a snapshot of another format is not read, by this version or by one that knew no names of quotas", async () => {
  const files = new FaultyFiles();
  const ids = await written(files);
  const header = files.bytes("snapshot").toString("latin1", 0, 34);
  assert.equal(header, "mailfleet spool format 2 snapshot\n");
  for (const number of "13") {
    const other = files.afterCrash();
    other.bytes("snapshot").write(number, header.indexOf("2"));
    const { log, lines } = makeLogLines();
    const spool = await DiskSpool.open({ files: other, clock: new ManualClock(), log, floor });
    assert.deepEqual((await recovered(spool)).map(({ id }) => id).toSorted(), ids.toSorted());
    assert.ok(lines.some(({ msg }) => msg === "spool-snapshot-unusable"));
    await spool.close();
  }
});

/** Bytes of the payloads of its frames of messages. */
function framesOfMessages(snapshot: Buffer): number[] {
  const found: number[] = [];
  let at = snapshot.indexOf("\n") + 1;
  while (at < snapshot.length) {
    const length = snapshot.readUInt32BE(at);
    if (snapshot[at + 8] === 3) found.push(length);
    at += 9 + length;
  }
  return found;
}

test("messages with many recipients stand in as many frames as it takes to keep each of them small", async () => {
  const files = new FaultyFiles();
  const spool = await open(files);
  const local = "x".repeat(2000);
  for (let n = 0; n < 24; n++) {
    const recipients = Array.from({ length: 150 }, (_, i) => `${local}${i}@example.net`);
    await spool.commit(makeDraft({ envelope: { recipients } }));
  }
  await spool.close();
  const frames = framesOfMessages(files.bytes("snapshot"));
  assert.ok(Math.max(...frames) < 5_000_000, frames.join());
  assert.ok(frames.reduce((sum, bytes) => sum + bytes, 0) > 6_000_000, frames.join());
  await files.remove("segments/0000000001.log");
  const next = await open(files);
  assert.equal((await recovered(next)).length, 23);
  await next.close();
});

test("a snapshot of another life of the folder is left alone", async () => {
  const files = new FaultyFiles();
  await written(files);
  for (const path of files.paths().filter((name) => name.startsWith("segments/"))) await files.remove(path);
  const spool = await open(files);
  assert.deepEqual(await recovered(spool), []);
  await spool.close();
});

test("a message that was settled or moved since the snapshot stays so, also when its old segment is gone", async () => {
  const files = new FaultyFiles();
  const spool = await open(files, 2000);
  const kept: string[] = [];
  for (let n = 0; n < 120; n++) {
    const { id } = await spool.commit(makeDraft({ content: Buffer.alloc(400, `${n}`) }));
    if (n % 40 === 0) kept.push(id);
    else spool.settle(id, 0);
    await spool.flush();
  }
  assert.ok(files.paths().includes("snapshot"), "snapshots are written while mail goes on");
  const first = files.paths().find((path) => path.startsWith("segments/"));
  assert.notEqual(first, "segments/0000000001.log", "compaction went on between them");
  const next = await open(files.afterCrash());
  assert.deepEqual((await recovered(next)).map(({ id }) => id).sort(), kept.sort());
  for (const id of kept) assert.equal((await bytesOf(next, id)).length, 400);
  await next.close();
  await spool.close();
});

test("a disk that takes no snapshot takes mail all the same", async () => {
  const files = new FaultyFiles();
  const spool = await open(files);
  const { id } = await spool.commit(makeDraft());
  files.failNext("rename", 1000);
  // Few are left: one is due as soon as a segment is complete.
  for (let n = 0; n < 20; n++) {
    const fresh = await spool.commit(makeDraft({ content: Buffer.alloc(400, "y") }));
    if (n > 1) spool.settle(fresh.id, 0);
  }
  await spool.close();
  const parts = files.paths().filter((path) => path.startsWith("snapshot"));
  assert.deepEqual(parts, [], "what was written of it takes no room");
  const next = await open(files.afterCrash());
  assert.equal((await recovered(next)).length, 3);
  assert.equal((await bytesOf(next, id)).length > 0, true);
  await next.close();
});

test("damage is counted as long as its segment is there, and a body that is missing once", async () => {
  const files = new FaultyFiles();
  await written(files);
  const bare = files.afterCrash();
  await bare.remove("snapshot");
  const segment = bare.paths().find((path) => path.startsWith("segments/")) ?? "";
  bare.bytes(segment).writeUInt8(7, 60);
  for (const path of bare.paths().filter((name) => name.startsWith("bodies/"))) await bare.remove(path);
  const first = await open(bare);
  const found = first.corruptRecords;
  assert.ok(found >= 2, `${found}`);
  await first.close();
  assert.ok(bare.paths().includes("snapshot"));
  const second = await open(bare);
  assert.equal(second.corruptRecords, found);
  await second.close();
});
