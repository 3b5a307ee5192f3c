import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import fc from "fast-check";

import { parseJson } from "./json.ts";

test("JSON is what JSON.parse makes of it", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 20 }), (text) => assert.deepEqual(parseJson(text), JSON.parse(text))),
    { numRuns: 300, seed: 6 },
  );
  assert.deepEqual(parseJson(`["${'[\\\\\\"{'.repeat(2_000)}"]`), ['[\\"{'.repeat(2_000)]);
  assert.deepEqual(parseJson(`[${"[],{},".repeat(2_000)}1]`), [
    ...Array.from({ length: 2_000 }, () => [[], {}]).flat(),
    1,
  ]);
});

/** V8 dies of these with the next collection of garbage, so another process tries them. */
test("JSON that is nested without end and breaks off is refused, and the process lives on", () => {
  const script = `
    const { parseJson } = await import(${JSON.stringify(new URL("./json.ts", import.meta.url).href)});
    for (const part of ["[", "[1,", '{"a":1,"b":', '[{"a":[],"\\\\\\\\\\\\"":'])
      for (const end of ["", "1", '"', "]", "}"])
        try { parseJson(part.repeat(30_000) + end); } catch (error) { if (!(error instanceof SyntaxError)) throw error; }
    gc();
    console.log("alive");`;
  const { stdout, status } = spawnSync(process.execPath, [
    "--expose-gc",
    "--input-type=module",
    "-e",
    script,
  ]);
  assert.deepEqual([status, stdout.toString()], [0, "alive\n"]);
});
