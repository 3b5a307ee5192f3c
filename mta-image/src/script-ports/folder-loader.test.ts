/** What scripts can read from a folder, and what they are told of what they cannot. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { CompileError } from "../script/error.ts";
import { libraryHost } from "../script/library/library.ts";
import { check } from "../script/machine.ts";
import { folderLoader } from "./folder-loader.ts";

function rootFor(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), "folder-loader-"));
  t.after(() => rmSync(home, { recursive: true }));
  mkdirSync(join(home, "root", "lists"), { recursive: true });
  return join(home, "root");
}

/** What the compiler says about a script in the folder. */
function said(root: string, text: string): readonly string[] {
  try {
    check("main", text, libraryHost, folderLoader(root));
    return [];
  } catch (error) {
    assert.ok(error instanceof CompileError, String(error));
    return error.diagnostics.map(({ message }) => message);
  }
}

test("sockets, pipes and devices are refused with their names, and nobody waits for them", async (t) => {
  const root = rootFor(t);
  const server = createServer().listen(join(root, "lists", "socket.txt"));
  t.after(() => server.close());
  await new Promise((done) => server.once("listening", done));
  const socket = "lists/socket.txt is a socket: scripts read regular files alone";
  assert.deepEqual(said(root, 'include "lists/socket.txt";'), [socket]);
  assert.deepEqual(said(root, 'import { f } from "lists/socket.txt";'), [socket]);
  assert.deepEqual(said(root, 'import $x from "lists/socket.txt";'), [socket]);
  assert.deepEqual(said(root, 'import $x from "lists/*.txt";'), [socket]);
  execFileSync("mkfifo", [join(root, "pipe")]);
  assert.deepEqual(said(root, 'import $x from "txt!pipe";'), [
    "pipe is a pipe: scripts read regular files alone",
  ]);
  assert.throws(() => folderLoader("/dev").load("null"), /null is a device/);
});

test("a file of more than scripts may import is not read", (t) => {
  const root = rootFor(t);
  writeFileSync(join(root, "large.txt"), "");
  truncateSync(join(root, "large.txt"), 600 * 1024 * 1024);
  assert.deepEqual(said(root, 'import $x from "large.txt";'), ["large.txt is too large"]);
});

test("a pattern finds files behind links, as a volume of a ConfigMap has them, and passes over folders and links to nowhere", (t) => {
  const root = rootFor(t);
  mkdirSync(join(root, "..data"));
  mkdirSync(join(root, "lists", "folder.txt"));
  writeFileSync(join(root, "..data", "a.txt"), "a");
  symlinkSync("../..data/a.txt", join(root, "lists", "a.txt"));
  symlinkSync("nobody@nowhere", join(root, "lists", ".#a.txt"));
  assert.deepEqual([...(folderLoader(root).list?.("lists/") ?? [])], ["lists/a.txt"]);
  assert.deepEqual(said(root, 'import $x from "lists/*.txt"; return $x["lists/a.txt"];'), []);
});

test("a link out of the folder is a file that is not there, and a pattern passes over it", (t) => {
  const root = rootFor(t);
  writeFileSync(join(root, "..", "secret.txt"), "secret");
  symlinkSync(join(root, "..", "secret.txt"), join(root, "lists", "link.txt"));
  writeFileSync(join(root, "lists", "own.txt"), "own");
  assert.deepEqual(said(root, 'import $x from "lists/link.txt";'), ["there is no file lists/link.txt"]);
  assert.deepEqual(folderLoader(root).list?.("lists/"), ["lists/own.txt"]);
});

test("links in a circle and names without end are files that are not there, and hide no others", (t) => {
  const root = rootFor(t);
  symlinkSync("circle.txt", join(root, "lists", "circle.txt"));
  writeFileSync(join(root, "lists", "own.txt"), "own");
  assert.deepEqual(folderLoader(root).list?.("lists/"), ["lists/own.txt"]);
  assert.equal(folderLoader(root).load("lists/circle.txt"), null);
  assert.equal(folderLoader(root).load("x".repeat(10_000)), null);
  assert.deepEqual(said(root, 'import $x from "lists/circle.txt";'), ["there is no file lists/circle.txt"]);
});
