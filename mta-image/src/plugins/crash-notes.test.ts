import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { countCrashes, readCrashes } from "./crash-notes.ts";

const folder = mkdtempSync(join(tmpdir(), "notes-"));
after(() => rmSync(folder, { recursive: true }));

test("crashes are counted by plugin, with or without the function that ran", () => {
  const lines = [
    "crash in plugin geo, function lookup",
    "crash in plugin a b.c",
    "half a li",
    "crash in plugin geo",
  ];
  assert.deepEqual(
    [...countCrashes(lines)],
    [
      ["geo", 2],
      ["a b.c", 1],
    ],
  );
});

test("no notes are no crashes, and a file that has grown is cut to its end", async () => {
  const path = join(folder, "notes.log");
  assert.equal((await readCrashes(path)).size, 0);
  const lines = ["crash in plugin old", ...Array.from({ length: 1000 }, () => "crash in plugin new")];
  writeFileSync(path, `${lines.join("\n")}\n`);
  assert.equal((await readCrashes(path)).get("old"), 1);
  assert.deepEqual([...(await readCrashes(path))], [["new", 1000]]);
  assert.equal(readFileSync(path, "utf8").split("\n").length, 1001);
});
