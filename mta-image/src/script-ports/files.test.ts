import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { quietWorld } from "../../testing/quiet-world.ts";
import type { World } from "../script/context.ts";
import { libraryHost } from "../script/library/library.ts";
import { compile, run } from "../script/machine.ts";
import { Pieces } from "../script/mail/pieces.ts";
import { noFiles } from "../script/module.ts";
import type { Value } from "../script/value.ts";
import { folderFiles } from "./files.ts";

function folderFor(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), "script-files-"));
  t.after(() => rmSync(home, { recursive: true }));
  mkdirSync(join(home, "root", "lists"), { recursive: true });
  return join(home, "root");
}

test("files are read whatever their size, and those outside the folder are not there", async (t) => {
  const root = folderFor(t);
  const large = Buffer.alloc(200_000, "0123456789");
  writeFileSync(join(root, "lists", "small"), "one two");
  writeFileSync(join(root, "large"), large);
  writeFileSync(join(root, "empty"), "");
  writeFileSync(join(root, "..", "secret"), "secret");
  symlinkSync(join(root, "..", "secret"), join(root, "link"));
  const files = folderFiles(root);
  const small = files.open("file://lists/small");
  assert.equal(small?.size, 7);
  assert.equal((await small?.read(4, 7))?.toString(), "two");
  assert.equal(files.open("empty")?.size, 0);
  const source = files.open("large");
  assert.equal(source?.size, large.length);
  assert.deepEqual(await source?.read(99_990, 200_000), large.subarray(99_990));
  source?.release?.();
  for (const path of ["../secret", "link", "lists", "nothing"]) assert.equal(files.open(path), null, path);
});

test("a pipe is no file, and nobody waits for who would write into it", (t) => {
  const root = folderFor(t);
  execFileSync("mkfifo", [join(root, "pipe")]);
  assert.equal(folderFiles(root).open("pipe"), null);
});

test("small files that are opened again and again hold no descriptors", (t) => {
  const root = folderFor(t);
  writeFileSync(join(root, "small"), "one two");
  const files = folderFiles(root);
  const open = (): number => readdirSync("/proc/self/fd").length;
  const before = open();
  const kept = Array.from({ length: 200 }, () => files.open("small"));
  assert.equal(open(), before);
  assert.ok(kept.every((source) => source?.size === 7));
});

/** How often the process has it open. */
function timesOpen(path: string): number {
  const links = readdirSync("/proc/self/fd").map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => link === path).length;
}

/** Runs scripts one after another in one world, with a large file to read. */
function largeFile(t: TestContext): { path: string; act: (source: string) => Promise<Value> } {
  const root = folderFor(t);
  const path = join(root, "large");
  writeFileSync(path, Buffer.alloc(100_000, "0123456789"));
  const world: World = { ...quietWorld(), ports: { files: folderFiles(root) } };
  const act = async (source: string): Promise<Value> => {
    const { value, error } = await run(compile("test", source, libraryHost, noFiles), { world });
    return error === null ? value : `failed: ${error.message}`;
  };
  return { path, act };
}

test("a large file that a script does not close is closed when the run ends, however it does", async (t) => {
  const { path, act } = largeFile(t);
  for (const end of [
    "return $a->read(5);",
    "throw Exception($a->read(5));",
    "$a->read(5); while (true) {}",
  ]) {
    const said = await act(`$a = File("large"); $b = File("large"); $a->seek(8); ${end}`);
    assert.match(String(said), /89012|for too long|steps|budget|computed/);
    assert.equal(timesOpen(path), 0);
  }
});

test("one that is closed, or read at once, counts no more: a run may have 64 open at a time", async (t) => {
  const { path, act } = largeFile(t);
  const often = (what: string, times: number): string => `$i = 0; while ($i++ < ${times}) { ${what} }`;
  assert.equal(await act(`${often('File("large")->close();', 200)} return "done";`), "done");
  assert.equal(await act(`${often('File::read("large");', 200)} return "done";`), "done");
  assert.equal(await act(`$a = []; ${often('$a[] = File("large");', 64)} return count($a);`), 64);
  const tooMany = `$a = []; ${often('$a[] = File("large");', 65)}`;
  assert.match(
    String(await act(tooMany)),
    /^failed: a script may have 64 large files open at once: close\(\)/,
  );
  assert.equal(timesOpen(path), 0);
});

test("one that is kept for longer than its run is read while it is the same, and holds nothing", async (t) => {
  const { path, act } = largeFile(t);
  const kept = `function open() { return File("large"); } $a = cache ["ttl" => 60] open(); $a->seek(0);`;
  assert.equal(await act(`${kept} return $a->read(3);`), "012");
  assert.equal(await act(`${kept} return $a->read(4);`), "0123");
  assert.equal(timesOpen(path), 0);
  appendFileSync(path, "more");
  assert.equal(await act(`${kept} return $a->read(4);`), "failed: the file has changed since it was opened");
  rmSync(path);
  assert.match(
    String(await act(`${kept} return $a->read(4);`)),
    /^failed: the file can no longer be opened: ENOENT/,
  );
  assert.equal(timesOpen(path), 0);
});

test("within a run it is the file that was opened, whatever takes its place", async (t) => {
  const { path } = largeFile(t);
  const source = folderFiles(join(path, "..")).open("large");
  writeFileSync(`${path}.new`, Buffer.alloc(100_000, "x"));
  renameSync(`${path}.new`, path);
  const reading = source?.read(0, 4);
  source?.release?.();
  assert.equal(String(await reading), "0123");
  await assert.rejects(async () => source?.read(0, 4), /^Refusal: the file has changed/);
});

test("one that is let go of is no file for native code, and is not read for it, whatever has become of it", async (t) => {
  const { path } = largeFile(t);
  const source = folderFiles(join(path, "..")).open("large");
  assert.ok(source);
  const [piece] = Pieces.over(source).native() ?? [];
  assert.deepEqual(piece, { fd: source.fd, offset: 0, length: 100_000 });
  source.release?.();
  rmSync(path);
  assert.equal(Pieces.over(source).native(), null);
  const broken = { size: 1, read: () => Promise.reject(new Error("gone")) };
  assert.equal(Pieces.over(broken).native(), null);
  // A promise that nobody waits for would end the process by now.
  await new Promise((done) => setImmediate(done));
});

test("what is lent is opened once however often it is named, and one that is let go of is opened anew", async (t) => {
  const { path } = largeFile(t);
  const source = folderFiles(join(path, "..")).open("large");
  assert.ok(source);
  source.release?.();
  const whole = Pieces.over(source);
  const { pieces, close } = await Pieces.join([
    whole.slice(10, 20),
    Pieces.of("x"),
    whole.slice(50, 60),
  ]).lend();
  assert.equal(timesOpen(path), 1);
  const [first, , last] = pieces;
  assert.ok(first !== undefined && last !== undefined && "fd" in first && "fd" in last);
  assert.deepEqual([first.offset, first.length, last.offset, last.fd], [10, 10, 50, first.fd]);
  await close();
  assert.equal(timesOpen(path), 0);
  rmSync(path);
  await assert.rejects(whole.lend(), /^Refusal: the file can no longer be opened/);
});
