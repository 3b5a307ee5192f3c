/** docs/hostile-input.md: every entry of the list has a row; every test that a row names is there, and runs in a tier. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { tierOf } from "./tiers.ts";
import { root } from "./tree.ts";

const page = readFileSync(`${root}docs/hostile-input.md`, "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| ") && line.includes("]("));

/** Numbers of the list of attacks; those between that are missing were merged with their neighbours. */
const merged = new Set([16, 20, 25, 36, 40, 46, 51, 56, 69, 74, 78]);
const entries = Array.from({ length: 102 }, (_, i) => i + 1).filter((entry) => !merged.has(entry));

test("every entry of the list of attacks has a row, in order", () => {
  const numbered = rows.flatMap((row) => {
    const [, first, last = first] = /^\| (\d+)(?:–(\d+))? \|/.exec(row) ?? [];
    if (first === undefined) return [];
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
  });
  assert.deepEqual(numbered, entries);
});

test("every row names a test that is there", () => {
  assert.ok(rows.length > 50, `${rows.length} rows`);
  const missing = rows.flatMap((row) => {
    const named = [...row.matchAll(/\]\(\.\.\/([^)]+)\)(?: “([^”]+)”)?/g)];
    const wrong = named.filter(([, path = "", title = ""]) => {
      if (!existsSync(`${root}${path}`)) return true;
      // Dialogues run as a whole.
      if (path.endsWith(".smtp")) return false;
      return tierOf(path) === null || !readFileSync(`${root}${path}`, "utf8").includes(title);
    });
    return named.length === 0 ? [row] : wrong.map(([text]) => text);
  });
  assert.deepEqual(missing, []);
});
