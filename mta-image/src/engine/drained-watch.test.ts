import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { DrainedWatch } from "./drained-watch.ts";

/** A watch over a spool that a test fills and empties; `marks` counts what was written on the volume. */
function setUp() {
  const clock = new ManualClock();
  const spool = { isEmpty: false, marks: 0 };
  const watch = new DrainedWatch({
    clock,
    isEmpty: () => spool.isEmpty,
    mark: async () => {
      spool.marks++;
    },
  });
  const seconds = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { spool, watch, seconds };
}

test("nothing is said while something is left, and it is said soon after the last is gone", async () => {
  const { spool, watch, seconds } = setUp();
  watch.start();
  await seconds(5);
  assert.equal(spool.marks, 0);
  spool.isEmpty = true;
  await seconds(1);
  assert.equal(spool.marks, 1);
  watch.stop();
});

test("it goes on looking: what came back in and left again is said anew", async () => {
  const { spool, watch, seconds } = setUp();
  spool.isEmpty = true;
  watch.start();
  await seconds(1);
  spool.isEmpty = false;
  await seconds(3);
  assert.equal(spool.marks, 1);
  spool.isEmpty = true;
  await seconds(1);
  assert.equal(spool.marks, 2);
  watch.stop();
});

test("an engine that serves again says nothing more, also when it is told so while a look is under way", async () => {
  const { spool, watch, seconds } = setUp();
  watch.start();
  watch.stop();
  spool.isEmpty = true;
  await seconds(3);
  assert.equal(spool.marks, 0);
  watch.start();
  const looking = seconds(1);
  watch.stop();
  await looking;
  const { marks } = spool;
  await seconds(3);
  assert.equal(spool.marks, marks);
});

test("orders that come again do not make it look more often", async () => {
  const { spool, watch, seconds } = setUp();
  for (let i = 0; i < 5; i++) watch.start();
  spool.isEmpty = true;
  await seconds(1);
  assert.equal(spool.marks, 1);
  watch.stop();
});
