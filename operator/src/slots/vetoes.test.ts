import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { aSlot, aSlotInput } from "../../testing/builders.ts";
import { decideSlots } from "./decide.ts";
import type { SlotInput } from "./input.ts";
import { describeSteps } from "./steps.ts";

const outdated = { hash: "old" };
const decide = (changes: Partial<SlotInput>) => {
  const { restarts, steps } = decideSlots(aSlotInput(changes));
  return {
    vetoes: restarts.map(({ slot, veto }) => `${slot} ${veto}`).join(", "),
    steps: describeSteps(steps),
  };
};
const both = [aSlot(0, { pod: outdated }), aSlot(1, { pod: outdated })];

describe("what keeps a pod from being made anew", () => {
  test("each that is not as the spec says has its turn, and all but one a reason to wait", () => {
    assert.deepEqual(decide({ slots: both }), {
      vetoes: "0 OneAtATime, 1 null",
      steps: "delete-pod 1 (Outdated)",
    });
    assert.equal(decide({}).vetoes, "");
  });

  test("another wanted pod that is not ready, or does not exist", () => {
    const slots = [aSlot(0, { pod: outdated }), aSlot(1, { pod: { isReady: false } })];
    assert.equal(decide({ slots }).vetoes, "0 OtherPodsNotReady");
    assert.equal(decide({ slots: [aSlot(0, { pod: outdated })] }).vetoes, "0 OtherPodsNotReady");
  });

  test("a pod that serves nobody does not wait for the others", () => {
    const stuck = aSlot(0, { pod: { ...outdated, isReady: false } });
    const { vetoes, steps } = decide({ slots: [stuck, aSlot(1, { pod: { isReady: false } })] });
    assert.equal(vetoes, "0 null");
    assert.equal(steps, "delete-pod 0 (Outdated)");
  });

  test("a change that is tried out elsewhere, a pause, a spec that makes no revision", () => {
    assert.equal(decide({ slots: both, replaceable: new Set([0]) }).vetoes, "0 null, 1 CanaryFirst");
    assert.equal(decide({ slots: both, heldBy: "RolloutPaused" }).steps, "");
    assert.equal(decide({ slots: both, heldBy: "RolloutPaused" }).vetoes, "0 RolloutPaused, 1 RolloutPaused");
    assert.equal(decide({ slots: both, podChanges: "create", heldBy: "ConfigNotGood" }).steps, "");
  });

  test("edits that are gathered, unless the pod serves nobody", () => {
    assert.deepEqual(decide({ slots: both, isSettling: true }), {
      vetoes: "0 Settling, 1 Settling",
      steps: "",
    });
    const stuck = aSlot(0, { pod: { ...outdated, isReady: false } });
    const slots = [stuck, aSlot(1, { pod: outdated })];
    assert.equal(decide({ slots, isSettling: true }).steps, "delete-pod 0 (Outdated)");
    const ignored = new Set(["Settling"] as const);
    assert.equal(decide({ slots: both, isSettling: true, ignored }).steps, "delete-pod 1 (Outdated)");
  });

  test("a slot that leaves goes first", () => {
    const slots = [...both, aSlot(2)];
    assert.deepEqual(decide({ slots, leavingBefore: new Set([2]) }), {
      vetoes: "0 OneAtATime, 1 OneAtATime",
      steps: "cordon 2",
    });
  });

  test("people can have some ignored, and never more than one pod goes at once", () => {
    const slots = [aSlot(0, { pod: outdated }), aSlot(1, { pod: { isReady: false } })];
    assert.equal(decide({ slots, ignored: new Set(["OtherPodsNotReady"]) }).steps, "delete-pod 0 (Outdated)");
    const first = [aSlot(0, { pod: { ...outdated, isReady: false } }), aSlot(1, { pod: outdated })];
    assert.equal(
      decide({ slots: first, ignored: new Set(["OtherPodsNotReady"]) }).steps,
      "delete-pod 0 (Outdated)",
      "the one that serves nobody",
    );
    const ignored = new Set(["CanaryFirst", "OtherPodsNotReady"] as const);
    assert.equal(decide({ slots: both, replaceable: new Set(), ignored }).steps, "delete-pod 1 (Outdated)");
  });
});
