import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { Rates } from "./rates.ts";

test("a rate lets as many through as its limit says, and again when they are older than the interval", () => {
  const clock = new ManualClock();
  const rates = new Rates(clock);
  const take = (): boolean => rates.take("a", 60, 2);
  assert.deepEqual([take(), take(), take()], [true, true, false]);
  assert.equal(rates.take("b", 60, 2), true);
  clock.advance(59_000);
  assert.equal(take(), false);
  clock.advance(2_000);
  assert.deepEqual([rates.count("a", 60), take(), rates.count("a", 60)], [0, true, 1]);
});

test("a refused hit and a mere question do not count", () => {
  const rates = new Rates(new ManualClock());
  assert.equal(rates.take("a", 60, 1, true), true);
  assert.equal(rates.count("a", 60), 0);
  rates.take("a", 60, 1);
  rates.take("a", 60, 1);
  assert.equal(rates.count("a", 60), 1);
});

test("what was asked for longest ago is forgotten first when there is too much", () => {
  const rates = new Rates(new ManualClock());
  for (let at = 0; at < 100_001; at += 1) rates.take(String(at), 60, 1);
  assert.equal(rates.count("0", 60), 0);
  assert.equal(rates.count("100000", 60), 1);
});
