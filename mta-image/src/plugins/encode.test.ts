import assert from "node:assert/strict";
import { test } from "node:test";

import { type Value, HslArray } from "../script/value.ts";
import { encode, noResources } from "./values.ts";

test("an array whose parts are shared does not grow without end on its way to a plugin", () => {
  let value: Value = "x";
  for (let level = 0; level < 60; level++) value = HslArray.of([value, value]);
  assert.throws(() => encode(value, noResources), /too large for a plugin/);
});

test("a large array of a sound size is copied whole", () => {
  const wire = encode(HslArray.of(Array.from({ length: 100_000 }, (_, at) => at)), noResources);
  assert.equal((wire as unknown[]).length, 200_000);
});
