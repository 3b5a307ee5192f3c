/** Which functions may come to wait: found in looks that grow with functions and calls, in whatever order they stand. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { makeHost } from "./host.ts";
import { libraryHost } from "./library/library.ts";
import { compile } from "./machine.ts";
import { noFiles } from "./module.ts";
import { Fn, type Program, Unit } from "./program.ts";
import { markSuspending } from "./suspend.ts";

const MANY = 500;

function chain(): { readonly functions: Fn[]; readonly looks: () => number } {
  const unit = new Unit(0, "t");
  const node = { at: 0, name: null, parameters: [], captures: [], body: [], generator: false };
  const place = { unit, parent: null, within: null, cls: null, js: "f" };
  const functions = Array.from({ length: MANY }, (_, at) => new Fn(`f${at}`, node, place));
  let looks = 0;
  for (const [at, fn] of functions.entries()) {
    const next = functions[at + 1];
    if (next === undefined) fn.waits = true;
    const calls = new Set(next === undefined ? [] : [next]);
    Object.defineProperty(fn, "calls", {
      get: () => {
        looks += 1;
        return calls;
      },
    });
  }
  return { functions, looks: () => looks };
}

test("a chain of calls whose last function waits is followed in as many looks as it is long", () => {
  const { functions, looks } = chain();
  const program: Program = {
    units: [],
    functions,
    classes: [],
    host: makeHost([]),
    includes: new Map(),
    closures: new Map(),
    values: new Set(),
    astray: new Set(),
  };
  markSuspending(program);
  assert.ok(functions.every(({ suspends }) => suspends));
  assert.ok(looks() <= 4 * MANY, `${looks()} looks`);
});

const waits: Readonly<Record<string, string>> = {
  "a function that it calls": "function f() { sleep(0); } f();",
  "a function of a function": "function f() { g(); } function g() { h(); } function h() { sleep(0); } f();",
  "a function of the host that is a value": "$f = sleep; $f(0);",
  "a closure": "$f = function () { sleep(0); }; $f();",
  "a closure that another function calls":
    "function call($f) { $f(); } function wait() { sleep(0); } call(wait);",
  "a method of the script": "class A { function m() { sleep(0); } } A()->m();",
  "a method behind another one":
    "class A { function m() { $this->n(); } function n() { sleep(0); } } A()->m();",
  "a static method": "class A { static function m() { sleep(0); } } A::m();",
  "a constructor": "class A { constructor() { sleep(0); } } A();",
  "a method of the host": 'File::String("x")->read();',
  "a generator that waits between its items": "function g() { yield 1; sleep(0); } foreach (g() as $x) { }",
  "a callback": "array_map(function ($x) { sleep(0); }, [1]);",
  "a barrier": 'barrier "b" { }',
};
const plain: Readonly<Record<string, string>> = {
  nothing: "$a = 1;",
  "a function that nobody calls": "function f() { sleep(0); } $a = 1;",
  "a method of that name in no class":
    "class A { function m() { return 1; } function w() { sleep(0); } } A()->m();",
  "a generator that only yields": "function g() { yield 1; } foreach (g() as $x) { }",
  "functions in a circle": "function f() { if (0) g(); } function g() { f(); } f();",
};

for (const [how, source] of Object.entries(waits))
  test(`a script waits by ${how}`, () => {
    assert.equal(compile("t", source, libraryHost, noFiles).suspends, true);
  });
for (const [how, source] of Object.entries(plain))
  test(`a script does not wait for ${how}`, () => {
    assert.equal(compile("t", source, libraryHost, noFiles).suspends, false);
  });
