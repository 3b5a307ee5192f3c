import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { logLines } from "./log-lines.ts";
import { root } from "./tree.ts";

/** Name to level and fields, as the page has them. */
function documented(): ReadonlyMap<string, string> {
  const page = readFileSync(`${root}docs/logging.md`, "utf8");
  const rows = page.matchAll(/^\| `([a-z-]+)` \| (debug|info|warn|error) \|/gm);
  return new Map([...rows].map(([, name = "", level = ""]) => [name, level]));
}

test("every log line of the engine stands in docs/logging.md with its level, and no other", () => {
  const page = documented();
  const written = logLines();
  assert.ok(written.length > 40);
  const wrong = written.filter(({ name, level }) => page.get(name) !== level);
  assert.deepEqual(wrong, []);
  const known = new Set(written.map(({ name }) => name));
  assert.deepEqual(
    [...page.keys()].filter((name) => !known.has(name)),
    [],
  );
});
