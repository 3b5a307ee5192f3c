import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { aSlot, aSlotInput, anEngine } from "../../testing/builders.ts";
import { chooseStaying } from "./choose.ts";
import { decideSlots } from "./decide.ts";
import { type Fence, isFenced, readFence } from "./fence.ts";
import type { SlotInput } from "./input.ts";
import { describeSteps } from "./steps.ts";

const fence: Fence = { isAll: false, slots: new Set([1]), unread: [] };
const decide = (changes: Partial<SlotInput>) => {
  const { steps, restarts, waiting } = decideSlots(aSlotInput({ fence, ...changes }));
  return {
    steps: describeSteps(steps),
    vetoes: restarts.map(({ slot, veto }) => `${slot} ${veto}`).join(", "),
    blocked: waiting.map(({ slot, blocked }) => `${slot} ${blocked}`).join(", "),
  };
};
const fenced = { isReady: false, engine: anEngine({ state: "Fenced", queued: 9 }) };

describe("the annotation", () => {
  test("takes numbers, names of pods, a list as JSON, or all", () => {
    for (const text of ["1,3", " 1 , 3 ", '["out-1","out-3"]', "out-1, 3"])
      assert.deepEqual([...readFence(text, "out").slots], [1, 3], text);
    assert.ok(isFenced(readFence("*", "out"), 7));
    assert.ok(isFenced(readFence('["*"]', "out"), 7));
    assert.ok(!isFenced(readFence(undefined, "out"), 0));
    assert.ok(!isFenced(readFence("1", "out"), 0));
  });

  test("says what it does not understand, and obeys the rest", () => {
    const found = readFence("1,other-2,out-x,-1", "out");
    assert.deepEqual([...found.slots], [1]);
    assert.deepEqual(found.unread, ["other-2", "out-x", "-1"]);
  });
});

describe("a fenced slot", () => {
  test("is told so once, and serves again when the annotation goes", () => {
    assert.equal(decide({}).steps, "order 1 (Fence)");
    const slots = [aSlot(0), aSlot(1, { pod: fenced })];
    assert.equal(decide({ slots }).steps, "");
    assert.equal(decide({ slots, fence: readFence("", "out") }).steps, "uncordon 1");
  });

  test("asks those that owe it an answer, since others wait for that", () => {
    const handover = { given: 0, unanswered: 2, waitsFor: null };
    const engine = { ...anEngine({ state: "Serving" }), handover };
    const { steps } = decideSlots(aSlotInput({ fence, slots: [aSlot(0), aSlot(1, { pod: { engine } })] }));
    const order = steps.find((step) => step.kind === "order");
    assert.deepEqual(
      order?.peers.map(({ slot }) => slot),
      [0],
    );
  });

  test("is not made anew, neither for another spec nor because it ended", () => {
    const outdated = aSlot(1, { pod: { ...fenced, hash: "old" } });
    assert.deepEqual(decide({ slots: [aSlot(0), outdated] }), { steps: "", vetoes: "1 Fenced", blocked: "" });
    assert.equal(
      decide({ slots: [aSlot(0), aSlot(1, { pod: { phase: "Failed", engine: null } })] }).steps,
      "",
    );
    assert.equal(decide({ slots: [aSlot(0), aSlot(1, { pod: null })] }).steps, "create-pod 1");
  });

  test("keeps the others from being made anew, unless that is switched off", () => {
    const slots = [aSlot(0, { pod: { hash: "old" } }), aSlot(1, { pod: fenced })];
    assert.equal(decide({ slots }).vetoes, "0 OtherPodFenced");
    const ignored = new Set(["OtherPodFenced"] as const);
    assert.equal(decide({ slots, ignored }).steps, "delete-pod 0 (Outdated)");
    const broken = [...slots, aSlot(2, { pod: { isReady: false } })];
    assert.equal(decide({ slots: broken, size: 3 }).vetoes, "0 OtherPodsNotReady");
  });

  test("is the one that a smaller cluster does without, and stays with its mail all the same", () => {
    const slots = [aSlot(0), aSlot(1, { pod: fenced })];
    assert.deepEqual(chooseStaying(aSlotInput({ slots, fence, size: 1 })), [0]);
    assert.deepEqual(decide({ slots, size: 1 }), { steps: "", vetoes: "", blocked: "1 Fenced" });
    assert.equal(decide({ slots, size: 0, deletion: "Drain" }).blocked, "0 null, 1 Fenced");
    const empty = aSlot(1, { pod: { ...fenced, engine: anEngine({ state: "Fenced", queued: 0 }) } });
    assert.equal(decide({ slots: [aSlot(0), empty], size: 1 }).blocked, "1 Fenced");
  });

  test("without a pod keeps its volume, whatever becomes of others'", () => {
    const slots = [aSlot(0), aSlot(1, { pod: null })];
    assert.deepEqual(decide({ slots, size: 1, reclaim: "Delete" }), {
      steps: "",
      vetoes: "",
      blocked: "1 Fenced",
    });
  });

  test("goes when its mail is given up", () => {
    const slots = [aSlot(0), aSlot(1, { pod: fenced })];
    assert.equal(decide({ slots, size: 1, forced: new Set([1]) }).steps, "delete-pod 1 (Discarded)");
    assert.match(decide({ slots, deletion: "Discard" }).steps, /delete-claim 1 \(Deleting\)/);
  });
});
