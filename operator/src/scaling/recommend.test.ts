import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type Targets, recommend } from "./recommend.ts";
import { type PodSignals, gatherSignals } from "./signals.ts";

const none: Targets = {
  dueMessagesPerPod: null,
  oldestDueSeconds: null,
  sessionsPerPod: null,
  cpuPercent: null,
};
const idle: PodSignals = { due: 0, oldestDueSeconds: 0, sessions: 0, saturation: null };
/** Each entry is what one pod says of itself beyond being idle. */
const wish = (
  targets: Partial<Targets>,
  pods: readonly Partial<PodSignals>[],
  current = pods.length,
): string => {
  const signals = gatherSignals(pods.map((pod) => ({ ...idle, ...pod })));
  const { replicas, because } = recommend(signals, { ...none, ...targets }, current);
  return `${replicas}: ${because}`;
};

describe("a target", () => {
  test("that nobody set has no say, nor has one of which there is nothing", () => {
    const busy = { due: 9000, oldestDueSeconds: 9000, sessions: 9000, saturation: 1 };
    assert.equal(wish({}, [busy]), "0: nothing is waiting");
    const all = { dueMessagesPerPod: 1, oldestDueSeconds: 1, sessionsPerPod: 1, cpuPercent: 1 };
    assert.equal(wish(all, [{}, {}]), "0: nothing is waiting");
  });

  test("of mail or sessions is a sum over all pods", () => {
    assert.equal(wish({ dueMessagesPerPod: 100 }, [{ due: 150 }, { due: 101 }]), "3: due 300, 100 a pod");
    assert.equal(
      wish({ sessionsPerPod: 10 }, [{ sessions: 5 }, { sessions: 6 }], 4),
      "2: sessions 15, 10 a pod",
    );
  });

  test("of the event loop is one too, over the pods that tell", () => {
    const pods = [{ saturation: 0.9 }, { saturation: 0.9 }];
    assert.equal(wish({ cpuPercent: 50 }, pods), "4: cpu 90 %, target 50 %");
    assert.equal(wish({ cpuPercent: 50 }, [{ saturation: 0.4 }, {}], 3), "1: cpu 20 %, target 50 %");
  });

  test("of age doubles the pods at most, and mail in time wakes nobody and keeps one", () => {
    const old = (oldestDueSeconds: number, current: number): string =>
      wish({ oldestDueSeconds: 60 }, [{ oldestDueSeconds }], current).slice(0, 2);
    assert.deepEqual([old(67, 4), old(119, 4), old(600, 4), old(600, 0)], ["5:", "8:", "8:", "2:"]);
    assert.deepEqual([old(66, 4), old(1, 4), old(1, 0)], ["1:", "1:", "0:"]);
  });

  test("that is met within a tenth moves nothing, upwards or downwards", () => {
    const due = (total: number): string => wish({ dueMessagesPerPod: 100 }, [{ due: total }], 10).slice(0, 3);
    assert.deepEqual([due(890), due(910), due(1090), due(1110)], ["9: ", "10:", "10:", "12:"]);
  });

  test("that asks for most wins, and says so", () => {
    const targets = { dueMessagesPerPod: 100, sessionsPerPod: 10 };
    assert.match(wish(targets, [{ due: 300, sessions: 50 }]), /^5: sessions/);
    assert.match(wish(targets, [{ due: 500, sessions: 50 }]), /^5: due/);
  });
});

test("figures of several pods are added, and the oldest mail of all counts", () => {
  const pods = [
    { ...idle, due: 1, oldestDueSeconds: 5 },
    null,
    { ...idle, due: 2, oldestDueSeconds: 9, saturation: 0.5 },
  ];
  assert.deepEqual(gatherSignals(pods), {
    isComplete: false,
    podsKnown: 2,
    podsUnknown: 1,
    due: 3,
    oldestDueSeconds: 9,
    sessions: 0,
    saturation: 0.5,
  });
});
