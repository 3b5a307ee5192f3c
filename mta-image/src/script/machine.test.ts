/** What whoever runs scripts relies on: outcomes at once or later, variables both ways, ends, budgets while waiting. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { quietWorld } from "../../testing/quiet-world.ts";
import { declare, makeHost, mergeHosts, parameter } from "./host.ts";
import { libraryHost } from "./library/library.ts";
import { defaultLimits } from "./limits.ts";
import { type Outcome, compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";
import { Shared } from "./shared.ts";
import type { HslArray, Value } from "./value.ts";

const accept = declare({
  name: "Accept",
  parameters: [parameter.any("value")],
  returns: "none",
  docs: "Ends the run.",
  run: (context, value) => context.end(value),
});
const fail = declare({
  name: "fail_later",
  parameters: [],
  returns: "none",
  docs: "Fails after waiting.",
  way: "promise",
  run: (): Promise<Value> => Promise.reject(new TypeError("our own mistake")),
});
const finish = declare({
  name: "Finish",
  parameters: [parameter.any("value")],
  returns: "none",
  docs: "Ends the run, as the actions of hooks do.",
  ends: true,
  run: (_, value) => value,
});
const compute = declare({
  name: "compute",
  parameters: [],
  returns: "none",
  docs: "Takes a tenth of a second of the processor.",
  run: ({ clock }) => {
    assert.ok(clock instanceof ManualClock);
    clock.advance(100);
    return null;
  },
});
const huge = declare({
  name: "huge",
  parameters: [parameter.number("kind")],
  returns: "string",
  docs: "Makes what V8 or Node has no room for.",
  run: (_, kind) => (kind === 0 ? "x".repeat(2 ** 30) : String(new Array(2 ** 40))),
});
const host = mergeHosts(
  libraryHost,
  makeHost([accept, fail, finish, compute, huge], [], ["arguments", "context"]),
);

function start(text: string, variables: Record<string, Value> = {}) {
  const clock = new ManualClock();
  const shared = new Shared(clock);
  const world = {
    clock,
    random: () => 0.5,
    echo: () => undefined,
    log: () => undefined,
    hostname: "h",
    shared,
  };
  const go = (source: string): Outcome | Promise<Outcome> =>
    run(compile("t", source, host, noFiles), {
      world,
      variables,
      limits: { ...defaultLimits, wallMs: 1_000 },
    });
  return { clock, go, outcome: go(text) };
}

test("a script that never waits gives its outcome at once", () => {
  const { outcome } = start('$context["seen"] = $arguments; return 5;', { arguments: "in" });
  assert.ok("value" in outcome);
  assert.equal(outcome.value, 5);
  assert.equal(String((outcome.variable("context") as { get(key: string): Value }).get("seen")), "in");
});

test("ending a run passes every catch", () => {
  const { outcome } = start('try { Accept("done"); } catch ($e) { return "caught"; } return "after";');
  assert.ok("value" in outcome);
  assert.equal(outcome.value, "done");
});

for (const [place, text] of Object.entries({
  "the script's own body": 'Finish("done"); return "after";',
  "a block of it":
    'try { for ($i = 0; $i < 9; $i++) if ($i == 3) { Finish("done"); } } catch { } return "after";',
  "an expression": '$x = [1, Finish("done")]; return "after";',
  "a function": 'function f() { Finish("done"); return 1; } try { f(); } catch { } return "after";',
  "a closure that is called back": 'array_map(function ($x) { Finish("done"); }, [1]); return "after";',
  "a value": '$f = Finish; $f("done"); return "after";',
  "a script that may wait": 'sleep(0); Finish("done"); return "after";',
}))
  test(`a call that ends the run ends it from ${place}`, async () => {
    const { clock, outcome } = start(text);
    clock.advance(1);
    assert.equal((await outcome).value, "done");
  });

test("a script says which of the host's variables it names, in whatever part of it", () => {
  const used = (text: string) => [...compile("t", text, host, noFiles).used];
  assert.deepEqual(used("return 1;"), []);
  assert.deepEqual(used("function f() { global $context; return $context; } f();"), ["context"]);
  assert.deepEqual(used('echo "for $arguments";'), ["arguments"]);
  assert.deepEqual(used("function f($arguments) { return $arguments; } f(1);"), []);
  assert.deepEqual(used('$f = function () closure ($context) { $context["x"] = 1; }; $f();'), ["context"]);
});

test("a script that waits goes on when its promise does", async () => {
  const { clock, outcome } = start("sleep(0.5); return 7;");
  assert.ok(outcome instanceof Promise);
  clock.advance(500);
  assert.equal((await outcome).value, 7);
});

test("a script that waits beyond its time ends, and a barrier it held is free again", async () => {
  const { clock, go, outcome } = start('barrier "b" => $v { sleep(60); }');
  assert.ok(outcome instanceof Promise);
  await Promise.resolve();
  await Promise.resolve();
  clock.advance(1_000);
  const { error } = await outcome;
  assert.equal(error?.kind, "budget");
  const next = await go('barrier "b" => $v { return "in"; }');
  assert.equal(next.value, "in");
});

test("a script that computes beyond its time ends, however few its steps", async () => {
  const { outcome } = start("forever compute();");
  const { error } = await outcome;
  assert.deepEqual([error?.kind, error?.message], ["budget", "the script computed for too long"]);
});

test("a failure of the engine is told apart from what scripts throw, and no script catches it", async () => {
  const { outcome } = start('try { fail_later(); } catch ($e) { return "caught"; }');
  assert.equal((await outcome).error?.kind, "bug");
});

test("what is larger than any value can be is a matter of the script's budget, and no script catches it", async () => {
  for (const kind of [0, 1]) {
    const { outcome } = start(`try { huge(${kind}); } catch ($e) { return "caught"; }`);
    const { error } = await outcome;
    assert.deepEqual([error?.kind, error?.message], ["budget", "a value is too large"]);
  }
});

test("code grows with the source, however operators and places nest", async () => {
  const sums = `$a = 3; return ${"$a / (".repeat(90)}$a + 0${")".repeat(90)};`;
  assert.equal((await start(sums).outcome).error, null);
  const places = `$x = []; return ${"($x[".repeat(40)}"k"${']["k"] .= "v")'.repeat(40)};`;
  assert.equal((await start(places).outcome).error, null);
});

test("operands are read from left to right, and a refusal comes before what stands right of it", async () => {
  const text = `$i = 1; $a = $i + $i++ * 2 + $i; $n = 0;
    try { "x" - 1 + ($n = 5); } catch { } return [$a, $n, "3" + 1 * 2, 7 % 4 - "1"];`;
  const { outcome } = start(text);
  assert.ok("value" in outcome);
  assert.deepEqual((outcome.value as HslArray).values(), [5, 0, 5, 2]);
});

test("sources cannot smuggle code through strings, names or patterns", () => {
  const { outcome } = start(
    'return ["\\");process.exit(1);//", \'\'`\x24{1}\u2028\'\', "a" =~ #/\\)|"/, ["__proto__" => 1, "constructor" => 2]];',
  );
  assert.ok("value" in outcome);
  assert.equal(outcome.error, null);
});

for (const source of [
  `forever { barrier "x" { } }`,
  `forever { try { barrier "x" { } } catch { } }`,
  `function each() { forever { barrier "x" { } yield 1; } } foreach (each() as $i) { }`,
])
  test(`waits that are over at once bring a run to its bound, so that others come to their turn: ${source}`, async () => {
    const limits = { ...defaultLimits, steps: 10_000 };
    const program = compile("waits", source, libraryHost, noFiles);
    const { error } = await run(program, { world: quietWorld(), limits });
    assert.deepEqual([error?.kind, error?.message], ["budget", "the script took too many steps"]);
    assert.equal(error?.frames[0]?.file, "waits");
  });
