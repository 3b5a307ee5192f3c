import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

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
