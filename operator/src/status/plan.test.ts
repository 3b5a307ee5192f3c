import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { MailClusterStatus } from "#crds/mail-cluster-status.ts";
import { decideSlots } from "#operator/slots/decide.ts";
import type { SlotInput } from "#operator/slots/input.ts";

import { aSlot, aSlotInput, aSpec, anEngine } from "../../testing/builders.ts";
import type { Judged } from "./judged.ts";
import { planOf } from "./plan.ts";

function plan(input: Partial<SlotInput>, changes: Partial<Judged> = {}): readonly string[] {
  const full = aSlotInput(input);
  const judged = {
    spec: aSpec({ storage: { size: full.storageSize } }),
    size: full.size,
    waitsFor: null,
    wishes: { isPaused: false, isHibernating: false, rollout: null },
    deletion: null,
    slots: full.slots,
    decision: decideSlots(full),
    config: { kind: "rendered", revision: "rev-1" },
    rollout: null,
    lastGood: "rev-1",
    refused: [],
    partsOf: () => ({ EngineImage: "b", Resources: "r" }),
    ...changes,
  } as unknown as Judged;
  const entries = planOf(judged);
  for (const entry of entries)
    assert.deepEqual(MailClusterStatus.shape.plan.unwrap().element.parse(entry), entry);
  return entries.map(
    ({ slot, action, reason, waitsFor }) => `${slot} ${action} (${reason}) ${waitsFor ?? "next"}`,
  );
}

const parts = JSON.stringify({ EngineImage: "a", Resources: "r" });

describe("the plan", () => {
  test("of a settled cluster is empty", () => assert.deepEqual(plan({}), []));

  test("names what a pod is made anew for, and what it waits for", () => {
    const slots = [aSlot(0, { pod: { hash: "old", parts } }), aSlot(1, { pod: { hash: "old" } })];
    assert.deepEqual(plan({ slots }), [
      "0 ReplacePod (EngineImage) OneAtATime",
      "1 ReplacePod (Template) next",
    ]);
  });

  test("says before it is done what a paused cluster would do", () => {
    const wishes = { isPaused: true, isHibernating: false, rollout: null };
    const slots = [aSlot(0, { pod: { hash: "old", parts } })];
    assert.deepEqual(plan({ size: 2, slots, storageSize: "20Gi" }, { wishes }), [
      "0 GrowVolume (to 20Gi) Paused",
      "0 ReplacePod (EngineImage) OtherPodsNotReady",
      "1 CreatePod (Missing) Paused",
    ]);
  });

  test("tells engines that reload from pods that are made anew", () => {
    const behind = { pod: { engine: anEngine({ revision: "rev-0" }) } };
    const rollout = { phase: "Canary", revision: "rev-1", since: "", canary: [0], message: "" } as const;
    const changes = { rollout: { ...rollout, canary: [0] } };
    assert.deepEqual(plan({ slots: [aSlot(0, behind), aSlot(1, behind)] }, changes), [
      "0 ReloadConfig (revision rev-1) next",
      "1 ReloadConfig (revision rev-1) CanaryFirst",
    ]);
  });

  test("says who leaves, why, and what for they wait", () => {
    const engine = anEngine({ state: "Draining", queued: 9 });
    const slots = [aSlot(0), aSlot(1, { pod: { isReady: false, engine } })];
    assert.deepEqual(plan({ size: 1, slots }), ["1 RemovePod (ScaleDown) QueueNotEmpty"]);
    const silent = [aSlot(0), aSlot(1, { pod: { engine: null } })];
    assert.deepEqual(plan({ size: 1, slots: silent, leavingBefore: new Set([1]) }), [
      "1 RemovePod (ScaleDown) QueueUnknown",
    ]);
  });
});
