/** The reference of the configuration is complete because it is made from the schemas; here: it says something on each key, and code reads it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { listFiles, root } from "../tree.ts";
import { reference } from "./configuration.ts";

/** Its keys, and what it says of them. */
function keys(): readonly (readonly [key: string, says: string])[] {
  const rows = reference()
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  return rows.map(([, key = "", , , says = ""]) => [key.replaceAll("`", ""), says]);
}

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
  assert.ok(keys().length > 300, `${keys().length} keys`);
  const silent = keys().filter(([, says]) => says.replaceAll(/Required\.|Extension\./g, "").trim() === "");
  assert.deepEqual(silent, []);
});

/** Names of properties, read or declared, in the programs that a configuration is for; not in texts and comments. */
function namesInCode(): ReadonlySet<string> {
  const files = listFiles().filter((path) =>
    /^mta-image\/(?:src|web\/server)\/.*(?<!\.test|web-config)\.ts$/.test(path),
  );
  const code = files
    .map((path) => readFileSync(`${root}${path}`, "utf8"))
    .map((text) => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|"[^"\n]*"|`[^`]*`/gm, ""));
  const names = code.flatMap((text) => [
    ...text.matchAll(/(?:\.|[{,]\s*)([A-Za-z]\w*)|\b([A-Za-z]\w*)\??:/g),
  ]);
  return new Set(names.map(([, read, declared]) => read ?? declared ?? ""));
}

test("every key is the name of something that code reads, or says that it has no effect", () => {
  const names = namesInCode();
  assert.ok(names.has("proxynetworks") && !names.has("licensekey"));
  const unread = keys().filter(([key]) => !names.has(key.split(".").at(-1)?.replaceAll("[]", "") ?? ""));
  assert.deepEqual(
    unread.filter(([, says]) => !says.startsWith("Without effect.")),
    [],
  );
});
