/** docs/operator-lessons.md: no mark without a test that runs, and no lesson without a mark. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { tierOf } from "./tiers.ts";
import { root } from "./tree.ts";

const page = readFileSync(`${root}docs/operator-lessons.md`, "utf8");
const [, lessons = "", checklist = "", levels = ""] = page.split(/^## /m);

/** Cells of the rows of a table, without its head. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const lines = section.split("\n").filter((line) => line.startsWith("| "));
  return lines
    .slice(1)
    .map((line) => line.split(" | ").map((cell) => cell.replaceAll(/^\| |\s*\|$/g, "").trim()));
}

const upTo = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => String(at + 1));

test("every lesson and every point of the checklist has its number and a mark", () => {
  const numbers = (section: string) => rowsOf(section).map(([number]) => number);
  assert.deepEqual(numbers(lessons), upTo(48));
  assert.deepEqual(numbers(checklist), upTo(10));
  assert.deepEqual(numbers(levels), ["I", "II", "III", "IV", "V"]);
  const odd = [...rowsOf(lessons), ...rowsOf(checklist)].filter(([, , here = ""]) => !/^[●◐○] /.test(here));
  assert.deepEqual(odd, []);
});

test("every row names a test, and every test that is named is there and runs in a tier", () => {
  for (const [number = "", name, here = ""] of [lessons, checklist, levels].flatMap(rowsOf)) {
    const tests = [...here.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, path = ""]) => path);
    assert.ok(tests.length > 0, `${number} ${name}: no test`);
    const missing = tests.filter((path) => !existsSync(root + path) || tierOf(path) === null);
    assert.deepEqual(missing, [], `${number} ${name}`);
  }
});

test("the level that the bundle claims is the one that the page says", () => {
  const bundle = readFileSync(`${root}tools/olm/cluster-service-version.ts`, "utf8");
  const claimed = /capabilities: "([^"]+)"/.exec(bundle)?.[1] ?? "none";
  assert.ok(page.includes(`claims "${claimed}"`), claimed);
});
