/**
 * Sources made to break a parser by what nests in them. The compiler answers with a place, or the run ends within its budget;
 * a stack that overflows or a compiler that goes on for ever would fail or hang the test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { CompileError } from "./error.ts";
import { quietWorld } from "../../testing/quiet-world.ts";
import { libraryHost } from "./library/library.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { compile, run } from "./machine.ts";
import { type Loader, loadFrom, noFiles } from "./module.ts";

const limits: Limits = { ...defaultLimits, steps: 5_000_000, bytes: 1 << 28 };
const world = quietWorld();

async function survive(text: string, files: Loader = noFiles): Promise<"refused" | "run"> {
  try {
    const { error } = await run(compile("hostile", text, libraryHost, files), { world, limits });
    assert.notEqual(error?.kind, "bug", error?.describe() ?? "");
    return "run";
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    assert.match(error.message, /:\d+:\d+: /, "a refusal names its place");
    return "refused";
  }
}

/** By name: what stands in front of the middle, again and again, and what closes it. */
const nested: Readonly<Record<string, readonly [open: string, middle: string, close: string]>> = {
  brackets: ["(", "1", ")"],
  arrays: ["[", "1", "]"],
  indexes: ["$a[", "1", "]"],
  calls: ["length(", "1", ")"],
  negations: ["!", "1", ""],
  signs: ["- ", "1", ""],
  words: ["not ", "1", ""],
  powers: ["2 ** ", "1", ""],
  choices: ["1 ? 2 : ", "3", ""],
  defaults: ["$a ?? ", "3", ""],
  assignments: ["$a = ", "3", ""],
  functions: ["function () { return ", "1", "; }"],
  matches: ["match (1) { default => ", "1", " }"],
  caches: ['cache ["ttl" => ', "1", "] length([])"],
};
const nestedStatements: Readonly<Record<string, readonly [open: string, middle: string, close: string]>> = {
  blocks: ["{", "$a = 1;", "}"],
  conditions: ["if (1) ", "$a = 1;", ""],
  alternatives: ["if (0) ; else ", "$a = 1;", ""],
  loops: ["foreach ([1] as $x) ", "$a = 1;", ""],
  tries: ["try { ", "$a = 1;", " } catch ($e) { }"],
  switches: ["switch (1) { case 1: ", "$a = 1;", " }"],
  barriers: ['barrier "b" . $n++ { ', "$a = 1;", " }"],
  declarations: ["function f() { ", "$a = 1;", " }"],
};

for (const times of [100, 5_000]) {
  for (const [name, [open, middle, close]] of Object.entries(nested))
    test(`${times} ${name} within each other are read or refused`, async () => {
      const answer = await survive(`$a = []; $a = ${open.repeat(times)}${middle}${close.repeat(times)};`);
      if (times > 100) assert.equal(answer, "refused");
    });
  for (const [name, [open, middle, close]] of Object.entries(nestedStatements))
    test(`${times} ${name} within each other are read or refused`, async () => {
      const answer = await survive(open.repeat(times) + middle + close.repeat(times));
      if (times > 100) assert.equal(answer, "refused");
    });
}

test("a text of 50,000 variables is read", async () => {
  assert.equal(await survive(`$b = 1; $a = "${"$b ".repeat(50_000)}";`), "run");
});

test("of many thousand mistakes in one line the first are told", () => {
  const text = `if (0) { } ${"else if (0) { } ".repeat(20_000)}`;
  assert.throws(
    () => compile("hostile", text, libraryHost, noFiles),
    (error) => error instanceof CompileError && error.diagnostics.length === 100,
  );
});

const odd: Readonly<Record<string, readonly [text: string, answer: "refused" | "run"]>> = {
  "bytes of every kind": [
    Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 7919) % 251)).toString("latin1"),
    "refused",
  ],
  "zero bytes": ["\0".repeat(50_000), "refused"],
  "lines that end in carriage returns": ["$a = 1;\r$b = 2;\rreturn $b;", "run"],
  "half a surrogate pair in a string": ['return "\xed\xa0\x80";', "run"],
  "a million digits": [`return ${"9".repeat(1_000_000)};`, "run"],
  "a million hexadecimal digits": [`return 0x${"f".repeat(1_000_000)};`, "run"],
  "an exponent of a hundred thousand digits": [`return 1e${"9".repeat(100_000)};`, "run"],
  "a string without end": [`$a = "${"x".repeat(1_000_000)}`, "refused"],
  "a comment without end": ["/*".repeat(500_000), "refused"],
  "raw strings without end": [Array.from({ length: 2_000 }, (_, at) => `'r${at}' `).join(""), "refused"],
  "patterns without end": ["#/".repeat(50_000), "refused"],
  "dollar signs": ["$".repeat(50_000), "refused"],
  "an odd number of quotes": ['"'.repeat(50_001), "refused"],
  "sums without end": [`$a = ${"1+".repeat(200_000)}1;`, "refused"],
  "a name of a million letters": [`$${"a".repeat(1_000_000)} = 1;`, "run"],
  "more than a file may have": [" ".repeat(5_000_000), "refused"],
  "ten thousand statements in one line": ["$a=1;".repeat(10_000), "run"],
};

for (const [what, [text, answer]] of Object.entries(odd))
  test(`a source of ${what} is ${answer === "run" ? "run" : "refused"}`, async () => {
    assert.equal(await survive(text), answer);
  });

const circles: Readonly<Record<string, readonly [text: string, files: Readonly<Record<string, string>>]>> = {
  "functions of each other": [
    'import { a } from "b";',
    {
      b: 'import { b } from "c"; function a() { return b(); }',
      c: 'import { a } from "b"; function b() { return a(); }',
    },
  ],
  namespaces: ['import * as l from "b";', { b: 'import * as m from "b";' }],
  texts: ['include "b";', { b: 'include "c";', c: 'include "b";' }],
  itself: ['include "hostile";', { hostile: 'include "hostile";' }],
};
for (const [what, [text, files]] of Object.entries(circles))
  test(`files that take ${what} in a circle are refused with a place`, async () => {
    assert.equal(await survive(text, loadFrom(new Map(Object.entries(files)))), "refused");
  });
