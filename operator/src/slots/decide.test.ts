import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { aSlot, aSlotInput, anEngine } from "../../testing/builders.ts";
import { type SlotInput, decideSlots } from "./decide.ts";
import { describeSteps } from "./steps.ts";

function steps(changes: Partial<SlotInput>): string {
  return describeSteps(decideSlots(aSlotInput(changes)).steps);
}

const cordoned = (queued: number) => ({ isReady: false, engine: anEngine({ state: "Cordoned", queued }) });

describe("slots that stay", () => {
  it("a settled cluster needs nothing", () => assert.equal(steps({}), ""));

  it("a new cluster gets all claims and pods at once", () => {
    assert.equal(steps({ slots: [] }), "create-claim 0 | create-pod 0 | create-claim 1 | create-pod 1");
  });

  it("no pod is made while no configuration has ever been good", () => {
    assert.equal(steps({ slots: [], podChanges: "none", size: 1 }), "create-claim 0");
  });

  it("a pod that ended is removed and made again with its claim", () => {
    assert.equal(
      steps({ slots: [aSlot(0, { pod: { phase: "Failed" } }), aSlot(1)] }),
      "delete-pod 0 (Ended)",
    );
    assert.equal(steps({ slots: [aSlot(0, { pod: null }), aSlot(1)] }), "create-pod 0");
  });

  it("a pod is not made again while the last one of its name is being deleted", () => {
    assert.equal(steps({ slots: [aSlot(0, { pod: { isTerminating: true } }), aSlot(1)] }), "");
  });

  it("a cordoned slot that is wanted again takes mail again", () => {
    assert.equal(steps({ slots: [aSlot(0), aSlot(1, { pod: cordoned(7) })] }), "uncordon 1");
  });

  it("a claim grows and never shrinks", () => {
    assert.equal(steps({ storageSize: "20Gi" }), "resize-claim 0 | resize-claim 1");
    assert.equal(steps({ storageSize: "5Gi" }), "");
    assert.equal(steps({ storageSize: "10240Mi" }), "");
  });
});

describe("pods made anew", () => {
  const outdated = { hash: "old" };

  it("the last one goes first, one at a time", () => {
    const slots = [aSlot(0, { pod: outdated }), aSlot(1, { pod: outdated })];
    assert.equal(steps({ slots }), "delete-pod 1 (Outdated)");
  });

  it("none goes while another wanted pod is not ready", () => {
    const slots = [aSlot(0, { pod: outdated }), aSlot(1, { pod: { isReady: false } })];
    assert.equal(steps({ slots }), "");
    assert.equal(steps({ slots: [aSlot(0, { pod: outdated }), aSlot(1, { pod: null })] }), "create-pod 1");
  });

  it("one that serves nobody goes at once, so that a broken template can be left behind", () => {
    const slots = [aSlot(0, { pod: { ...outdated, isReady: false } }), aSlot(1, { pod: outdated })];
    assert.equal(steps({ slots }), "delete-pod 0 (Outdated)");
  });

  it("the only pod of a cluster of one is made anew too", () => {
    assert.equal(steps({ size: 1, slots: [aSlot(0, { pod: outdated })] }), "delete-pod 0 (Outdated)");
  });

  it("none goes for a configuration that is broken", () => {
    assert.equal(steps({ slots: [aSlot(0, { pod: outdated }), aSlot(1)], podChanges: "create" }), "");
  });
});

describe("slots that leave", () => {
  const three = (pod: object, claim: object = {}) => [aSlot(0), aSlot(1), aSlot(2, { pod, claim })];

  it("the highest is cordoned first", () => {
    assert.equal(steps({ slots: [aSlot(0), aSlot(1), aSlot(2), aSlot(3)] }), "cordon 3");
  });

  it("a cordoned pod stays while it has mail, a session or a delivery", () => {
    assert.equal(steps({ slots: three(cordoned(1)) }), "");
    assert.equal(steps({ slots: three({ engine: anEngine({ state: "Cordoned", sessions: 1 }) }) }), "");
    assert.equal(steps({ slots: three({ engine: anEngine({ state: "Cordoned", deliveries: 1 }) }) }), "");
  });

  it("an empty one is released", () => {
    assert.equal(steps({ slots: three(cordoned(0)) }), "release 2 (EmptyQueue)");
  });

  it("an empty queue is not believed while the spool is closed", () => {
    const engine = anEngine({ state: "Cordoned", spoolClosed: "fsync failed" });
    assert.equal(steps({ slots: three({ engine }) }), "");
  });

  it("unknown is not empty", () => {
    const { steps: none, waiting } = decideSlots(aSlotInput({ slots: three({ engine: null }) }));
    assert.deepEqual(none, []);
    assert.deepEqual(waiting, [{ slot: 2, isLeaving: true, blocked: "QueueUnknown" }]);
  });

  it("an empty pod that still takes mail is cordoned before anything else", () => {
    assert.equal(steps({ slots: three({}) }), "cordon 2");
  });

  it("a claim without a pod gets one again to deliver what is left", () => {
    assert.equal(steps({ slots: [aSlot(0), aSlot(1), aSlot(2, { pod: null })] }), "create-pod 2");
  });

  it("a claim without a pod is deleted where the spec says so", () => {
    const slots = [aSlot(0), aSlot(1), aSlot(2, { pod: null })];
    assert.equal(steps({ slots, reclaim: "Delete" }), "delete-claim 2 (ReclaimDelete)");
  });

  it("a claim that never had a volume holds no mail", () => {
    const pod = { engine: null, phase: "Pending", isReady: false } as const;
    assert.equal(steps({ slots: three(pod, { phase: "Pending" }) }), "release 2 (UnboundClaim)");
    const alone = [aSlot(0), aSlot(1), aSlot(2, { pod: null, claim: { phase: "Pending" } })];
    assert.equal(steps({ slots: alone }), "delete-claim 2 (UnboundClaim)");
  });

  it("a lost volume blocks until somebody gives the mail up", () => {
    const lost = { pod: null, claim: { phase: "Lost" } } as const;
    const { waiting } = decideSlots(aSlotInput({ slots: [aSlot(0), aSlot(1), aSlot(2, lost)] }));
    assert.equal(waiting[0]?.blocked, "ClaimLost");
    const given = { pod: null, claim: { phase: "Lost", isDiscarded: true } } as const;
    assert.equal(steps({ slots: [aSlot(0), aSlot(1), aSlot(2, given)] }), "delete-claim 2 (Discarded)");
  });

  it("a stuck pod of an outdated template is made anew, so that its mail can leave", () => {
    const stuck = { engine: null, isReady: false, phase: "Pending", hash: "old" } as const;
    assert.equal(steps({ slots: three(stuck) }), "delete-pod 2 (Outdated)");
    assert.equal(steps({ slots: three(stuck, { isTerminating: true }) }), "");
  });

  it("nobody is cordoned while no pod that stays is ready", () => {
    const slots = [aSlot(0, { pod: { isReady: false } }), aSlot(1)];
    const { steps: none, waiting } = decideSlots(aSlotInput({ size: 1, slots }));
    assert.deepEqual(none, []);
    assert.equal(waiting[0]?.blocked, "NoPeerReady");
  });

  it("a slot whose claim is being deleted leaves whatever its number, and is made anew after", () => {
    const slots = [aSlot(0), aSlot(1, { claim: { isTerminating: true } })];
    assert.equal(steps({ slots }), "cordon 1");
    assert.equal(steps({ slots: [aSlot(0)] }), "create-claim 1 | create-pod 1");
  });
});

describe("claims deleted by somebody", () => {
  it("do not keep the rest of the cluster from leaving when no other pod could stay", () => {
    const slots = [aSlot(0, { claim: { isTerminating: true } }), aSlot(1)];
    assert.equal(steps({ size: 1, slots }), "cordon 1");
  });
});

describe("deletion", () => {
  it("Drain lets every slot leave and waits for the last", () => {
    assert.equal(steps({ deletion: "Drain" }), "cordon 1");
    const slots = [aSlot(0, { pod: cordoned(3) })];
    assert.deepEqual(decideSlots(aSlotInput({ deletion: "Drain", slots })).isGone, false);
    assert.equal(decideSlots(aSlotInput({ deletion: "Drain", slots: [] })).isGone, true);
  });

  it("Orphan removes pods and leaves claims", () => {
    assert.equal(steps({ deletion: "Orphan" }), "delete-pod 0 (Deleting) | delete-pod 1 (Deleting)");
    const left = [aSlot(0, { pod: null })];
    assert.equal(decideSlots(aSlotInput({ deletion: "Orphan", slots: left })).isGone, true);
  });

  it("Discard removes both", () => {
    assert.equal(
      steps({ deletion: "Discard", slots: [aSlot(0)] }),
      "delete-claim 0 (Deleting) | delete-pod 0 (Deleting)",
    );
  });
});
