/** Connections of several engines whose clocks differ, while places come, go and move from one to another. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

import type { Clock } from "#base/clock.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { QueueLimits } from "#contract/queue-fields.ts";

import { Counter } from "./counter.ts";
import { Division } from "./division.ts";
import { compilePolicy, limitsOf } from "./policy.ts";
import { CLOCKS_MS } from "./spacing.ts";

const source = { id: "p", type: "config", fields: [], conditions: [], fallback: null } as const;
const policy = compilePolicy(
  { ...source, fallback: limitsOf(QueueLimits.parse({}), "fixedwindow") },
  () => new Set(),
);

class Engines {
  readonly clock = new ManualClock();
  readonly #all: readonly { readonly division: Division; readonly counter: Counter }[];
  readonly opened: { readonly at: number; readonly who: number }[] = [];

  constructor(skews: readonly number[], seconds: number) {
    const whole = limitsOf(QueueLimits.parse({ connectinterval: seconds, cluster: true }), "fixedwindow");
    this.#all = skews.map((skew) => {
      const division = new Division(skewed(this.clock, skew));
      division.change({ n: 0, of: 1, place: "none" });
      return { division, counter: new Counter("key", policy, whole, division) };
    });
  }

  get size(): number {
    return this.#all.length;
  }

  /** The first `of` of them from `from` on have places, the others nothing. */
  give(of: number, from: number): void {
    this.takeBack();
    for (let index = 0; index < of; index++) {
      const { division, counter } = this.#at(from + index);
      division.change({ n: 1, of, place: { index, turn: null } });
      counter.limit();
    }
  }

  takeBack(): void {
    for (const { division, counter } of this.#all) {
      division.change({ n: 0, of: 1, place: "none" });
      counter.limit();
    }
  }

  /** Whoever may connect does. */
  connect(): void {
    const now = this.clock.monotonic();
    this.#all.forEach(({ counter }, who) => {
      if (counter.connectWait(now) > 0) return;
      counter.connected(now);
      this.opened.push({ at: now, who });
    });
  }

  run(steps: number, ms: number): void {
    for (let i = 0; i < steps; i++) {
      this.clock.advance(ms);
      this.connect();
    }
  }

  get shortest(): number {
    const times = this.opened.map(({ at }) => at);
    return Math.min(...times.slice(1).map((at, i) => at - (times[i] ?? 0)));
  }

  #at(i: number): { readonly division: Division; readonly counter: Counter } {
    const found = this.#all[i % this.#all.length];
    assert.ok(found);
    return found;
  }
}

function skewed(clock: Clock, by: number): Clock {
  return {
    now: () => clock.now() + by,
    monotonic: () => clock.monotonic(),
    after: (ms, callback) => clock.after(ms, callback),
  };
}

const skews = fc.array(fc.integer({ min: -CLOCKS_MS / 2, max: CLOCKS_MS / 2 }), {
  minLength: 1,
  maxLength: 5,
});
const act = fc.record({
  kind: fc.constantFrom("run", "run", "run", "give", "take back"),
  choice: fc.nat(1000),
});

describe("connections of a cluster", () => {
  test("are never closer than the limit says, whoever has which place", () => {
    fc.assert(
      fc.property(
        skews,
        fc.constantFrom(0.01, 0.1, 1, 7),
        fc.array(act, { minLength: 20, maxLength: 60, size: "max" }),
        (all, seconds, acts) => {
          const engines = new Engines(all, seconds);
          for (const { kind, choice } of [{ kind: "give", choice: 0 }, ...acts]) {
            if (kind === "give") engines.give(1 + (choice % engines.size), Math.floor(choice / 7));
            else if (kind === "take back") engines.takeBack();
            else engines.run(choice % 40, (1 + (choice % 7)) * Math.max(1, seconds * 12));
            engines.connect();
          }
          assert.ok(engines.shortest >= seconds * 1000, `${engines.shortest} ms`);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("go on evenly, each engine in its turn", () => {
    for (const size of [1, 2, 5]) {
      const engines = new Engines(
        Array.from({ length: size }, () => 0),
        1,
      );
      engines.give(size, 0);
      for (let at = 0; at < 60_000; at += 10) {
        engines.connect();
        engines.clock.advance(10);
      }
      const counts = Array.from(
        { length: size },
        (_, i) => engines.opened.filter(({ who }) => who === i).length,
      );
      assert.ok(engines.opened.length >= 45, `${engines.opened.length} of 60`);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join(" "));
    }
  });

  test("are opened by nobody who has no place", () => {
    const engines = new Engines([0, 0], 1);
    engines.give(2, 0);
    engines.takeBack();
    for (let i = 0; i < 1000; i++) {
      engines.connect();
      engines.clock.advance(50);
    }
    assert.deepEqual(engines.opened, []);
  });
});
