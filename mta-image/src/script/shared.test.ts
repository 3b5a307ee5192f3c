/** What scripts leave behind for each other has an end in bytes, too: a few large values are as many as thousands of small ones. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { Rates } from "./rates.ts";
import { Shared } from "./shared.ts";
import { HslArray } from "./value.ts";

const MIB = 1024 * 1024;
const large = (name: number, size = MIB): string => String(name).padEnd(size, "x");

test("the memory takes no more than its bytes, counts what replaces and gives back what goes", () => {
  const shared = new Shared(new ManualClock());
  let stored = 0;
  while (stored < 1_000 && shared.store(`k${stored}`, HslArray.of([large(stored)]))) stored += 1;
  assert.ok(stored >= 32 && stored <= 64, `${stored} values of a megabyte are kept`);
  assert.equal(shared.store("k0", large(0)), true, "in place of one as large");
  assert.equal(shared.store("more", large(1)), false);
  shared.delete("k1");
  assert.equal(shared.fetch("k1"), undefined);
  assert.equal(shared.store("more", large(1)), true);
});

test("an array that stands in a value many times is counted once", () => {
  const shared = new Shared(new ManualClock());
  const inner = HslArray.of([large(1)]);
  assert.equal(shared.store("k", HslArray.of(Array.from({ length: 500 }, () => inner))), true);
});

test("caches drop what was added to longest ago when their results together are too large", () => {
  const shared = new Shared(new ManualClock());
  const keep = { ttlSeconds: 60, size: 1_000_000 };
  shared.remember("old", "k", large(0), keep);
  for (let at = 0; at < 200; at += 1) shared.remember("new", String(at), large(at), keep);
  assert.equal(shared.cached("old", "k", false), undefined);
  assert.equal(shared.cached("new", "0", false), undefined);
  assert.equal(shared.cached("new", "199", false), large(199));
  assert.ok([...shared.cacheEntries()].length <= 64);
  shared.remember("new", "giant", large(1, 32 * MIB), keep);
  assert.equal(shared.cached("new", "giant", false), undefined, "not in place of many others");
  assert.equal(shared.cached("new", "199", false), large(199));
  assert.equal(
    shared.clearCaches(() => true),
    [...Array(200).keys()].filter((at) => at >= 200 - 63).length,
  );
});

test("results that are too large for the caches leave no names behind that drive out others", () => {
  const shared = new Shared(new ManualClock());
  const keep = { ttlSeconds: 60, size: 1 };
  const giant = large(0, 17 * MIB);
  shared.remember("small", "k", 1, keep);
  for (let at = 0; at < 10_000; at += 1) shared.remember(`giant ${at}`, "k", giant, keep);
  shared.remember("last", "k", 2, keep);
  assert.deepEqual(
    [...shared.cacheEntries()].map(({ namespace }) => namespace),
    ["small", "last"],
  );
  shared.remember("small", "k", giant, keep);
  assert.equal(shared.cached("small", "k", false), undefined, "what it was before is no longer true");
});

test("barriers that nobody holds go with their values when they are too many bytes, and one that is held stays", async () => {
  const shared = new Shared(new ManualClock());
  await shared.enter("held");
  for (let at = 0; at < 100; at += 1) {
    await shared.enter(`b${at}`);
    shared.leave(`b${at}`, large(at));
  }
  assert.equal(await shared.enter("b0"), null);
  assert.equal(await shared.enter("b99"), large(99));
  let entered = false;
  void shared.enter("held").then(() => {
    entered = true;
  });
  await Promise.resolve();
  assert.equal(entered, false);
});

test("names that hits are counted under are forgotten when they are too many bytes", () => {
  const rates = new Rates(new ManualClock());
  for (let at = 0; at < 1_000; at += 1) rates.take(large(at, 65_000), 60, 5);
  assert.equal(rates.count(large(0, 65_000), 60), 0);
  assert.equal(rates.count(large(999, 65_000), 60), 1);
});
