import assert from "node:assert/strict";
import { test } from "node:test";

import { decideRetry, tellsDelay } from "./retry.ts";

const schedule = {
  count: 4,
  intervals: [
    { delayMs: 60_000, notify: false },
    { delayMs: 900_000, notify: true },
  ],
};
const decide = (attempts: number, jitter = 0): ReturnType<typeof decideRetry> =>
  decideRetry({ schedule, attempts, now: 1000, jitter });

test("each retry waits its own interval and the last one repeats until the count is used up", () => {
  const waits = [1, 2, 3, 4].map((attempts) => {
    const decision = decide(attempts);
    return decision.kind === "retry" ? decision.dueAt - 1000 : null;
  });
  assert.deepEqual(waits, [60_000, 900_000, 900_000, 900_000]);
  assert.deepEqual(decide(5), { kind: "give-up" });
});

test("a notice is asked for once, with its interval", () => {
  const asked = [1, 2, 3, 4].map((attempts) => {
    const decision = decide(attempts);
    return decision.kind === "retry" && decision.notify;
  });
  assert.deepEqual(asked, [false, true, false, false]);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((attempts) => tellsDelay(schedule, attempts)),
    [...asked, false],
  );
});

test("the end of all retries is told from what is left of the schedule", () => {
  const decision = decide(2);
  assert.ok(decision.kind === "retry");
  assert.equal(decision.until, 1000 + 3 * 900_000);
});

test("jitter lengthens a wait by up to a tenth and never shortens it", () => {
  const decision = decide(1, 1);
  assert.ok(decision.kind === "retry");
  assert.equal(decision.dueAt, 1000 + 66_000);
});

test("what the far side does not want to hear before its time waits longer, never shorter", () => {
  const wait = (notBeforeMs: number): number | null => {
    const decision = decideRetry({ schedule, attempts: 1, now: 1000, jitter: 0, notBeforeMs });
    return decision.kind === "retry" ? decision.dueAt - 1000 : null;
  };
  assert.deepEqual([0, 59_000, 120_000].map(wait), [60_000, 60_000, 120_000]);
  const last = decideRetry({ schedule, attempts: 5, now: 1000, jitter: 0, notBeforeMs: 120_000 });
  assert.deepEqual(last, { kind: "give-up" });
});

test("a schedule without retries gives up after the first attempt", () => {
  assert.deepEqual(decideRetry({ schedule: { count: 0, intervals: [] }, attempts: 1, now: 0, jitter: 0 }), {
    kind: "give-up",
  });
});
