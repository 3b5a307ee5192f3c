import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft, makeState } from "../../testing/messages.ts";
import { bytesOf, recovered, spoolContract } from "../../testing/spool-contract.ts";
import { DiskSpool } from "./disk-spool.ts";
import { type SpoolFiles, diskFiles } from "./files.ts";
import { takeLock } from "./lock.ts";
import { encodeMessage, encodeSettled } from "./record.ts";

const floor = { bytes: 0, inodes: 0 };
const folders: string[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "spool-test-"));
  folders.push(folder);
  return folder;
}

after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function open(
  files: SpoolFiles,
  change: { segmentBytes?: number; cacheBytes?: number } = {},
): Promise<DiskSpool> {
  return DiskSpool.open({ files, clock: new ManualClock(), log: silentLog, floor, ...change });
}

spoolContract("disk", async () => {
  const folder = newFolder();
  return { open: () => open(diskFiles(folder)) };
});
spoolContract("memory-backed", async () => {
  const files = new FaultyFiles();
  return { open: () => open(files) };
});

test("a failed sync refuses its batch and closes the shard: it is never tried again", async () => {
  const files = new FaultyFiles();
  const spool = await open(files);
  files.failNext("sync");
  await assert.rejects(spool.commit(makeDraft()), { code: "spool-broken" });
  const operations = files.operations;
  await assert.rejects(spool.commit(makeDraft()), { code: "spool-broken" });
  assert.equal(files.operations, operations, "nothing was written or synced after the failure");
  assert.equal(spool.figures().closedBecause, "spool-broken");
  await spool.close();
  assert.equal(files.openFiles, 0);
});

test("a body file whose sync fails closes the shard and leaves no message", async () => {
  const files = new FaultyFiles();
  const spool = await open(files);
  const draft = makeDraft();
  const body = await spool.createBody(draft.id);
  await body.write(Buffer.from("large"));
  files.failNext("sync");
  await assert.rejects(spool.commit({ ...draft, content: body }), { code: "spool-broken" });
  await body.abort();
  await spool.close();
  assert.equal(files.openFiles, 0);
  const next = await open(files.afterCrash(1));
  assert.deepEqual(await recovered(next), []);
  await next.close();
});

test("a torn tail is cut off, what was committed before it is there, and its bytes are kept aside", async () => {
  for (let torn = 1; torn < 400; torn += 7) {
    const files = new FaultyFiles();
    const spool = await open(files);
    const [first, second] = [makeDraft(), makeDraft()];
    await spool.commit(first);
    const whole = files.bytes("segments/0000000001.log").length;
    await spool.commit(second);
    const name = "segments/0000000001.log";
    const bytes = files.bytes(name);
    const cut = Math.min(whole + torn, bytes.length - 1);
    const file = await files.open(name);
    await file.truncate(cut);
    const next = await open(files);
    assert.deepEqual(
      (await recovered(next)).map((message) => message.id),
      [first.id],
    );
    assert.equal(next.corruptRecords, 0);
    assert.equal(files.bytes(name).length, whole);
    // Zeros that it ends with are not told from those of a reserve.
    const kept = bytes.subarray(whole, cut).findLastIndex((byte) => byte !== 0) + 1;
    assert.equal(files.bytes(`corrupt/0000000001-${whole}.bin`).length, kept);
    await next.close();
    await spool.close();
  }
});

test("a flipped bit anywhere costs one record, which is moved aside and never deleted", async () => {
  const files = new FaultyFiles();
  const spool = await open(files);
  const drafts = [makeDraft(), makeDraft(), makeDraft()];
  const ends: number[] = [];
  for (const draft of drafts) {
    await spool.commit(draft);
    ends.push(files.bytes("segments/0000000001.log").length);
  }
  await spool.close();
  const [start = 0, end = 0] = ends;
  for (let at = start; at < end; at += 3) {
    const damaged = files.afterCrash(1);
    const bytes = damaged.bytes("segments/0000000001.log");
    bytes.writeUInt8(bytes.readUInt8(at) ^ 16, at);
    const next = await open(damaged);
    assert.equal(next.corruptRecords, 1, `byte ${at}`);
    assert.deepEqual(
      (await recovered(next)).map((message) => message.id),
      [drafts[0]?.id, drafts[2]?.id],
    );
    assert.equal(damaged.bytes(`corrupt/0000000001-${start}.bin`).length, end - start);
    await next.close();
  }
});

for (const damage of ["cut", "flipped"] as const) {
  test(`a record that a stranger wrote into mail is none, also where that mail is ${damage}`, async () => {
    const files = new FaultyFiles();
    const spool = await open(files);
    const draft = makeDraft();
    await spool.commit(draft);
    const { id, receivedAt, envelope, origin } = makeDraft();
    const forged = { id, receivedAt, envelope, origin, sizeBytes: 0, inFile: false, states: [makeState()] };
    const records = [...encodeSettled(draft.id, 0), ...encodeMessage(forged, [])];
    const content = Buffer.concat([...records, Buffer.alloc(200, "x")]);
    const hostile = [makeDraft({ content }), makeDraft({ content })];
    for (const mail of hostile) await spool.commit(mail);
    const bytes = files.bytes("segments/0000000001.log");
    if (damage === "cut") await (await files.open("segments/0000000001.log")).truncate(bytes.length - 5);
    for (const mail of hostile) {
      const at = bytes.indexOf(content, bytes.indexOf(mail.id)) + content.length - 100;
      if (damage === "flipped" || mail === hostile[0]) bytes.writeUInt8(7, at);
    }
    const last = damage === "flipped" ? makeDraft() : null;
    if (last !== null) await spool.commit(last);
    const next = await open(files);
    assert.deepEqual(
      (await recovered(next)).map((message) => message.id),
      [draft.id, ...(last === null ? [] : [last.id])],
    );
    await next.close();
    await spool.close();
  });
}

test("damage at the end of an older segment is counted and kept, not taken for a torn tail", async () => {
  const files = new FaultyFiles();
  const first = await open(files);
  await first.commit(makeDraft());
  await first.close();
  const second = await open(files);
  await second.close();
  const bytes = files.bytes("segments/0000000001.log");
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  const third = await open(files);
  assert.equal(third.corruptRecords, 1);
  assert.equal(files.paths().filter((path) => path.startsWith("corrupt/")).length, 1);
  await third.close();
});

test("a segment without its header and without a sound record is damage, the newest too, and none of it goes", async () => {
  for (const later of [0, 1]) {
    const files = new FaultyFiles();
    for (let opened = 0; opened <= later; opened++) {
      const spool = await open(files);
      if (opened === 0) await spool.commit(makeDraft());
      await spool.close();
    }
    const bytes = files.bytes("segments/0000000001.log");
    for (const at of [3, bytes.length - 1]) bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    const damaged = Buffer.from(bytes);
    const next = await open(files);
    assert.equal(next.corruptRecords, 1);
    await next.close();
    assert.deepEqual(files.bytes("corrupt/0000000001-0.bin"), damaged);
    assert.deepEqual(files.bytes("segments/0000000001.log"), damaged);
  }
});

test("a segment that ends within its header is an empty one, the newest or not", async () => {
  for (const later of [0, 1]) {
    const files = new FaultyFiles();
    for (let opened = 0; opened <= later; opened++) await (await open(files)).close();
    await (await files.open("segments/0000000001.log")).truncate(20);
    const next = await open(files);
    assert.equal(next.corruptRecords, 0);
    assert.deepEqual(
      files.paths().filter((path) => path.startsWith("corrupt/")),
      [],
    );
    await next.close();
  }
});

test("when records are damaged, a body file without a record is moved aside and not deleted", async () => {
  const files = new FaultyFiles();
  const spool = await open(files);
  const draft = makeDraft();
  const body = await spool.createBody(draft.id);
  await body.write(Buffer.from("large"));
  await spool.commit({ ...draft, content: body });
  await spool.commit(makeDraft());
  await spool.close();
  files.bytes("segments/0000000001.log").writeUInt8(7, 60);
  const next = await open(files);
  assert.equal(files.bytes(`corrupt/${draft.id}.body`).toString(), "large");
  await next.close();
});

test("damage that appears while the spool is open is told as message-corrupt", async () => {
  const files = new FaultyFiles();
  const spool = await open(files, { cacheBytes: 0 });
  const draft = makeDraft();
  await spool.commit(draft);
  const bytes = files.bytes("segments/0000000001.log");
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  await assert.rejects(spool.read(draft.id), { code: "message-corrupt" });
  await spool.close();
});

test("a segment of a format that this version does not know stops the start and is left alone", async () => {
  const files = new FaultyFiles();
  const file = await files.create("segments/0000000001.log");
  await file.append([Buffer.from("mailfleet spool format 3 segment\n and more")]);
  await assert.rejects(open(files), { code: "spool-format-unknown" });
  assert.equal(files.bytes("segments/0000000001.log").length, 42);
});

test("below the floor of space or inodes new mail is refused and what is queued goes on", async () => {
  const files = new FaultyFiles();
  const clock = new ManualClock();
  const limits = { bytes: 1000, inodes: 10 };
  const spool = await DiskSpool.open({ files, clock, log: silentLog, floor: limits });
  const draft = makeDraft();
  await spool.commit(draft);
  for (const free of [
    { bytes: 999, inodes: 1000 },
    { bytes: 10_000, inodes: 9 },
  ]) {
    files.free = free;
    clock.advance(2000);
    await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(spool.commit(makeDraft()), { code: "spool-full" });
    assert.equal(spool.figures().closedBecause, "spool-full");
    spool.update(draft.id, 0, makeState({ attempts: 1 }));
    await spool.flush();
  }
  files.free = { bytes: 10_000, inodes: 1000 };
  clock.advance(2000);
  await new Promise((resolve) => setImmediate(resolve));
  await spool.commit(makeDraft());
  await spool.close();
  assert.equal(clock.nextAt(), null, "no timer is left");
});

test("compaction under load gives space back and loses nothing", async () => {
  const files = new FaultyFiles();
  const spool = await open(files, { segmentBytes: 20_000, cacheBytes: 5000 });
  const kept: string[] = [];
  const writer = async (seed: number): Promise<void> => {
    for (let i = 0; i < 150; i++) {
      const draft = makeDraft({ content: Buffer.alloc(500, `line ${seed} ${i}\r\n`) });
      await spool.commit(draft);
      if (i % 10 === 0) kept.push(draft.id);
      else spool.settle(draft.id, 0);
      spool.update(draft.id, 0, makeState({ attempts: i }));
    }
  };
  await Promise.all([1, 2, 3, 4].map(writer));
  await spool.close();
  const segments = files.paths().filter((path) => path.startsWith("segments/"));
  const bytes = segments.reduce((sum, path) => sum + files.bytes(path).length, 0);
  assert.ok(bytes < 300_000, `${bytes} bytes in ${segments.length} segments are left of about 600,000`);
  const next = await open(files.afterCrash());
  const found = await recovered(next);
  assert.deepEqual(found.map((message) => message.id).sort(), [...kept].sort());
  for (const { id, sizeBytes } of found) assert.equal((await bytesOf(next, id)).length, sizeBytes);
  await next.close();
});

test("a second process on the same spool is refused until the first is gone", async () => {
  const folder = newFolder();
  const script = `import { takeLock } from "${new URL("lock.ts", import.meta.url).href}"; takeLock(process.argv[1]); console.log("locked"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, folder]);
  await once(child.stdout, "data");
  assert.throws(() => takeLock(folder), { code: "spool-locked" });
  child.kill("SIGKILL");
  await once(child, "close");
  takeLock(folder).release();
});

test("what a killed process had acknowledged is there, and what it had settled is not", async () => {
  const folder = newFolder();
  const script = new URL("../../testing/spool-victim.ts", import.meta.url).pathname;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [script, folder], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    while (text.split("\n").length < 200 * (round + 1)) {
      await once(child.stdout, "data");
      assert.equal(child.exitCode, null, "the victim lives until it is killed");
    }
    child.kill("SIGKILL");
    await once(child, "close");
    const said = text
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split(" "));
    const settled = new Set(said.filter(([word]) => word === "settled").map(([, id]) => id));
    const spool = await DiskSpool.open({
      files: diskFiles(folder),
      clock: systemClock,
      log: silentLog,
      floor,
    });
    const found = new Set((await recovered(spool)).map((message) => message.id));
    for (const [word, id = ""] of said) {
      if (word === "committed" && !settled.has(id) && !said.some(([w, i]) => w === "settling" && i === id))
        assert.ok(found.has(id), `${id} was acknowledged`);
    }
    for (const id of settled) assert.ok(!found.has(id ?? ""), `${id} was settled for good`);
    for (const id of found) {
      assert.ok((await bytesOf(spool, id)).length > 0);
      spool.settle(id, 0);
    }
    await spool.close();
  }
});

test("the spool that version 1 wrote stays readable", async () => {
  const golden = new URL("testdata/v1", import.meta.url).pathname;
  const folder = newFolder();
  cpSync(golden, folder, { recursive: true });
  const spool = await open(diskFiles(folder));
  const found = await recovered(spool);
  const text = await Promise.all(
    found.map(async ({ id, receivedAt, envelope, origin, sizeBytes, recipients }) => ({
      id,
      receivedAt,
      envelope,
      origin,
      sizeBytes,
      recipients,
      content: (await bytesOf(spool, id)).toString("latin1").slice(0, 100),
    })),
  );
  const expected: unknown = JSON.parse(readFileSync(join(golden, "expected.json"), "utf8"));
  assert.deepEqual(JSON.parse(JSON.stringify(text)), expected);
  assert.equal(spool.corruptRecords, 1);
  await spool.close();
});
