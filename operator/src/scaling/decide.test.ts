import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";

import { type ScalingRules, decideScale } from "./decide.ts";
import { type History, defaultBehavior, emptyHistory } from "./limits.ts";
import { type PodSignals, gatherSignals } from "./signals.ts";

const rules: ScalingRules = {
  minReplicas: 1,
  maxReplicas: 10,
  targets: { dueMessagesPerPod: 1000, oldestDueSeconds: 60, sessionsPerPod: null, cpuPercent: null },
  behavior: defaultBehavior,
};
const pod = (due: number, oldestDueSeconds = 0): PodSignals => ({
  due,
  oldestDueSeconds,
  sessions: 0,
  saturation: null,
});

/** Decides again and again with the same figures and tells the sizes, one every `everySeconds`. */
function course(input: {
  pods: readonly (PodSignals | null)[];
  current: number;
  steps: number;
  everySeconds: number;
  rules?: ScalingRules;
}): number[] {
  let history: History = emptyHistory;
  let { current } = input;
  const sizes: number[] = [];
  for (let step = 0; step < input.steps; step++) {
    const decision = decideScale({
      rules: input.rules ?? rules,
      signals: gatherSignals(input.pods),
      current,
      history,
      isSpreading: false,
      now: 10_000 + step * input.everySeconds,
    });
    ({ history, replicas: current } = decision);
    sizes.push(current);
  }
  return sizes;
}

describe("the autoscaler", () => {
  test("goes up at once, by four pods or double in each period", () => {
    assert.deepEqual(course({ pods: [pod(9000)], current: 1, steps: 4, everySeconds: 15 }), [5, 9, 9, 9]);
  });

  test("goes down only after the window, one pod a minute", () => {
    const sizes = course({ pods: [pod(0), pod(0), pod(0)], current: 3, steps: 8, everySeconds: 60 });
    assert.deepEqual(sizes, [3, 3, 3, 3, 3, 2, 1, 1]);
    const busyBefore = decideScale({
      rules,
      signals: gatherSignals([pod(0), pod(0), pod(0)]),
      current: 3,
      history: { wishes: [{ at: 9_900, replicas: 3 }], changes: [] },
      isSpreading: false,
      now: 10_000,
    });
    assert.equal(busyBefore.replicas, 3);
    assert.equal(busyBefore.reason, "Stabilizing");
  });

  test("goes down also when it looks less often than its window is long", () => {
    const quick = { ...defaultBehavior.scaleDown, stabilizationSeconds: 10 };
    const impatient = { ...rules, behavior: { ...defaultBehavior, scaleDown: quick } };
    const pods = [pod(0), pod(0)];
    assert.deepEqual(course({ pods, current: 2, steps: 3, everySeconds: 60, rules: impatient }), [2, 1, 1]);
  });

  test("does not move within a tenth of the target", () => {
    const decision = decideScale({
      rules,
      signals: gatherSignals([pod(1090), pod(1090)]),
      current: 2,
      history: emptyHistory,
      isSpreading: false,
      now: 0,
    });
    assert.deepEqual([decision.replicas, decision.reason], [2, "Settled"]);
  });

  test("lets late mail double the pods at most", () => {
    const [first] = course({ pods: [pod(10, 6000), pod(10, 0)], current: 2, steps: 1, everySeconds: 1 });
    assert.equal(first, 4);
  });

  test("holds when no pod tells its figures, and says so", () => {
    const decision = decideScale({
      rules,
      signals: gatherSignals([null, null]),
      current: 2,
      history: emptyHistory,
      isSpreading: false,
      now: 0,
    });
    assert.deepEqual([decision.replicas, decision.reason, decision.isActive], [2, "FiguresUnknown", false]);
    assert.match(decision.message, /none of 2 pods/);
  });

  test("takes what some pods tell as a lower bound: enough for more, never for fewer", () => {
    const up = course({ pods: [pod(4000), null], current: 2, steps: 1, everySeconds: 1 });
    assert.deepEqual(up, [4]);
    const signals = gatherSignals([pod(0), null]);
    const held = decideScale({
      rules,
      signals,
      current: 2,
      history: emptyHistory,
      isSpreading: false,
      now: 0,
    });
    assert.deepEqual([held.reason, held.isActive], ["FiguresUnknown", false]);
    const down = course({ pods: [pod(0), null], current: 2, steps: 20, everySeconds: 60 });
    assert.deepEqual(new Set(down), new Set([2]));
  });

  test("takes no pod away while mail is on its way to it, goes up all the same, and never beyond a bound", () => {
    const decide = (due: number, current: number, maxReplicas = 10) =>
      decideScale({
        rules: { ...rules, maxReplicas },
        signals: gatherSignals([pod(due)]),
        current,
        history: { wishes: [{ at: 0, replicas: 1 }], changes: [] },
        isSpreading: true,
        now: 10_000,
      });
    const { replicas, reason, history } = decide(0, 4);
    assert.deepEqual([replicas, reason, history.changes], [4, "Spreading", []]);
    assert.equal(history.wishes.at(-1)?.replicas, 1);
    assert.deepEqual([decide(6000, 4).replicas, decide(6000, 4).reason], [6, "Scaled"]);
    assert.equal(decide(4000, 4).reason, "Settled");
    assert.equal(decide(0, 4, 3).replicas, 3);
  });

  test("obeys the user's bounds at once", () => {
    const narrow = { ...rules, minReplicas: 3, maxReplicas: 4 };
    assert.deepEqual(course({ pods: [pod(0)], current: 1, steps: 1, everySeconds: 1, rules: narrow }), [3]);
    assert.deepEqual(course({ pods: [pod(9e6)], current: 9, steps: 1, everySeconds: 1, rules: narrow }), [4]);
  });

  test("says which bound or step it met, and the bounds only where they count", () => {
    const said = (due: number, current: number, history = emptyHistory): string => {
      const signals = gatherSignals([pod(due)]);
      const decision = decideScale({ rules, signals, current, history, isSpreading: false, now: 10_000 });
      return `${decision.reason}, ${decision.message}`;
    };
    assert.equal(said(12_000, 10), "AtMaximum, 10 pods: due 15000, 1000 a pod, bounds 1 to 10");
    assert.equal(said(0, 1), "AtMinimum, 1 pods: nothing is waiting, bounds 1 to 10");
    assert.equal(said(9000, 1), "StepLimited, 5 pods: due 9000, 1000 a pod");
    assert.equal(said(3000, 2), "Scaled, 3 pods: due 3000, 1000 a pod");
    assert.equal(said(2000, 2), "Settled, 2 pods: due 2000, 1000 a pod");
    const wishes = [{ at: 9_999, replicas: 4 }];
    assert.equal(said(2000, 4, { wishes, changes: [] }), "Stabilizing, 4 pods: due 2000, 1000 a pod");
  });

  test("goes to zero when allowed and nothing is due, and wakes for the first message", () => {
    const zero = { ...rules, minReplicas: 0 };
    assert.equal(course({ pods: [pod(0)], current: 1, steps: 6, everySeconds: 60, rules: zero }).at(-1), 0);
    assert.equal(course({ pods: [pod(1)], current: 0, steps: 1, everySeconds: 1, rules: zero }).at(-1), 1);
  });

  test("stays within its bounds and never shrinks on unknown figures, whatever comes", () => {
    const anyPod = fc.option(
      fc.record({
        due: fc.nat(1e6),
        oldestDueSeconds: fc.nat(1e5),
        sessions: fc.nat(1e4),
        saturation: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(anyPod, { maxLength: 12 }), { maxLength: 30 }), (rounds) => {
        let history: History = emptyHistory;
        let current = 1;
        rounds.forEach((pods, i) => {
          const signals = gatherSignals(pods);
          const decision = decideScale({
            ...{ rules, signals, current, history },
            isSpreading: i % 5 === 4,
            now: i * 20,
          });
          assert.ok(decision.replicas >= 1 && decision.replicas <= 10);
          if (!signals.isComplete) assert.ok(decision.replicas >= current);
          ({ history, replicas: current } = decision);
        });
      }),
    );
  });
});
