/** docs/hostile-input.md: every entry of the list has a row; every test that a row names is there, and runs in a tier. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
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

test("every attack stands in the row of its entry", () => {
  const folder = `${root}mta-image/src/engine/attacks/`;
  const attacks = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(`${folder}${file}`, "utf8").replaceAll(/\s+/g, " ");
    return [...text.matchAll(/(?:\(|(?<!\[)\[) ?(\d+), "([^"]+)"|test\("(\d+) ([^"]+)"/g)];
  });
  assert.ok(attacks.length > 100, `${attacks.length} attacks`);
  const rowOf = (entry: number): string =>
    rows.find((row) => {
      const [, first = 0, last = first] = /^\| (\d+)(?:–(\d+))? \|/.exec(row) ?? [];
      return Number(first) <= entry && entry <= Number(last);
    }) ?? "";
  const missing = attacks
    .map(([, entry, title, other, whole]) => [Number(entry ?? other), title ?? whole ?? ""] as const)
    .filter(([entry, title]) => entries.includes(entry) && !rowOf(entry).includes(`“${title}”`));
  assert.deepEqual(missing, []);
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
