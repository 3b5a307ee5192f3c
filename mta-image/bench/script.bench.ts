/**
 * What scripts cost: compiled HSL against the same logic in JavaScript, a hook call without waiting, suspend and resume,
 * memory of waiting scripts, and compiling.
 *   node --expose-gc mta-image/bench/script.bench.ts
 */
import { systemClock } from "#base/clock.ts";
import type { World } from "#mta/script/context.ts";
import { declare, makeHost, mergeHosts, parameter } from "#mta/script/host.ts";
import { libraryHost } from "#mta/script/library/library.ts";
import { defaultLimits } from "#mta/script/limits.ts";
import { type Compiled, compile, run } from "#mta/script/machine.ts";
import { noFiles } from "#mta/script/module.ts";
import { Shared } from "#mta/script/shared.ts";
import type { Value } from "#mta/script/value.ts";

const waiting: ((value: Value) => void)[] = [];
const waits = declare({
  name: "wait_here",
  parameters: [parameter.any("value")],
  returns: "any",
  docs: "Waits until the benchmark goes on.",
  way: "promise",
  run: (): Promise<Value> => new Promise((resolve) => waiting.push(resolve)),
});
const soon = declare({
  name: "soon",
  parameters: [],
  returns: "any",
  docs: "Waits for a promise that is settled already.",
  way: "promise",
  run: (): Promise<Value> => Promise.resolve(1),
});
const host = mergeHosts(libraryHost, makeHost([waits, soon], [], ["arguments", "context"]));
const world: World = {
  clock: systemClock,
  random: Math.random,
  echo: () => undefined,
  log: () => undefined,
  hostname: "bench",
  startedMs: 0,
  shared: new Shared(systemClock),
};
const limits = { ...defaultLimits, steps: 1e12, cpuMs: 60_000, bytes: 1e12 };
const build = (text: string): Compiled => compile("bench", text, host, noFiles);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

function bestOf(times: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < times; round++) {
    const start = performance.now();
    work();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

interface Pair {
  readonly name: string;
  readonly hsl: string;
  readonly js: () => unknown;
}

const pairs: readonly Pair[] = [
  {
    name: "arithmetic",
    hsl: "function work($n) { $s = 0; for ($i = 0; $i < $n; $i++) { $s = ($s + $i * 3) % 1000003; } return $s; } return work(3000000);",
    js: () => {
      let s = 0;
      for (let i = 0; i < 3_000_000; i++) s = (s + i * 3) % 1_000_003;
      return s;
    },
  },
  {
    name: "calls",
    hsl: "function fib($n) { if ($n < 2) return $n; return fib($n - 1) + fib($n - 2); } return fib(27);",
    js: () => {
      const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
      return fib(27);
    },
  },
  {
    name: "arrays",
    hsl: "function work($n) { $a = []; for ($i = 0; $i < $n; $i++) $a[] = $i; $s = 0; foreach ($a as $v) $s += $v; for ($i = 0; $i < $n; $i++) $a[$i] = $a[$i] * 2; return $s + length($a); } return work(300000);",
    js: () => {
      const a: number[] = [];
      for (let i = 0; i < 300_000; i++) a.push(i);
      let s = 0;
      for (const v of a) s += v;
      for (let i = 0; i < 300_000; i++) a[i] = (a[i] as number) * 2;
      return s + a.length;
    },
  },
  {
    name: "maps",
    hsl: 'function work($n) { $m = []; for ($i = 0; $i < $n; $i++) $m["k" . ($i % 1000)] = ($m["k" . ($i % 1000)] ?? 0) + 1; return length($m); } return work(300000);',
    js: () => {
      const m = new Map<string, number>();
      for (let i = 0; i < 300_000; i++) m.set(`k${i % 1000}`, (m.get(`k${i % 1000}`) ?? 0) + 1);
      return m.size;
    },
  },
  {
    name: "strings",
    hsl: 'function work($n) { $t = 0; for ($i = 0; $i < $n; $i++) { $s = "user" . $i . "@example.com"; $p = str_split($s, "@"); $t += length($p[0]); if (str_find($s, "99") >= 0) $t += 1; } return $t; } return work(300000);',
    js: () => {
      let t = 0;
      for (let i = 0; i < 300_000; i++) {
        const s = `user${i}@example.com`;
        const p = s.split("@");
        t += (p[0] as string).length;
        if (s.includes("99")) t += 1;
      }
      return t;
    },
  },
  {
    name: "closures",
    hsl: "function work($n) { $sum = 0; $add = function ($x) closure ($sum) { $sum += $x; return $sum; }; for ($i = 0; $i < $n; $i++) $add($i); return array_reduce(function ($a, $b) { return $a + $b; }, array_map(function ($x) { return $x * 2; }, array_range(0, 100000)), 0); } return work(1000000);",
    js: () => {
      let sum = 0;
      const add = (x: number): number => (sum += x);
      for (let i = 0; i < 1_000_000; i++) add(i);
      return Array.from({ length: 100_000 }, (_, i) => i)
        .map((x) => x * 2)
        .reduce((a, b) => a + b, 0);
    },
  },
];

for (const { name, hsl, js } of pairs) {
  const program = build(hsl);
  const check = run(program, { world, limits });
  if (!("value" in check) || check.error !== null) throw new Error(`${name}: ${JSON.stringify(check)}`);
  const [slow, fast] = [bestOf(7, () => void run(program, { world, limits })), bestOf(7, js)];
  say(
    `${name}: HSL ${slow.toFixed(1)} ms, JavaScript ${fast.toFixed(1)} ms, ratio ${(slow / fast).toFixed(2)}`,
  );
}

const hook = build(
  'if ($arguments["remoteip"] == "10.0.0.1") return "reject"; $context["seen"] = true; return "accept";',
);
const variables = { arguments: null, context: null };
const calls = bestOf(5, () => {
  for (let at = 0; at < 50_000; at++) void run(hook, { world, variables });
});
say(`hook call: ${((calls * 1000) / 50_000).toFixed(2)} us`);

const turns = build("for ($i = 0; $i < 100000; $i++) soon(); return $i;");
const start = performance.now();
await run(turns, { world, limits });
say(`suspend and resume: ${((performance.now() - start) / 100).toFixed(2)} us`);

const many = build("$a = $arguments; $b = 1; wait_here($a); return $a;");
globalThis.gc?.();
const before = process.memoryUsage();
const outcomes = Array.from({ length: 10_000 }, () => run(many, { world, variables }));
globalThis.gc?.();
const after = process.memoryUsage();
say(`waiting script: ${((after.heapUsed - before.heapUsed) / 10_000 / 1024).toFixed(2)} KiB`);
for (const resolve of waiting) resolve(null);
await Promise.all(outcomes);

const lines = Array.from(
  { length: 2_500 },
  (_, at) =>
    `function f${at}($a, $b = [1, 2]) {\n  if ($a["x"] > ${at} and length($b) < 3) return str_lower("v$a") . $b[0];\n  return [...$b, "k" => $a ?? none];\n}`,
).join("\n");
say(`compile ${lines.split("\n").length} lines: ${bestOf(3, () => void build(lines)).toFixed(0)} ms`);
