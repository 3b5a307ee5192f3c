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
import { noFiles } from "./module.ts";

const limits: Limits = { ...defaultLimits, steps: 5_000_000, bytes: 1 << 28 };
const world = quietWorld();

async function survive(text: string): Promise<"refused" | "run"> {
  try {
    const { error } = await run(compile("hostile", text, libraryHost, noFiles), { world, limits });
    assert.notEqual(error?.kind, "bug", error?.describe() ?? "");
    return "run";
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    assert.match(error.message, /hostile:\d+:\d+/, "a refusal names its place");
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
