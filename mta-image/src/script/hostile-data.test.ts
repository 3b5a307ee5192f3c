/**
 * Data and schemas made to take long: what a few megabytes of either cost grows with them and not with their square, which would hold
 * up the engine for hours and hang the test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { quietWorld } from "../../testing/quiet-world.ts";
import { decodeCsv } from "./data/csv.ts";
import { Schema } from "./data/schema.ts";
import { CompileError, Refusal } from "./error.ts";
import { fromPlain } from "./library/json.ts";
import { libraryHost } from "./library/library.ts";
import { compile, run } from "./machine.ts";
import { type Loaded, type Loader, loadFrom, noFiles } from "./module.ts";

const MANY = 30_000;
const names = (head: string, count = MANY): string[] => Array.from({ length: count }, (_, at) => head + at);

/** What is wrong with the rows; "" for nothing. */
function wrong(schema: object, csv: string): string {
  try {
    decodeCsv(csv, undefined, new Schema(fromPlain(schema)));
    return "";
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error.message.slice(0, 60);
  }
}

const rows = `x\n${"v\n".repeat(MANY)}`;
const number = { name: "x", type: "number" };

/** The schema, the rows, and what is wrong with them. */
const cases: Readonly<Record<string, readonly [schema: object, csv: string, said: string]>> = {
  "many columns": [
    { fields: names("c", 100_000).map((name) => ({ name })) },
    `${names("c", 100_000).join(",")}\n1\n`,
    "",
  ],
  "a key of many fields": [
    { fields: names("c").map((name) => ({ name })), primaryKey: names("c") },
    `${names("c").join(",")}\n1\n`,
    "line 2, column c1: a value is required",
  ],
  "many columns of one name": [
    { fields: names("c").map((name) => ({ name })) },
    `${names("c").join(",")}${",d".repeat(MANY)}\n1\n`,
    "",
  ],
  "many values that are missing ones": [
    { fields: [{ name: "x" }], missingValues: [...names("m"), "v"] },
    rows,
    "",
  ],
  "many values to choose from": [{ fields: [{ name: "x", enum: [...names("m"), "v"] }] }, rows, ""],
  "many words for true": [
    { fields: [{ name: "x", type: "boolean", trueValues: names("m"), falseValues: ["v"] }] },
    rows,
    "",
  ],
  "digits that are no number": [{ fields: [number] }, `x\n${"1".repeat(1_000_000)}x\n`, "line 2, column x: "],
  "letters around a number": [
    { fields: [{ ...number, bareNumber: false }] },
    `x\n1${"x".repeat(500_000)}1${"x".repeat(400_000)}\n`,
    "line 2, column x: ",
  ],
};

for (const [what, [schema, csv, said]] of Object.entries(cases))
  test(`${what} are read in time that grows with them`, () => {
    assert.ok(wrong(schema, csv).startsWith(said));
    if (said === "") assert.equal(wrong(schema, csv), "");
  });

function told(text: string, files: Loader): string {
  try {
    compile("hostile", text, libraryHost, files);
    return "";
  } catch (error) {
    assert.ok(error instanceof CompileError, String(error));
    return error.diagnostics.at(-1)?.message ?? "";
  }
}

test("a YAML file that is imported with types is no longer than one without", () => {
  const files = loadFrom(new Map([["a.yaml", `a: ${"x".repeat(9 << 20)}`]]));
  for (const options of ["", 'with ["types" => ["Map"]]'])
    assert.equal(told(`import $a from "a.yaml" ${options};`, files), "a.yaml: the data are too large");
});

test("a script that is named ten thousand times is fetched once", () => {
  let fetched = 0;
  const load = (id: string): Loaded => {
    fetched += 1;
    return { id, text: "$a = 1;" };
  };
  const files: Loader = { load };
  assert.equal(told('include "a";'.repeat(10_000), files), "the program has too many files");
  assert.equal(told('import * as a from "b";'.repeat(10_000), files), "");
  assert.equal(fetched, 2);
});

test("a program imports data until they are too large, and fetches no more then", () => {
  let fetched = 0;
  const load = (id: string): Loaded => {
    fetched += 1;
    return { id, text: "x".repeat(64 << 20) };
  };
  const files: Loader = { load };
  const text = 'import $a from "a.txt";'.repeat(1_000);
  assert.equal(told(text, files), "the data that scripts import are too large");
  assert.equal(fetched, 8, "eight are all that there is room for");
});

test("small files of data are not without end either", () => {
  const few = told('import $a from "a.txt";'.repeat(10_000), loadFrom(new Map([["a.txt", ""]])));
  const many = told('import $a from "a.txt";'.repeat(170_000), loadFrom(new Map([["a.txt", ""]])));
  assert.deepEqual([few, many], ["", "the data that scripts import are too large"]);
});

const ones = (count: number): string => Array(count).fill("1").join(",");

/** Programs of too many parts of a kind, and what is said of them. */
const refused: Readonly<Record<string, readonly [text: string, said: string]>> = {
  parameters: [`function f(${names("$p").join(",")}) { }`, "a function has too many parameters"],
  arguments: [`array(${ones(MANY)});`, "a call has too many arguments"],
  "shared variables": [
    `$f = function () closure (${names("$v").join(",")}) { };`,
    "a closure shares too many variables",
  ],
  "waits of one function": [
    `function f() { ${"sleep(0);".repeat(5_000)} }`,
    "a function waits at too many places: let another one do some of it",
  ],
  "items of one generator": [
    `function f() { ${"yield 1;".repeat(5_000)} }`,
    "a function waits at too many places: let another one do some of it",
  ],
  "walks of one generator": [
    `function f() { yield 1; ${"foreach ([] as $v) { }".repeat(5_000)} }`,
    "a function waits at too many places: let another one do some of it",
  ],
  classes: [
    names("class C", 60_000)
      .map((head) => `${head} { }`)
      .join("\n"),
    "the program is too large for its engine: Maximum call stack size exceeded",
  ],
  "chains within brackets": [
    `$a = ${"(".repeat(150)}1${`${"+1".repeat(400)})`.repeat(150)};`,
    "nested too deeply",
  ],
  "brackets behind brackets": [
    `$a = ${"[".repeat(150)}1${`]${"[0]".repeat(400)}`.repeat(150)};`,
    "nested too deeply",
  ],
};
for (const [what, [text, said]] of Object.entries(refused))
  test(`too many ${what} are refused`, () => assert.equal(told(text, noFiles), said));

test("the place of a script that waits too often is its first statement", () => {
  assert.throws(
    () =>
      compile(
        "x",
        'import * as lib from "lib";',
        libraryHost,
        loadFrom(new Map([["lib", `\n${"sleep(0);".repeat(5_000)}`]])),
      ),
    /^CompileError: lib:2:1: a function waits at too many places/,
  );
});

test("calls of what cannot wait are as many as one likes, beside waits too", async () => {
  const calls = `function f() { } ${"length([]); f();".repeat(5_000)}`;
  assert.equal(told(`function g() { ${calls} } sleep(0);`, noFiles), "");
  const { error } = await run(compile("hostile", `${calls} sleep(0);`, libraryHost, noFiles), {
    world: quietWorld(),
  });
  assert.equal(error, null, error?.describe() ?? "");
});

test("as many arguments as may be are given", async () => {
  const text = `return length(array(${ones(10_000)}));`;
  const { value } = await run(compile("hostile", text, libraryHost, noFiles), { world: quietWorld() });
  assert.equal(value, 10_000);
});

/** Programs whose parts meet each other: each is compiled, and the last one run. */
const wide: Readonly<Record<string, string>> = {
  "a function of many parameters that is called many times": `function f(${names("$p", 1_000)
    .map((name) => `${name}=0`)
    .join(",")}) { }\nif (0) { ${"f();".repeat(MANY)} }`,
  "a closure over many variables that names them all": `$f = function () closure (${names("$v", 1_000).join(",")}) { ${names("$v").join(";")}; };`,
  "many members and many classes": `$o = none; ${names("class C", 20_000)
    .map((head) => `${head} { function m() { } }`)
    .join("\n")} if (0) { ${names("$o->m")
    .map((member) => `${member};`)
    .join("")} }`,
  "many private methods that call each other": `class C { ${names("f", 10_000)
    .map((name) => `private static function ${name}() { C::${name}(); }`)
    .join("\n")} }`,
};
for (const [what, text] of Object.entries(wide))
  test(`${what} are compiled`, async () => {
    const { error } = await run(compile("hostile", text, libraryHost, noFiles), { world: quietWorld() });
    assert.equal(error, null, error?.describe() ?? "");
  });
