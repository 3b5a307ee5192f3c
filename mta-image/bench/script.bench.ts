/**
 * What compiled scripts cost against the same logic written by hand in JavaScript, and what starting, waiting and
 * compiling cost. Run by hand: `node mta-image/bench/script.bench.ts`; some 20 seconds on one core. Prints one line
 * a figure; judges nothing.
 */
import { systemClock } from "#base/clock.ts";
import { declare, makeHost, mergeHosts, parameter } from "#mta/script/host.ts";
import { libraryHost } from "#mta/script/library/library.ts";
import { type Compiled, compile, run } from "#mta/script/machine.ts";
import { noFiles } from "#mta/script/module.ts";
import { Shared } from "#mta/script/shared.ts";

/** The best of many: V8 needs some until it has compiled all it will, and other work on the machine only adds. */
const ROUNDS = 25;

const world = {
  clock: systemClock,
  random: () => 0.5,
  echo: () => undefined,
  log: () => undefined,
  hostname: "bench",
  shared: new Shared(systemClock),
};
const limits = { steps: 1e12, cpuMs: 1e9, wallMs: 1e9, depth: 1000, bytes: 1e15 };
const host = mergeHosts(
  libraryHost,
  makeHost([
    declare({
      name: "wait",
      parameters: [parameter.number("value")],
      returns: "number",
      docs: "A promise that is kept already.",
      way: "promise",
      run: (_, value) => Promise.resolve(value),
    }),
  ]),
);

const pairs: readonly { readonly name: string; readonly script: string; readonly byHand: () => unknown }[] = [
  {
    name: "arithmetic",
    script: `function work($n) { $s = 0; for ($i = 0; $i < $n; $i++) { $s += $i * 2 % 7 - $i / 3; } return $s; }
      $all = 0; for ($j = 0; $j < 3000; $j++) $all += work(1000); return $all;`,
    byHand: () => {
      let all = 0;
      for (let j = 0; j < 3000; j++) all += sum(1000);
      return all;
    },
  },
  {
    name: "arithmetic in one long loop",
    script: `function work($n) { $s = 0; for ($i = 0; $i < $n; $i++) { $s += $i * 2 % 7 - $i / 3; } return $s; }
      return work(3000000);`,
    byHand: () => longSum(3_000_000),
  },
  {
    name: "array",
    script: `function work($n) { $a = []; for ($i = 0; $i < $n; $i++) $a[] = $i; $s = 0;
      foreach ($a as $v) $s += $v; for ($i = 0; $i < $n; $i++) $s += $a[$i]; return $s; }
      return work(1000000);`,
    byHand: () => {
      const list: number[] = [];
      for (let i = 0; i < 1_000_000; i++) list.push(i);
      let sum = 0;
      for (const value of list) sum += value;
      for (let i = 0; i < 1_000_000; i++) sum += list[i] as number;
      return sum;
    },
  },
  {
    name: "keys",
    script: `function work($n) { $a = []; for ($i = 0; $i < $n; $i++) { $k = "k" . ($i % 1000); $a[$k] = ($a[$k] ?? 0) + 1; } return length($a); }
      return work(1000000);`,
    byHand: () => {
      const map = new Map<string, number>();
      for (let i = 0; i < 1_000_000; i++) {
        const key = `k${i % 1000}`;
        map.set(key, (map.get(key) ?? 0) + 1);
      }
      return map.size;
    },
  },
  {
    name: "string",
    script: `function work($n) { $t = ""; for ($i = 0; $i < $n; $i++) { $t .= "line " . $i . ";"; } return length(str_split($t, ";")); }
      return work(500000);`,
    byHand: () => {
      let text = "";
      for (let i = 0; i < 500_000; i++) text += `line ${i};`;
      return text.split(";").length;
    },
  },
  {
    name: "closure",
    script: `function work($n) { $c = 0; $f = function ($x) closure ($c) { $c += $x; return $c; };
      for ($i = 0; $i < $n; $i++) $f($i); return $c; }
      return work(2000000);`,
    byHand: () => {
      let count = 0;
      const add = (x: number): number => {
        count += x;
        return count;
      };
      for (let i = 0; i < 2_000_000; i++) add(i);
      return count;
    },
  },
  {
    name: "calls",
    script: "function fib($n) { return $n < 2 ? $n : fib($n - 1) + fib($n - 2); } return fib(27);",
    byHand: () => {
      const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2));
      return fib(27);
    },
  },
  {
    name: "map and filter",
    script: `$a = array_range(0, 300000);
      return length(array_filter(function ($x) { return $x % 3 == 0; }, array_map(function ($x) { return $x * 2; }, $a)));`,
    byHand: () =>
      Array.from({ length: 300_000 }, (_, i) => i)
        .map((x) => x * 2)
        .filter((x) => x % 3 === 0).length,
  },
];

/** Called often, as functions of hooks are: V8 compiles it as a whole. */
function sum(count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += ((i * 2) % 7) - i / 3;
  return total;
}

/** Called once: V8 replaces it while it runs, and knows less about its variables. */
function longSum(count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += ((i * 2) % 7) - i / 3;
  return total;
}

for (const { name, script, byHand } of pairs) {
  const program = compile(name, script, host, noFiles);
  const outcome = run(program, { world, limits });
  if (outcome instanceof Promise || outcome.error !== null || outcome.value !== byHand())
    throw new Error(`${name}: script and JavaScript differ`);
  const [scriptMs, handMs] = bestOfPair(() => run(program, { world, limits }), byHand);
  say(
    `${name}`,
    `${scriptMs.toFixed(1)} ms, by hand ${handMs.toFixed(1)} ms: ${(scriptMs / handMs).toFixed(2)} times`,
  );
}

const hook = compile(
  "hook",
  `$sender = "a@example.com"; if (str_lower($sender) == "b@example.com") return 1; return 2;`,
  host,
  noFiles,
);
say(
  "a run without waiting",
  `${((best(() => repeat(200_000, () => run(hook, { world }))) / 200_000) * 1000).toFixed(2)} µs`,
);
const waiter = compile("wait", "for ($i = 0; $i < 200000; $i++) wait($i);", host, noFiles);
say("one wait within a run", `${(((await bestAsync(waiter)) / 200_000) * 1000).toFixed(2)} µs`);
const lines = Array.from(
  { length: 10_000 },
  (_, i) => `$v${i % 100} = str_lower("x") . (${i} + 1) * 2;`,
).join("\n");
say("compiling 10,000 lines", `${best(() => compile("long", lines, host, noFiles)).toFixed(0)} ms`);
await waiting();

async function waiting(): Promise<void> {
  const sleeper = compile("sleep", "function f($x) { return sleep($x); } return f(1);", host, noFiles);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const runs = Array.from({ length: 10_000 }, () => run(sleeper, { world }));
  globalThis.gc?.();
  const used = process.memoryUsage().heapUsed - before;
  say(
    "one waiting run",
    globalThis.gc === undefined ? "needs --expose-gc" : `${(used / 10_000 / 1024).toFixed(1)} KiB`,
  );
  const hold = setInterval(() => undefined, 1000);
  await Promise.all(runs);
  clearInterval(hold);
}

/** In turns, so that other work on the machine meets both alike. */
function bestOfPair(one: () => unknown, other: () => unknown): readonly [number, number] {
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as [number, number];
  for (let round = 0; round < ROUNDS; round++) {
    best[0] = Math.min(best[0], processorMs(one));
    best[1] = Math.min(best[1], processorMs(other));
  }
  return best;
}

/**
 * Processor time, which counts the compiler and the collector of V8 on other threads, too. Only the sum is exact: the kernel
 * splits it into user and system time by what it meets every few milliseconds, so the least of either may be nothing.
 */
function processorMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function best(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) least = Math.min(least, processorMs(work));
  return least;
}

async function bestAsync(program: Compiled): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  const hold = setInterval(() => undefined, 1000);
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    await run(program, { world, limits });
    least = Math.min(least, performance.now() - start);
  }
  clearInterval(hold);
  return least;
}

function repeat(times: number, work: () => unknown): void {
  for (let i = 0; i < times; i++) work();
}

function say(name: string, text: string): void {
  process.stdout.write(`${name}: ${text}\n`);
}
