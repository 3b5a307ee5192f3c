/**
 * Holds the library against the list of what the manual of the MTA documents whose scripts run here
 * (script/testdata/library/documented.txt: functions, classes, `Class->method`, `Class::static`; one a line).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { loadForeign } from "../plugins/ffi/class.ts";
import { eodMailMessageClass } from "./actions.ts";
import type { NativeAddon } from "../plugins/native.ts";
import type { HostClass } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";

/** What is not in the table, and why; for people in docs/compatibility.md. */
const absent: Readonly<Record<string, string>> = {
  isset: "part of the language (resolve-call.ts), as its argument is no value",
  unset: "part of the language (resolve-call.ts), as its argument is no value",
  FFIFunction: "no class to name: FFI->func gives values that are called",
  globalview: "asked a service that is closed to others (Cyren); spamhaus() and dnsbl() ask open ones",
  "Socket::Resource": "SocketResource comes from native plugins alone, and none of the public ones makes one",
};

const documented = readFileSync(new URL("../script/testdata/library/documented.txt", import.meta.url), "utf8")
  .trim()
  .split("\n");

function namesOf({ name, methods, statics }: HostClass): string[] {
  return [
    name,
    ...[...methods.keys()].map((method) => `${name}->${method}`),
    ...[...statics.keys()].map((method) => `${name}::${method}`),
  ];
}

/** Nothing is called, so the addon is of no interest. */
const { host: foreignHost } = await loadForeign(null as unknown as NativeAddon, null);

const present = new Set([
  ...libraryHost.functions.keys(),
  ...[...libraryHost.classes.values(), eodMailMessageClass, ...foreignHost.classes.values()].flatMap(namesOf),
]);

test("everything that the manual documents is there, or it says why not", () => {
  assert.deepEqual(
    documented.filter((name) => !present.has(name) && !(name in absent)),
    [],
  );
});

test("what is left out stands in the page on compatibility, or is part of the language", () => {
  const page = readFileSync(new URL("../../../docs/compatibility.md", import.meta.url), "utf8");
  const inLanguage = new Set(["isset", "unset", "FFIFunction"]);
  assert.deepEqual(
    Object.keys(absent).filter((name) => !inLanguage.has(name) && !page.includes(`| \`${name}\` |`)),
    [],
  );
});

test("nothing that is there is excused", () => {
  assert.deepEqual(
    Object.keys(absent).filter((name) => present.has(name) || !documented.includes(name)),
    [],
  );
});
