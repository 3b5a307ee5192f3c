/** docs/hostile-input.md: every test that a row names is there, under that name, and runs in a tier. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { tierOf } from "./tiers.ts";
import { root } from "./tree.ts";

const page = readFileSync(`${root}docs/hostile-input.md`, "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("| ") && line.includes("]("));

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
