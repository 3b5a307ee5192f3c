/** The reference of the configuration is complete because it is made from the schemas; here: it says something on each key. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { reference } from "./configuration.ts";

test("bounds stand behind the kinds that they bound", () => {
  const kindOf = (key: string): string | undefined =>
    new RegExp(`^\\| \`${key.replaceAll(/[[\].]/g, "\\$&")}\` \\| ([^|]*) \\|`, "m").exec(reference())?.[1];
  assert.equal(kindOf("servers[].listeners[].port"), "integer, 0 to 65535");
  assert.equal(kindOf("scripting.ffilibraries"), "list (1 to 32) of string (255 at most)");
  assert.equal(kindOf("spool.minfree.inodes"), "integer, 0 or more");
  assert.equal(kindOf("servers[].timeout.idle"), "duration, more than 0");
  assert.equal(kindOf("spamhaus.actions"), "map of names to `accept`, `tag`, `defer`, `reject`");
});

test("every key of the configuration is described in words", () => {
  const rows = reference()
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  assert.ok(rows.length > 300, `${rows.length} keys`);
  const silent = rows.filter(
    ([, , , , says = ""]) => says.replaceAll(/Required\.|Extension\./g, "").trim() === "",
  );
  assert.deepEqual(
    silent.map(([, key]) => key),
    [],
  );
});
