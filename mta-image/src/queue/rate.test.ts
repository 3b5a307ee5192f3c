import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { type Rate, available, portion, take, waitFor } from "./rate.ts";

const algorithm = fc.constantFrom("fixedwindow" as const, "tokenbucket" as const);
const rates: fc.Arbitrary<Rate> = fc.record({
  tokens: fc.integer({ min: 1, max: 50 }),
  intervalMs: fc.integer({ min: 1, max: 10_000 }),
  algorithm,
});

/** Takes as greedily as allowed at each of the instants; who got how many and when. */
function drain(rate: Rate, steps: readonly number[]): { at: number; count: number }[] {
  const use = { at: 0, used: 0 };
  let now = 0;
  return steps.map((step) => {
    now += step;
    const count = available(rate, use, now);
    if (count > 0) take(rate, use, now, count);
    return { at: now, count };
  });
}

test("whoever takes all there is never gets more than a rate's tokens and what comes back", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(rates, steps, (rate, waits) => {
      const taken = drain(rate, waits);
      for (const { at: from } of taken) {
        for (const { at: to } of taken.filter(({ at }) => at >= from)) {
          const sum = taken
            .filter(({ at }) => at >= from && at <= to)
            .reduce((total, { count }) => total + count, 0);
          const intervals = (to - from) / rate.intervalMs;
          const most =
            rate.algorithm === "fixedwindow"
              ? rate.tokens * (Math.floor(intervals) + 2)
              : rate.tokens * (1 + intervals);
          assert.ok(sum <= most + 1e-3, `${sum} in ${to - from} ms`);
        }
      }
    }),
  );
});

test("a fixed window gives its tokens once between its first use and its end", () => {
  const rate: Rate = { tokens: 3, intervalMs: 1000, algorithm: "fixedwindow" };
  const use = { at: 0, used: 0 };
  take(rate, use, 5000, 1);
  take(rate, use, 5600, 2);
  assert.equal(available(rate, use, 5999), 0);
  assert.equal(waitFor(rate, use, 5700), 300);
  assert.equal(available(rate, use, 6000), 3);
});

test("a token bucket gives tokens back evenly", () => {
  const rate: Rate = { tokens: 10, intervalMs: 1000, algorithm: "tokenbucket" };
  const use = { at: 0, used: 0 };
  take(rate, use, 0, 10);
  assert.equal(available(rate, use, 99), 0);
  assert.equal(waitFor(rate, use, 0), 100);
  assert.equal(available(rate, use, 500), 5);
  assert.equal(available(rate, use, 60_000), 10);
});

test("after the wait that it names there is a token, and not before", () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 0, max: 20_000 }), (rate, elapsed) => {
      const use = { at: 0, used: rate.tokens };
      const wait = waitFor(rate, use, elapsed);
      assert.ok(available(rate, use, elapsed + wait) >= 1);
      if (wait > 1) assert.equal(available(rate, use, elapsed + wait - 2), 0);
    }),
  );
});

test("the portions of a rate are together never more than the rate, and none is nothing", () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 200 }), (rate, engines) => {
      const part = portion(rate, 1 / engines);
      assert.ok(part.tokens >= 1);
      const together = (engines * part.tokens) / part.intervalMs;
      assert.ok(together <= rate.tokens / rate.intervalMs + 1e-9);
    }),
  );
});
