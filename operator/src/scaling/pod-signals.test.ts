import assert from "node:assert/strict";
import { test } from "node:test";

import { aSlot, anEngine } from "../../testing/builders.ts";
import { podSignals } from "./pod-signals.ts";

const queue = { total: 500, active: 500, deferred: 0, hold: 0, oldestDueSeconds: 900 };
const of = (figures: object) =>
  podSignals([aSlot(0, { pod: { engine: { ...anEngine(), queue: { ...queue, ...figures } } } })], 0)[0];

test("what a rule holds back asks for no pods, neither by number nor by age", () => {
  const signals = of({ blocked: 480, oldestFreeSeconds: 3 });
  assert.equal(signals?.due, 20);
  assert.equal(signals?.oldestDueSeconds, 3);
});

test("an engine that does not tell what is held back counts all that is due", () => {
  const signals = of({});
  assert.equal(signals?.due, 500);
  assert.equal(signals?.oldestDueSeconds, 900);
});

test("figures of two moments never make less than nothing", () => {
  assert.equal(of({ active: 5, blocked: 9 })?.due, 0);
});

test("a pod that does not answer is unknown, unless its volume never held mail", () => {
  const silent = { pod: { engine: null } };
  assert.equal(podSignals([aSlot(0, silent)], 0)[0], null);
  assert.equal(podSignals([aSlot(0, { ...silent, claim: { phase: "Pending" } })], 0)[0]?.due, 0);
});

test("a spool that sleeps holds nothing that is due, until it should have woken", () => {
  const asleep = aSlot(0, { pod: null, claim: { wakeAt: 5000 } });
  assert.equal(podSignals([asleep], 4000)[0]?.due, 0);
  assert.equal(podSignals([asleep], 6000)[0], null);
});
