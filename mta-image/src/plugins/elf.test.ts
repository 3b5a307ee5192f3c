import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import fc from "fast-check";

import { buildNative, testPlugin } from "../../testing/native-plugins.ts";
import { readElf } from "./elf.ts";
import { judge } from "./inspect.ts";

buildNative();
const whole = readFileSync(testPlugin("values"));

test("exported and needed functions of a shared object are read without loading it", () => {
  const elf = readElf(whole);
  assert.ok(elf !== null);
  assert.ok(elf.exported.includes("Halon_version"));
  assert.ok(elf.exported.includes("add"));
  assert.ok(elf.needed.includes("HalonMTA_hsl_value_get"));
  assert.equal(elf.isSharedObject, true);
});

test("only plugins that import the in-place suspend run on stacks of their own", () => {
  const host = { machine: process.arch, provides: () => true };
  const inPlace = ["in-place", "suspend", "nap"].map(
    (name) => judge(readElf(readFileSync(testPlugin(name))), host).inPlace,
  );
  assert.deepEqual(inPlace, [true, false, false]);
});

test("a header with any bytes changed gives a judgement, not an exception", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(63), fc.nat(255)), { maxLength: 8 }), (changes) => {
      const copy = Buffer.from(whole);
      for (const [at, byte] of changes) copy[at] = byte;
      judge(readElf(copy), { machine: process.arch, provides: () => true });
    }),
    { numRuns: 300 },
  );
});

test("any bytes give a judgement, not an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
      judge(readElf(Buffer.concat([whole.subarray(0, 20), bytes])), { machine: "x64", provides: () => true });
    }),
    { numRuns: 300 },
  );
});
