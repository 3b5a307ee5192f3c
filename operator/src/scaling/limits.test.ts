import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type Behavior, type History, defaultBehavior, limitStep, stabilize, trim } from "./limits.ts";

const wished = (at: number, replicas: number): History => ({ wishes: [{ at, replicas }], changes: [] });
const changed = (at: number, from: number, to: number): History => ({
  wishes: [],
  changes: [{ at, from, to }],
});
const nothing: History = { wishes: [], changes: [] };

describe("the step of a period", () => {
  const step = (current: number, wish: number, history = nothing, now = 1000): number =>
    limitStep({ wish, current, history, behavior: defaultBehavior, now });

  test("is so many pods or so many per cent, the larger of the two, and never beyond the wish", () => {
    assert.deepEqual(
      [step(2, 50), step(10, 50), step(10, 12), step(7, 7), step(200, 900)],
      [6, 20, 12, 7, 400],
    );
    assert.deepEqual([step(5, 0), step(40, 0), step(40, 39)], [4, 36, 39]);
  });

  test("counts what has moved in the period already, from where that began", () => {
    const up = changed(100, 1, 5);
    assert.deepEqual([step(5, 50, up, 114), step(5, 50, up, 115)], [5, 10]);
    const down = changed(100, 10, 9);
    assert.deepEqual([step(9, 0, down, 159), step(9, 0, down, 160)], [9, 8]);
    const much = changed(100, 80, 73);
    assert.equal(step(73, 0, much, 101), 72, "eight of eighty, of which seven have gone");
  });

  test("is whole where the last change went the other way", () => {
    assert.equal(step(5, 0, changed(999, 1, 5)), 4);
    assert.equal(step(5, 50, changed(999, 9, 5)), 10);
  });
});

describe("a wish", () => {
  const patient: Behavior = {
    ...defaultBehavior,
    scaleUp: { ...defaultBehavior.scaleUp, stabilizationSeconds: 60 },
  };
  const stable = (current: number, wish: number, history: History, now: number): number =>
    stabilize({ wish, current, history, behavior: patient, now });

  test("for more is followed as far as it stood for the whole window", () => {
    assert.deepEqual([stable(2, 8, wished(100, 3), 159), stable(2, 8, wished(100, 3), 160)], [3, 8]);
    assert.equal(stable(2, 8, wished(100, 1), 159), 2, "an earlier wish for fewer takes nobody away");
  });

  test("for fewer likewise", () => {
    assert.deepEqual([stable(8, 2, wished(100, 5), 399), stable(8, 2, wished(100, 5), 400)], [5, 2]);
    assert.equal(stable(8, 2, wished(100, 9), 399), 8, "an earlier wish for more makes nobody come");
  });
});

test("what no window can ask for is forgotten, and nothing before", () => {
  const history: History = {
    wishes: [0, 1].map((at) => ({ at, replicas: 1 })),
    changes: [240, 241].map((at) => ({ at, from: 1, to: 2 })),
  };
  const { wishes, changes } = trim(history, defaultBehavior, 300);
  assert.deepEqual(
    [...wishes, ...changes].map(({ at }) => at),
    [1, 241],
  );
});
