/** Lines in files that are put aside: each whole and once, whatever the disk says and wherever the process ends. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { RotatedFile } from "./rotated-file.ts";

interface Rig {
  readonly path: string;
  readonly file: RotatedFile;
  readonly notRotated: unknown[];
}

function rig(t: TestContext, change: { maxBytes?: number; keep?: number } = {}): Rig {
  const folder = mkdtempSync(join(tmpdir(), "rotated-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "mail.log");
  const notRotated: unknown[] = [];
  const onNotRotated = (error: unknown): void => void notRotated.push(error);
  return {
    path,
    notRotated,
    file: new RotatedFile({ path, maxBytes: 40, keep: 3, onNotRotated, ...change }),
  };
}

const line = (n: number): Buffer => Buffer.from(`line ${n}\n`);
const read = (path: string): string => readFileSync(path, "utf8");

/** All lines, the oldest file first. */
function linesOf(path: string, keep: number): string[] {
  const names = [...Array.from({ length: keep }, (_, n) => `${path}.${keep - n}`), path];
  const texts = names.map((name) => (statSync(name, { throwIfNoEntry: false }) ? read(name) : ""));
  return texts.join("").split("\n").slice(0, -1);
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, n) => `line ${from + n}`);

type Write = (bytes: Buffer, offset: number, length: number) => Promise<{ bytesWritten: number }>;

/** Every file of this process from now on has room for so many bytes, as a disk has. */
async function fullDisk(t: TestContext): Promise<{ room: number }> {
  const probe = await open("/dev/null");
  const handle = Object.getPrototypeOf(probe) as { write: Write };
  await probe.close();
  const { write } = handle;
  const disk = { room: Infinity };
  t.after(() => {
    handle.write = write;
  });
  handle.write = async function (this: unknown, bytes, offset, length) {
    if (disk.room === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const written = Math.min(length, disk.room);
    disk.room -= written;
    return write.call(this, bytes, offset, written);
  };
  return disk;
}

test("a file that has grown is put aside behind a whole line, and the oldest goes", async (t) => {
  const { path, file } = rig(t);
  await file.write(Buffer.concat(Array.from({ length: 26 }, (_, n) => line(n + 100))));
  await file.close();
  assert.deepEqual(readdirSync(join(path, "..")).sort(), [
    "mail.log",
    "mail.log.1",
    "mail.log.2",
    "mail.log.3",
  ]);
  assert.equal(read(`${path}.1`), `${numbered(120, 124).join("\n")}\n`);
  assert.deepEqual(linesOf(path, 3), numbered(110, 125));
});

test("a disk that is full at any byte, also in the midst of putting aside, makes lines late only", async (t) => {
  const disk = await fullDisk(t);
  for (let room = 0; room < 130; room++) {
    const { path, file } = rig(t);
    disk.room = room;
    let failures = 0;
    for (let n = 10; n < 26; n++) await file.write(line(n)).catch(() => failures++);
    assert.equal(failures > 0, room < 128, `${room} bytes of room`);
    disk.room = Infinity;
    await file.write(Buffer.alloc(0));
    await file.close();
    assert.deepEqual(linesOf(path, 3), numbered(10, 25), `${room} bytes of room`);
  }
});

test("whoever follows a file reads each line once, also over a full disk", async (t) => {
  const disk = await fullDisk(t);
  const { path, file } = rig(t, { keep: 9 });
  await file.write(line(0));
  const follower = await open(path, "r");
  disk.room = 12;
  await assert.rejects(file.write(Buffer.concat([1, 2, 3, 4, 5, 6].map(line))), { code: "ENOSPC" });
  let seen = (await follower.read(Buffer.alloc(1000), 0, 1000, null)).buffer.toString("latin1");
  disk.room = Infinity;
  await file.write(line(7));
  seen += (await follower.read(Buffer.alloc(1000), 0, 1000, null)).buffer.toString("latin1");
  await follower.close();
  await file.close();
  const lines = seen.replaceAll("\0", "").split("\n").slice(0, -1);
  assert.deepEqual(lines, numbered(0, 5), "its file ends there; the next has the rest");
  assert.equal(read(path), "line 6\nline 7\n");
});

test("what another process left of a line stays a line of its own", async (t) => {
  const { path, file } = rig(t, { maxBytes: 1000 });
  writeFileSync(path, "whole\nhal");
  await file.write(line(1));
  await file.close();
  assert.equal(read(path), "whole\nhal\nline 1\n");
});

test("a name that a killed process left free is filled first, so that no file goes before its time", async (t) => {
  const { path, file } = rig(t);
  for (const n of [1, 3]) writeFileSync(`${path}.${n}`, `old ${n}\n`);
  writeFileSync(path, `${"x".repeat(50)}\n`);
  await file.write(line(1));
  await file.close();
  assert.deepEqual(
    [1, 2, 3].map((n) => read(`${path}.${n}`).slice(0, 5)),
    ["xxxxx", "old 1", "old 3"],
  );
  assert.equal(read(path), "line 1\n");
});

test("a file that cannot be put aside is written on, and that is told once until it has grown again", async (t) => {
  const { path, file, notRotated } = rig(t);
  for (const n of [1, 2]) writeFileSync(`${path}.${n}`, `old ${n}\n`);
  mkdirSync(`${path}.3`);
  await file.write(Buffer.concat(Array.from({ length: 11 }, (_, n) => line(n + 10))));
  assert.equal(notRotated.length, 2);
  rmSync(`${path}.3`, { recursive: true });
  await file.write(Buffer.concat(Array.from({ length: 10 }, (_, n) => line(n + 21))));
  await file.close();
  assert.equal(notRotated.length, 2);
  assert.deepEqual(
    linesOf(path, 3).filter((text) => !text.startsWith("old")),
    numbered(10, 30),
  );
});

test("what is no regular file is refused, and written when it has become one", async (t) => {
  const { path, file } = rig(t);
  mkdirSync(path);
  await assert.rejects(file.write(line(1)), { code: "EISDIR" });
  await assert.rejects(file.write(line(2)), { code: "EISDIR" });
  rmSync(path, { recursive: true });
  await file.write(line(3));
  await file.close();
  assert.deepEqual(linesOf(path, 0), numbered(1, 3));
  const device = new RotatedFile({ path: "/dev/null", maxBytes: 1, keep: 1, onNotRotated: () => undefined });
  await assert.rejects(device.write(line(1)), /no regular file/);
});
