/**
 * Holds the library against the list of what the manual of the MTA documents whose scripts run here
 * (script/testdata/library/documented.txt: functions, classes, `Class->method`, `Class::static`; one a line).
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { loadForeign } from "../plugins/ffi/class.ts";
import { actionsOf, eodMailMessageClass } from "./actions.ts";
import type { NativeAddon } from "../plugins/native.ts";
import type { HostClass } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";
import { hookNames } from "./stages.ts";

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

test("no method of FFI is without a test", () => {
  const tests = ["class", "script"].map((name) =>
    readFileSync(new URL(`../plugins/ffi/${name}.test.ts`, import.meta.url), "utf8"),
  );
  const all = tests.join("\n");
  const cls = foreignHost.classes.get("FFI");
  const names = [...(cls?.methods.keys() ?? []), ...(cls?.statics.keys() ?? [])];
  assert.ok(names.length > 0);
  assert.deepEqual(
    names.filter((name) => !all.includes(`"${name}"`) && !all.includes(`::${name}(`)),
    [],
  );
});

test("no action of a hook is without a test that has a script call it", () => {
  const folders = ["./", "../engine/"].map((path) => new URL(path, import.meta.url));
  const texts = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".test.ts") && name !== "documented.test.ts")
      .map((name) => readFileSync(new URL(name, folder), "utf8")),
  );
  const all = texts.join("\n");
  const untested = hookNames.flatMap((hook) =>
    [...actionsOf(hook).functions].map(({ name }) => name).filter((name) => !all.includes(`${name}(`)),
  );
  assert.deepEqual([...new Set(untested)], []);
});
