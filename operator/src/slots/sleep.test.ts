import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { aSlot, aSlotInput, anEngine } from "../../testing/builders.ts";
import { decideSlots } from "./decide.ts";
import type { SlotInput } from "./input.ts";
import { describeSteps } from "./steps.ts";

const hour = 3_600_000;
const inAnHour = new Date(hour).toISOString();
const figures = { total: 5, active: 0, deferred: 5, hold: 0, oldestDueSeconds: 0, nextDueAt: inAnHour };
const cordoned = (changes: object = {}, queue: object = {}) => ({
  pod: {
    isReady: false,
    engine: { ...anEngine({ state: "Cordoned" }), queue: { ...figures, ...queue }, ...changes },
  },
});
const decide = (changes: Partial<SlotInput>) => decideSlots(aSlotInput({ size: 0, now: 60_000, ...changes }));
const steps = (changes: Partial<SlotInput>): string => describeSteps(decide(changes).steps);

describe("a spool whose mail is not due yet", () => {
  test("sleeps when no pod is wanted", () =>
    assert.equal(steps({ slots: [aSlot(0, cordoned())] }), "sleep 0"));

  test("does not sleep while a pod is wanted that could take its mail", () => {
    const handover = { given: 0, unanswered: 0, waitsFor: null };
    assert.equal(steps({ size: 1, slots: [aSlot(0), aSlot(1, cordoned({ handover }))] }), "order 1 (Drain)");
  });

  test("does not sleep for less than two minutes", () => {
    const queue = { nextDueAt: new Date(100_000).toISOString() };
    assert.equal(steps({ slots: [aSlot(0, cordoned({}, queue))] }), "");
  });

  test("does not sleep with anything due, under way or unclear, nor for an engine that does not tell", () => {
    assert.equal(steps({ slots: [aSlot(0, cordoned({}, { total: 6, active: 1 }))] }), "");
    assert.equal(steps({ slots: [aSlot(0, cordoned({ deliveries: 1 }))] }), "");
    assert.equal(steps({ slots: [aSlot(0, cordoned({ sessions: 1 }))] }), "");
    assert.equal(steps({ slots: [aSlot(0, cordoned({}, { nextDueAt: undefined }))] }), "");
    const handover = { given: 1, unanswered: 1, waitsFor: null };
    assert.doesNotMatch(steps({ slots: [aSlot(0, cordoned({ handover }))] }), /sleep/);
  });

  test("does not sleep once it is broken, and does when it is only full", () => {
    assert.equal(steps({ slots: [aSlot(0, cordoned({ spoolClosed: "fsync failed" }))] }), "");
    assert.equal(steps({ slots: [aSlot(0, cordoned({ spoolClosed: "spool-full" }))] }), "sleep 0");
  });

  test("does not sleep where a volume without a pod is deleted, nor while its cluster is", () => {
    assert.equal(steps({ reclaim: "Delete", slots: [aSlot(0, cordoned())] }), "");
    assert.equal(steps({ deletion: "Drain", slots: [aSlot(0, cordoned())] }), "");
  });

  test("with mail that only people can release sleeps until they wake the cluster", () => {
    const queue = { total: 2, deferred: 0, hold: 2, nextDueAt: null };
    assert.equal(steps({ slots: [aSlot(0, cordoned({}, queue))] }), "sleep 0");
  });

  test("with nothing but the suppression list sleeps where no other pod could fetch that, and goes where one can", () => {
    const suppression = { sources: [], unshared: false, size: 1 };
    const queue = { total: 0, deferred: 0, nextDueAt: null };
    const last = aSlot(0, cordoned({ suppression }, queue));
    const other = aSlot(1, cordoned({ suppression }, { total: 6, active: 1 }));
    assert.equal(steps({ slots: [last] }), "sleep 0");
    assert.equal(steps({ slots: [last, other] }), "release 0 (EmptyQueue)");
  });

  test("is left alone until then, and gets a pod when the time has come", () => {
    const asleep = aSlot(0, { pod: null, claim: { wakeAt: hour } });
    const early = decide({ slots: [asleep], wallMs: hour - 1 });
    assert.equal(describeSteps(early.steps), "");
    assert.deepEqual(
      early.waiting.map(({ wakeAt, blocked }) => [wakeAt, blocked]),
      [[hour, null]],
    );
    assert.equal(steps({ slots: [asleep], wallMs: hour }), "create-pod 0");
  });

  test("does not sleep for the year of a clock that was ahead, the engine's or ours, but does until people wake it", () => {
    const inTenYears = 3650 * 24 * hour;
    const queue = { nextDueAt: new Date(inTenYears).toISOString() };
    assert.equal(steps({ slots: [aSlot(0, cordoned({}, queue))] }), "");
    assert.equal(steps({ slots: [aSlot(0, { pod: null, claim: { wakeAt: inTenYears } })] }), "create-pod 0");
    const never = Date.parse("9999-12-31T00:00:00Z");
    assert.equal(steps({ slots: [aSlot(0, { pod: null, claim: { wakeAt: never } })] }), "");
  });

  test("gets a pod at once when one is wanted, or when its cluster is deleted", () => {
    const asleep = aSlot(0, { pod: null, claim: { wakeAt: hour } });
    assert.equal(steps({ size: 1, slots: [asleep] }), "create-pod 0");
    assert.equal(steps({ deletion: "Drain", slots: [asleep] }), "create-pod 0");
  });

  test("keeps nobody else from going", () => {
    const empty = { isReady: false, engine: anEngine({ state: "Cordoned" }) };
    const slots = [aSlot(0, { pod: null, claim: { wakeAt: hour } }), aSlot(1, { pod: empty })];
    assert.equal(steps({ slots }), "release 1 (EmptyQueue)");
  });
});
