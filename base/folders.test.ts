import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { makeFolder } from "./folders.ts";

test("a folder is made with all that are missing above it, and is no trouble when it is there", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "folders-"));
  t.after(() => rmSync(home, { recursive: true }));
  const deep = join(home, "a", "b", "c");
  await Promise.all([makeFolder(deep, 0o700), makeFolder(deep, 0o700)]);
  await makeFolder(deep);
  for (const path of [deep, join(home, "a")]) assert.equal(statSync(path).mode & 0o777, 0o700);
  symlinkSync(deep, join(home, "link"));
  await makeFolder(join(home, "link", "d"));
  assert.ok(statSync(join(deep, "d")).isDirectory());
  await makeFolder("/");
});

test("where no folder can be, that is an error that names it", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "folders-"));
  t.after(() => rmSync(home, { recursive: true }));
  writeFileSync(join(home, "file"), "");
  symlinkSync(join(home, "nowhere", "at", "all"), join(home, "dangling"));
  for (const path of [
    "/proc/nothing",
    "/proc/nothing/below",
    join(home, "file"),
    join(home, "file", "below"),
  ])
    await assert.rejects(makeFolder(path), ({ code, message }: Error & { code: string }) => {
      assert.equal(code, "folder-refused");
      return message.startsWith("there can be no folder ") && message.includes(path.split("/below")[0] ?? "");
    });
  await assert.rejects(makeFolder(join(home, "dangling", "below")), { code: "folder-refused" });
});
