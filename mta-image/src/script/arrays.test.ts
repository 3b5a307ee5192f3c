/**
 * Arrays against a model of them (testing/array-model.ts): random programs run in both, and after each statement all
 * variables must print alike. Each runs where variables are locals, globals, captured by a closure, and in a function that waits.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { type ModelValue, Refused, print } from "../../testing/array-model.ts";
import { type State, type Step, program } from "../../testing/array-steps.ts";

import { libraryHost } from "./library/library.ts";
import { defaultLimits } from "./limits.ts";
import { compile, run } from "./machine.ts";
import { noFiles } from "./module.ts";
import { quietWorld } from "../../testing/quiet-world.ts";

const said = `function changed($p) { $p["in"] = "changed"; return $p; } class Holder { $list = none; }`;
/** Printing must not hold the arrays, or all that is done to an array that one variable holds would go unseen. */
const text = (steps: readonly Step[]): string =>
  steps.map((step) => `try { ${step.text} } catch { echo "refused"; } echo $a; echo $b; echo $c;`).join("\n");
/** The places that variables may be in, each another code. */
const places: readonly ((body: string) => string)[] = [
  (body) => `${said} ${body}`,
  (body) => `${said} function work() { ${body} } work();`,
  (body) => `${said} function work() { global $a, $b, $c; ${body} } work();`,
  (body) => `${said} function work() { sleep(0); ${body} } work();`,
  (body) => `${said} $g = function () closure ($a, $b, $c) { ${body} }; $g();`,
  (body) => `${said} function work() { ${body} yield 1; } foreach (work() as $x) {}`,
];

function expected(steps: readonly Step[]): string[] {
  const state: State = { a: null, b: null, c: null };
  return steps.flatMap((step) => {
    const lines: string[] = [];
    try {
      step.apply(state);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      lines.push("refused");
    }
    return [...lines, ...[state.a, state.b, state.c].map(echoed)];
  });
}

function echoed(value: ModelValue): string {
  return typeof value === "string" ? value : print(value);
}

/** How long a busy machine takes is not what is tested here. */
const limits = { ...defaultLimits, cpuMs: 60_000 };

async function happened(source: string): Promise<string[]> {
  const lines: string[] = [];
  const world = {
    ...quietWorld(),
    echo: (line: string) => void lines.push(line),
  };
  const { error } = await run(compile("arrays", source, libraryHost, noFiles), {
    world,
    limits,
  });
  assert.equal(error, null, `${error?.describe()}\n${source}`);
  return lines;
}

test("arrays do what a plain model of them does, wherever variables live", async () => {
  await fc.assert(
    fc.asyncProperty(program, fc.constantFrom(...places), async (steps, place) => {
      const source = place(text(steps));
      assert.deepEqual(await happened(source), expected(steps), source);
    }),
    { numRuns: 1_000 },
  );
});
