/** Whatever the source, the compiler answers and a run ends within its budget: from random bytes to programs that run. */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { systemClock } from "#base/clock.ts";

import { CompileError } from "./error.ts";
import { libraryHost } from "./library/library.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { type Outcome, compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";
import { Shared } from "./shared.ts";

const limits: Limits = { ...defaultLimits, steps: 20_000, cpuMs: 500, wallMs: 50, bytes: 1 << 24 };
const world = {
  clock: systemClock,
  random: () => 0.5,
  echo: () => undefined,
  log: () => undefined,
  hostname: "host",
  startedMs: 0,
  shared: new Shared(systemClock),
};

async function survive(text: string): Promise<Outcome | CompileError> {
  try {
    const outcome = await run(compile("fuzz", text, libraryHost, noFiles), { world, limits });
    assert.notEqual(outcome.error?.kind, "bug", `${outcome.error?.describe()}\n${text}`);
    return outcome;
  } catch (error) {
    if (error instanceof CompileError) return error;
    throw error;
  }
}

test("random bytes are refused or run, never a failure of the compiler", async () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((data) => Buffer.from(data).toString("latin1"));
  await fc.assert(
    fc.asyncProperty(bytes, async (text) => void (await survive(text))),
    { numRuns: 400 },
  );
});

const words = fc.constantFrom(
  ...'$a $b $c 1 2 0 -1 1.5 "x" "$a" [] [1,2] none true ( ) [ ] { } ; , + - * / % . = == < > ?? ?: ? : -> :: => ++ -- += ... if else for foreach as while forever break continue return function closure class yield match default try catch throw echo switch case global barrier cache length str_split array_map f $this #/a+/ =~ not and or unset isset'.split(
    " ",
  ),
);

test("random tokens are refused or run to their end", async () => {
  const text = fc.array(words, { maxLength: 40 }).map((parts) => parts.join(" "));
  await fc.assert(
    fc.asyncProperty(text, async (source) => void (await survive(source))),
    { numRuns: 1_000 },
  );
});

const { expression, statement } = fc.letrec<{ expression: string; statement: string }>((tie) => {
  const inner = tie("expression");
  const block = fc.array(tie("statement"), { maxLength: 3 }).map((parts) => parts.join(" "));
  return {
    expression: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("$a", "$b", "$a[0]", "1", "0", "-3", '"t$a"', "none", "[1, 'x'k'x' => 2]", "length"),
      fc
        .tuple(inner, fc.constantFrom(..."+ - * / % . == === < > & | << >>> ?? and or =~".split(" ")), inner)
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(inner, inner).map(([a, b]) => `(${a})[${b}]`),
      fc.tuple(inner, inner).map(([a, b]) => `(${a})[${b}:${a}]`),
      inner.map((a) => `[...[${a}], "k" => ${a}]`),
      inner.map((a) => `f(${a})`),
      inner.map((a) => `(function ($x) closure ($b) { $b = $x; return $x; })(${a})`),
      inner.map((a) => `match (${a}) { 1, none => ${a}, default => 2 }`),
      fc.tuple(inner, inner).map(([a, b]) => `array_map(function ($x) { return $x . ${b}; }, array(${a}))`),
    ),
    statement: fc.oneof(
      { depthSize: "small" },
      inner.map((a) => `echo ${a};`),
      inner.map((a) => `$a = ${a};`),
      inner.map((a) => `$a[${a}]["z"] = $b; $b .= "y";`),
      inner.map((a) => `$a += ${a}; $b++;`),
      fc.tuple(inner, block).map(([a, body]) => `if (${a}) { ${body} } else { $b = 1; }`),
      fc.tuple(inner, block).map(([a, body]) => `foreach (array(${a}) as $k => $b) { ${body} }`),
      fc.tuple(inner, block).map(([a, body]) => `while (${a}) { ${body} }`),
      fc.tuple(block, inner).map(([body, a]) => `try { ${body} throw ${a}; } catch ($e) { $b = $e; }`),
      fc
        .tuple(inner, block)
        .map(([a, body]) => `switch (${a}) { case 1: ${body} break; default: $a = none; }`),
    ),
  };
});

test("programs out of the grammar compile, and run to a value, an exception or the end of their budget", async () => {
  const program = fc
    .array(statement, { minLength: 1, maxLength: 6 })
    .map((parts) => `function f($p) { return [$p]; } ${parts.join(" ")}`);
  await fc.assert(
    fc.asyncProperty(program, async (source) => {
      const outcome = await survive(source);
      if (outcome instanceof CompileError) assert.match(outcome.message, /nested|too many/);
    }),
    { numRuns: 400 },
  );
  await fc.assert(
    fc.asyncProperty(expression, async (source) => void (await survive(`return ${source};`))),
    { numRuns: 400 },
  );
});
