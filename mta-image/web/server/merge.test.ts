import assert from "node:assert/strict";
import { test } from "node:test";

import type { WarmUpView } from "#contract/warm-up-api.ts";
import { mergeWarmUp } from "./merge.ts";

const plan: WarmUpView = {
  since: "2026-03-01T00:00:00.000Z",
  today: "2026-03-03",
  schedules: [{ class: "new", rows: [{ day: 1, messages: 50 }], days: 9 }],
  addresses: [{ ip: "192.0.2.1", class: "new", added: "2026-03-01", day: 3, budget: 50 }],
  counts: [{ ip: "192.0.2.1", date: "2026-03-03", tried: 3, delivered: 2 }],
};

test("what engines sent from an address adds up by day, complete since the youngest began to count", () => {
  const other: WarmUpView = {
    ...plan,
    since: "2026-03-02T00:00:00.000Z",
    counts: [
      { ip: "192.0.2.1", date: "2026-03-03", tried: 4, delivered: 4 },
      { ip: "192.0.2.1", date: "2026-03-02", tried: 1, delivered: 0 },
    ],
  };
  const failures = [{ engine: "c", reason: "silent" }];
  const merged = mergeWarmUp({
    answers: [
      { engine: "a", value: plan },
      { engine: "b", value: other },
    ],
    failures,
  });
  assert.equal(merged.since, "2026-03-02T00:00:00.000Z");
  assert.deepEqual(merged.counts, [
    { ip: "192.0.2.1", date: "2026-03-02", tried: 1, delivered: 0 },
    { ip: "192.0.2.1", date: "2026-03-03", tried: 7, delivered: 6 },
  ]);
  assert.deepEqual([merged.differing, merged.failures], [[], failures]);
});

test("an engine with another plan is named, and the plan of most is shown", () => {
  const odd: WarmUpView = { ...plan, addresses: [] };
  const answers = [
    { engine: "a", value: odd },
    { engine: "b", value: plan },
    { engine: "c", value: plan },
  ];
  const merged = mergeWarmUp({ answers, failures: [] });
  assert.deepEqual([merged.differing, merged.addresses.length], [["a"], 1]);
  assert.deepEqual(mergeWarmUp({ answers: [], failures: [] }).addresses, []);
});
