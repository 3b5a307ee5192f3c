import assert from "node:assert/strict";
import { test } from "node:test";

import { calmClock } from "./calm-clock.ts";
import { ManualClock } from "./testing/manual-clock.ts";

const MINUTE = 60_000;
const YEAR = 365 * 86_400_000;

for (const jump of [10 * YEAR, 3_600_000, -3_600_000, -86_400_000]) {
  test(`a jump by ${jump} ms that is taken back within a minute is never seen`, () => {
    const inner = new ManualClock();
    const clock = calmClock(inner);
    const before = clock.now();
    inner.setWall(jump);
    assert.equal(clock.now(), before);
    inner.advance(MINUTE - 1);
    assert.equal(clock.now(), before + MINUTE - 1, "time goes on meanwhile");
    inner.setWall(-jump);
    inner.advance(1);
    assert.equal(clock.now(), before + MINUTE);
    inner.setWall(jump);
    assert.equal(clock.now(), before + MINUTE, "the next one has a minute of its own");
  });

  test(`a jump by ${jump} ms that stays is followed after a minute`, () => {
    const inner = new ManualClock();
    const clock = calmClock(inner);
    inner.setWall(jump);
    clock.now();
    inner.advance(MINUTE);
    assert.equal(clock.now(), inner.now());
    inner.advance(1);
    assert.equal(clock.now(), inner.now());
  });
}

test("what a time service corrects is followed at once, however much it comes to", () => {
  const inner = new ManualClock();
  const clock = calmClock(inner);
  for (let n = 0; n < 100; n++) {
    inner.setWall(900);
    inner.advance(10);
    assert.equal(clock.now(), inner.now());
  }
});

test("spans and timers are those of the clock within", () => {
  const inner = new ManualClock();
  const clock = calmClock(inner);
  let fired = 0;
  clock.after(1000, () => fired++);
  clock.after(1000, () => fired++).cancel();
  inner.setWall(YEAR);
  inner.advance(1000);
  assert.deepEqual([fired, clock.monotonic()], [1, inner.monotonic()]);
});
