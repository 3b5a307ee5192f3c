import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { QueueLimits } from "#contract/queue-fields.ts";

import { Division, type Share } from "./division.ts";
import { type Limits, limitsOf } from "./policy.ts";
import type { Rate, RateUse } from "./rate.ts";

const limits = (some: Record<string, unknown>): Limits => limitsOf(QueueLimits.parse(some), "fixedwindow");

function divided(share: Share, clock = new ManualClock()): Division {
  const division = new Division(clock);
  division.change(share);
  return division;
}

/** Engines with a place each, at the same turn. */
function engines(of: number, clock: ManualClock, turn: number | null = 0): Division[] {
  return Array.from({ length: of }, (_, index) => divided({ n: 1, of, place: { index, turn } }, clock));
}

describe("limits of a cluster", () => {
  test("are divided, those of an engine are not", () => {
    const division = divided({ n: 1, of: 4, place: "none" });
    const share = division.limitsOf(
      limits({ concurrency: 10, rate: "100/60", connectinterval: 2, cluster: true }),
      "",
    );
    assert.deepEqual([share.concurrency, share.rate?.tokens, share.connectIntervalMs], [2, 25, 2000]);
    assert.equal(division.limitsOf(limits({ concurrency: 10 }), "").concurrency, 10);
    const rate = limits({ rate: "5/1", cluster: true });
    assert.equal(division.limitsOf(rate, "").concurrency, Number.POSITIVE_INFINITY);
  });

  test("leave engines that nobody gives places at least one attempt", () => {
    const small = limits({ concurrency: 2, cluster: true });
    assert.equal(divided({ n: 1, of: 10, place: null }).limitsOf(small, "").concurrency, 1);
    assert.equal(divided({ n: 1, of: 10, place: "none" }).limitsOf(small, "").concurrency, 0);
  });

  test("on concurrency are divided to the last attempt, and each engine has its turn at what is left over", () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 12 }), fc.string(), (concurrency, of, key) => {
        const whole = { ...limits({ cluster: true }), concurrency };
        const had = Array.from({ length: of }, () => 0);
        for (let turn = 0; turn < of; turn++) {
          const each = engines(of, new ManualClock(), turn).map(
            (one) => one.limitsOf(whole, key).concurrency,
          );
          assert.equal(
            each.reduce((sum, one) => sum + one, 0),
            concurrency,
          );
          each.forEach((one, i) => {
            had[i] = (had[i] ?? 0) + one;
          });
        }
        assert.deepEqual(new Set(had), new Set([concurrency]));
      }),
    );
  });

  test("are left to different engines for different facts", () => {
    const one = limits({ concurrency: 1, cluster: true });
    const all = engines(3, new ManualClock());
    const winners = Array.from({ length: 50 }, (_, i) =>
      all.findIndex((each) => each.limitsOf(one, `domain-${i}`).concurrency === 1),
    );
    assert.equal(new Set(winners).size, 3);
  });
});

describe("rates of a cluster", () => {
  const HOUR: Rate = { tokens: 30, intervalMs: 3_600_000, algorithm: "fixedwindow" };
  const unused = (): RateUse => ({ at: 0, used: 0 });

  test("that grow count an interval later, and those by the hour after five minutes", () => {
    const clock = new ManualClock();
    const division = divided({ n: 1, of: 3, place: "none" }, clock);
    const rate: Rate = { ...HOUR, intervalMs: 2000 };
    division.change({ n: 1, of: 2, place: "none" });
    assert.equal(division.room(rate, unused(), clock.monotonic()), 10);
    clock.advance(2000);
    assert.equal(division.room(rate, unused(), clock.monotonic()), 15);
    assert.equal(division.room(HOUR, unused(), clock.monotonic()), 10);
    clock.advance(298_000);
    assert.equal(division.room(HOUR, unused(), clock.monotonic()), 15);
  });

  test("wake at once who waits when what was gained counts", () => {
    const clock = new ManualClock();
    const division = divided({ n: 0, of: 1, place: "none" }, clock);
    assert.equal(division.wait(HOUR, unused(), clock.monotonic()), Number.POSITIVE_INFINITY);
    division.change({ n: 1, of: 2, place: "none" });
    assert.equal(division.wait(HOUR, unused(), clock.monotonic()), 300_000);
  });

  test("that shrink count at once", () => {
    const clock = new ManualClock();
    const division = divided({ n: 1, of: 2, place: "none" }, clock);
    const use = { at: clock.monotonic(), used: 12 };
    division.change({ n: 1, of: 3, place: "none" });
    assert.equal(division.room(HOUR, use, clock.monotonic()), 0);
    assert.equal(division.wait(HOUR, use, clock.monotonic()), HOUR.intervalMs);
  });

  test("of less than a token for each are used in turns, never more than the whole in an interval", () => {
    const clock = new ManualClock();
    const rate: Rate = { tokens: 2, intervalMs: 10_000, algorithm: "fixedwindow" };
    const all = engines(5, clock).map((division) => ({ division, use: unused(), taken: 0 }));
    const used: number[] = [];
    for (let step = 0; step < 2000; step++) {
      const now = clock.monotonic();
      for (const each of all) {
        const { division, use } = each;
        assert.equal(division.room(rate, use, now) > 0, division.wait(rate, use, now) === 0);
        if (division.room(rate, use, now) === 0) continue;
        division.take(rate, use, now, 1);
        each.taken++;
        used.push(Math.floor(clock.now() / 5000));
      }
      clock.advance(100);
    }
    assert.equal(new Set(used).size, used.length);
    assert.ok(all.every(({ taken }) => taken >= 7));
  });

  test("of less than a token for each count what was used before for its whole interval", () => {
    const rate: Rate = { ...HOUR, tokens: 2 };
    for (const index of [0, 1, 2]) {
      const clock = new ManualClock();
      const division = divided({ n: 1, of: 2, place: { index: 0, turn: null } }, clock);
      clock.advance(HOUR.intervalMs);
      const use = unused();
      division.take(rate, use, clock.monotonic(), 1);
      division.change({ n: 1, of: 3, place: { index, turn: null } });
      assert.ok(division.wait(rate, use, clock.monotonic()) >= HOUR.intervalMs);
    }
  });

  test("of less than a token for each wait for whoever has no place", () => {
    const clock = new ManualClock();
    const division = divided({ n: 1, of: 5, place: "none" }, clock);
    clock.advance(60_000);
    const rate: Rate = { tokens: 2, intervalMs: 10_000, algorithm: "tokenbucket" };
    assert.equal(division.wait(rate, unused(), clock.monotonic()), Number.POSITIVE_INFINITY);
  });

  test("forget no small share among many changes", () => {
    const clock = new ManualClock();
    const division = divided({ n: 1, of: 30, place: "none" }, clock);
    for (let of = 29; of > 3; of--) {
      clock.advance(1);
      division.change({ n: 1, of, place: "none" });
    }
    assert.equal(division.room(HOUR, unused(), clock.monotonic()), 1);
  });
});
