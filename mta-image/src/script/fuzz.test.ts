/**
 * Whatever the source, the compiler answers and a run ends within its budget: from random bytes to programs that run. The seed is fixed, so that
 * what fails once fails again; SCRIPT_FUZZ_SEED and SCRIPT_FUZZ_RUNS (a factor) look elsewhere and longer.
 */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import fc from "fast-check";

import { CompileError } from "./error.ts";
import { quietWorld } from "../../testing/quiet-world.ts";
import { libraryHost } from "./library/library.ts";
import { type Limits, defaultLimits } from "./limits.ts";
import { type Outcome, compile, run } from "./machine.ts";
import { loadFrom } from "./module.ts";

const seed = Number(process.env["SCRIPT_FUZZ_SEED"] ?? 6);
const factor = Number(process.env["SCRIPT_FUZZ_RUNS"] ?? 1);
before((context) => {
  if ("diagnostic" in context) context.diagnostic(`SCRIPT_FUZZ_SEED=${seed} SCRIPT_FUZZ_RUNS=${factor}`);
});

const files = loadFrom(
  new Map([
    [
      "lib.hsl",
      `$count = 0; class Box { $n = 1; static $made = 0; function get($x) { return [$this->n, $x]; } }
      function g($x) { global $count; $count += 1; return [$x, $count]; }`,
    ],
    ["rows.json", `[{ "a": 1 }, { "a": "x" }, null]`],
  ]),
);

const limits: Limits = { ...defaultLimits, steps: 20_000, cpuMs: 500, wallMs: 50, bytes: 1 << 24 };
const world = quietWorld();

async function survive(text: string): Promise<Outcome | CompileError> {
  try {
    const outcome = await run(compile("fuzz", text, libraryHost, files), { world, limits });
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
    { numRuns: 400 * factor, seed },
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
    { numRuns: 1_000 * factor, seed },
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
      inner.map((a) => `cache ["ttl" => 5, "size" => 4] f(${a})`),
      inner.map((a) => `(!$a = ${a})`),
      fc.tuple(inner, inner).map(([a, b]) => `(${a} and $b = ${b})`),
      inner.map((a) => `g(${a})[1]`),
      inner.map((a) => `lib::g(${a})`),
      fc.constantFrom("Own::$made", "Box()->n", "$rows[1]", "$rows", "$shared", "Own(1)"),
      fc.tuple(inner, inner).map(([a, b]) => `Own(${a})->sum(${b})`),
      inner.map((a) => `Own::of(${a})`),
      fc.tuple(inner, inner).map(([a, b]) => `array_map(function ($x) { return $x . ${b}; }, array(${a}))`),
    ),
    statement: fc.oneof(
      { depthSize: "small" },
      inner.map((a) => `echo ${a};`),
      inner.map((a) => `$a = ${a};`),
      inner.map((a) => `$a[${a}]["z"] = $b; $b .= "y";`),
      inner.map((a) => `$a += ${a}; $b++;`),
      inner.map((a) => `[$a, $b = 2, ...$c] = array(${a});`),
      inner.map((a) => `["k" => $a, "l" => [$b]] = ["k" => ${a}, "l" => [1]];`),
      fc.tuple(inner, inner, inner).map(([a, b, c]) => `$c = [1, 2, 3, 4]; $c[${a}:${b}] = array(${c});`),
      fc.tuple(inner, inner).map(([a, b]) => `$c = ["l" => [1, 2]]; $c["l"][${a}:] = [${b}, ${a}];`),
      fc.tuple(inner, inner).map(([a, b]) => `$o = Own(${a}); $o->x = ${b}; $o["list"][] = ${a}; $a = $o;`),
      fc.tuple(inner, block).map(([a, body]) => `barrier "n" . $k => $s { $s = ${a}; ${body} }`),
      fc.tuple(inner, block).map(([a, body]) => `foreach (gen(${a}) as $k => $b) { ${body} }`),
      fc.tuple(inner, block).map(([a, body]) => `foreach ([[${a}, 2]] as [$a, $b]) { ${body} }`),
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

/** What the grammar's programs call: functions, a generator and a class around what was made, and another file. */
function head(inGenerator: string, value: string): string {
  return `import { g, Box, $count as $shared } from "lib.hsl"; import * as lib from "lib.hsl"; import $rows from "rows.json";
    function f($p) { return [$p]; }
    function gen($a) { ${inGenerator} yield $a; foreach (array($a) as $k => $v) { yield $k => ${value}; } }
    class Own {
      $x = 1; $list = []; static $made = 0; private $hidden = "h";
      constructor($x, $y = 2) { $this->x = $x; static::$made += 1; }
      function sum($b) { return $this->x . $b . $this->hidden; }
      static function of($x) { return Own($x); }
    }`;
}

/** What a statement throws keeps none of those behind it from running. */
function tried(text: string): string {
  return `try { ${text} } catch ($e) { $b = $e; }`;
}

test("programs out of the grammar compile, and run to a value, an exception or the end of their budget", async () => {
  const program = fc
    .tuple(
      fc.array(statement, { minLength: 1, maxLength: 6 }),
      fc.array(statement, { maxLength: 2 }),
      expression,
    )
    .map(
      ([parts, inGenerator, value]) => `${head(inGenerator.join(" "), value)} ${parts.map(tried).join(" ")}`,
    );
  await fc.assert(
    fc.asyncProperty(program, async (source) => {
      const outcome = await survive(source);
      if (outcome instanceof CompileError) assert.match(outcome.message, /nested|too many/);
    }),
    { numRuns: 150 * factor, seed },
  );
  await fc.assert(
    fc.asyncProperty(
      expression,
      async (source) => void (await survive(`${head("", "1")} return ${source};`)),
    ),
    { numRuns: 200 * factor, seed },
  );
});
