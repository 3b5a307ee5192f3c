import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { aSlot, aSlotInput, anEngine } from "../../testing/builders.ts";
import { decideSlots } from "./decide.ts";
import type { SlotInput } from "./input.ts";
import { orderKey } from "./orders.ts";
import { describeSteps } from "./steps.ts";

function steps(changes: Partial<SlotInput>): string {
  return describeSteps(decideSlots(aSlotInput(changes)).steps);
}

/** As in a later pass: the status says that the third slot leaves. */
const leavingBefore = new Set([2]);
const handover = (unanswered = 0) => ({ given: 0, unanswered, waitsFor: null });

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

  it("one that ends over and over with a configuration that was taken back goes", () => {
    const looping = { engine: null, isReady: false, restarts: 2 };
    const slots = [aSlot(0, { pod: looping }), aSlot(1)];
    assert.equal(steps({ slots, unteachable: new Set([0]) }), "delete-pod 0 (Outdated)");
    assert.equal(steps({ slots }), "");
  });

  it("only those go that a roll-out is confined to", () => {
    const slots = [aSlot(0, { pod: outdated }), aSlot(1, { pod: outdated })];
    assert.equal(steps({ slots, replaceable: new Set([0]) }), "delete-pod 0 (Outdated)");
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
    const { steps: none, waiting } = decideSlots(
      aSlotInput({ slots: three({ engine: null }), leavingBefore }),
    );
    assert.deepEqual(none, []);
    assert.deepEqual(waiting, [
      { slot: 2, isLeaving: true, blocked: "QueueUnknown", isEmpty: false, wakeAt: null },
    ]);
  });

  it("an empty pod that still takes mail is cordoned before anything else", () => {
    assert.equal(steps({ slots: three({}) }), "cordon 2");
  });

  it("a claim without a pod gets one again to deliver what is left", () => {
    const slots = [aSlot(0), aSlot(1), aSlot(2, { pod: null })];
    assert.equal(steps({ slots, leavingBefore }), "create-pod 2");
  });

  it("a claim without a pod is deleted where the spec says so", () => {
    const slots = [aSlot(0), aSlot(1), aSlot(2, { pod: null })];
    assert.equal(steps({ slots, leavingBefore, reclaim: "Delete" }), "delete-claim 2 (ReclaimDelete)");
  });

  it("a claim that never had a volume holds no mail", () => {
    const pod = { engine: null, phase: "Pending", isReady: false } as const;
    assert.equal(steps({ slots: three(pod, { phase: "Pending" }) }), "release 2 (UnboundClaim)");
    const alone = [aSlot(0), aSlot(1), aSlot(2, { pod: null, claim: { phase: "Pending" } })];
    assert.equal(steps({ slots: alone }), "delete-claim 2 (UnboundClaim)");
  });

  it("a lost volume blocks until somebody gives the mail up", () => {
    const lost = { pod: null, claim: { phase: "Lost" } } as const;
    const slots = [aSlot(0), aSlot(1), aSlot(2, lost)];
    const { waiting } = decideSlots(aSlotInput({ slots, leavingBefore }));
    assert.equal(waiting[0]?.blocked, "ClaimLost");
    const given = { pod: null, claim: { phase: "Lost", isDiscarded: true } } as const;
    const discarded = [aSlot(0), aSlot(1), aSlot(2, given)];
    assert.equal(steps({ slots: discarded, leavingBefore }), "delete-claim 2 (Discarded)");
    assert.equal(steps({ slots, leavingBefore, forced: new Set([2]) }), "delete-claim 2 (Discarded)");
  });

  it("a stuck pod of an outdated template is made anew, so that its mail can leave", () => {
    const stuck = { engine: null, isReady: false, phase: "Pending", hash: "old" } as const;
    assert.equal(steps({ slots: three(stuck), leavingBefore }), "delete-pod 2 (Outdated)");
    assert.equal(steps({ slots: three(stuck, { isTerminating: true }), leavingBefore }), "");
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

describe("who leaves", () => {
  const holding = (...queues: number[]) =>
    queues.map((queued, slot) => aSlot(slot, { pod: { engine: anEngine({ queued }) } }));

  it("is the slot with the shortest queue, the highest of several", () => {
    assert.equal(steps({ slots: holding(9, 3, 5) }), "cordon 1");
    assert.equal(steps({ slots: holding(9, 3, 3) }), "cordon 2");
  });

  it("is not the one whose queue is unknown", () => {
    const slots = [...holding(9, 3), aSlot(2, { pod: { engine: null } })];
    assert.equal(steps({ slots }), "cordon 1");
  });

  it("is the one that the user names", () => {
    assert.equal(steps({ slots: holding(9, 3, 5), preferred: new Set([0]) }), "cordon 0");
    assert.equal(steps({ size: 3, slots: holding(9, 3, 5), preferred: new Set([0]) }), "");
  });

  it("stays who was chosen, even if its engine has started anew", () => {
    assert.equal(steps({ slots: holding(9, 3, 5), leavingBefore: new Set([0]) }), "cordon 0");
  });

  it("is a slot whose claim somebody deleted before any other", () => {
    const slots = [aSlot(0, { claim: { isTerminating: true } }), aSlot(1)];
    assert.equal(steps({ size: 1, slots }), "cordon 0");
  });

  it("new slots get the lowest free numbers", () => {
    assert.equal(
      steps({ size: 3, slots: [aSlot(1)] }),
      "create-claim 0 | create-pod 0 | create-claim 2 | create-pod 2",
    );
  });

  it("goes at once when its mail was given up, and only if it leaves", () => {
    const slots = holding(9, 3, 5);
    assert.equal(steps({ slots, forced: new Set([1]) }), "delete-pod 1 (Discarded)");
    assert.equal(steps({ size: 3, slots, forced: new Set([1]) }), "");
  });
});

describe("handing over", () => {
  const able = (changes: Parameters<typeof anEngine>[0] = {}) =>
    anEngine({ handover: handover(), ...changes });
  const leavingSlot = (slot: number, changes: Parameters<typeof anEngine>[0]) =>
    aSlot(slot, { pod: { isReady: false, engine: able(changes) } });
  const cordonedWith = (queued: number) => leavingSlot(2, { state: "Cordoned", queued });
  /** What a decision orders, as this operator notes it. */
  const givenBy = (input: Partial<SlotInput>, at = 0): SlotInput["given"] =>
    new Map(
      decideSlots(aSlotInput(input)).steps.flatMap((step) =>
        step.kind === "order"
          ? [
              [
                step.pod.uid,
                { key: orderKey(step.pod, step), at, peers: new Set(step.peers.map(({ slot }) => slot)) },
              ] as const,
            ]
          : [],
      ),
    );

  it("a cordoned pod gives its queue to all that serve, and is told once", () => {
    const slots = [aSlot(0), aSlot(1), cordonedWith(7)];
    const [step] = decideSlots(aSlotInput({ slots })).steps;
    assert.deepEqual(step?.kind === "order" ? [step.mode, ...step.peers.map(({ name }) => name)] : [], [
      "Drain",
      "outbound-0",
      "outbound-1",
    ]);
    const draining = [aSlot(0), aSlot(1), leavingSlot(2, { state: "Draining", queued: 7 })];
    assert.equal(steps({ slots: draining, given: givenBy({ slots }) }), "");
  });

  it("it is told again by an operator that does not know, when peers change, and when it has started anew", () => {
    const slots = [aSlot(0), aSlot(1), leavingSlot(2, { state: "Draining", queued: 7 })];
    const given = givenBy({ slots });
    assert.equal(steps({ slots }), "order 2 (Drain)");
    const fewer = [aSlot(0), aSlot(1, { pod: { isReady: false } }), slots[2] as (typeof slots)[2]];
    assert.equal(steps({ slots: fewer, given }), "order 2 (Drain)");
    const startedAt = "2026-01-01T10:00:00Z";
    const anew = [aSlot(0), aSlot(1), leavingSlot(2, { state: "Draining", queued: 7, startedAt })];
    assert.equal(steps({ slots: anew, given }), "order 2 (Drain)");
  });

  it("it only delivers where the spec says so, where nobody serves, and where the engine cannot", () => {
    assert.equal(steps({ slots: [aSlot(0), aSlot(1), cordonedWith(7)], drainTo: "None" }), "");
    assert.equal(steps({ size: 0, slots: [cordonedWith(7)] }), "");
    assert.equal(steps({ slots: [aSlot(0), aSlot(1), aSlot(2, { pod: cordoned(7) })] }), "");
  });

  it("a slot that is wanted again asks those that owe it an answer", () => {
    const owed = leavingSlot(2, { state: "Draining", queued: 7, handover: handover(5) });
    const [step] = decideSlots(aSlotInput({ size: 3, slots: [aSlot(0), aSlot(1), owed] })).steps;
    assert.deepEqual(step?.kind === "uncordon" ? step.peers.map(({ slot }) => slot) : [], [0, 1]);
  });

  it("a slot that stays and has started anew asks them too", () => {
    const owed = aSlot(1, { pod: { engine: able({ handover: handover(5) }) } });
    const slots = [aSlot(0), owed];
    assert.equal(steps({ slots }), "order 1 (Serve)");
    assert.equal(steps({ slots, given: givenBy({ slots }) }), "");
  });

  it("one that owes nobody's answer gives nothing while a pod that serves no more may hold it", () => {
    const owed = leavingSlot(2, { state: "Draining", queued: 7, handover: handover(5) });
    const other = leavingSlot(3, { state: "Draining", queued: 4 });
    assert.equal(steps({ slots: [aSlot(0), aSlot(1), owed, other] }), "order 2 (Cordon) | order 3 (Drain)");
  });

  it("an empty slot goes only when no answer is missing", () => {
    const owed = leavingSlot(2, { state: "Draining", handover: handover(5) });
    const slots = [aSlot(0), aSlot(1), owed];
    assert.equal(steps({ slots, given: givenBy({ slots }) }), "");
    const settled = [aSlot(0), aSlot(1), leavingSlot(2, { state: "Draining" })];
    assert.equal(steps({ slots: settled, given: givenBy({ slots: settled }) }), "release 2 (EmptyQueue)");
  });

  it("an empty slot stays while another one may have sent it mail", () => {
    const empty = leavingSlot(2, { state: "Draining" });
    const giving = leavingSlot(3, { state: "Draining", queued: 9 });
    const slots = [aSlot(0), aSlot(1), empty, giving];
    assert.equal(steps({ slots }), "order 2 (Drain) | order 3 (Drain)");
    const given = givenBy({ slots }, 1000);
    assert.equal(steps({ slots, given, now: 2000 }), "");
    assert.equal(steps({ slots, given, now: 6000 }), "release 2 (EmptyQueue)");
    const owed = leavingSlot(3, { state: "Draining", queued: 9, handover: handover(1) });
    assert.doesNotMatch(steps({ slots: [aSlot(0), aSlot(1), empty, owed], now: 6000 }), /release/);
  });

  it("an empty slot stays while one that holds mail is silent", () => {
    const slots = [aSlot(0), aSlot(1, { pod: { engine: null } }), leavingSlot(2, { state: "Draining" })];
    const decision = decideSlots(aSlotInput({ slots, given: givenBy({ slots }) }));
    assert.equal(describeSteps(decision.steps), "");
    assert.deepEqual(decision.waiting, [
      { slot: 2, isLeaving: true, blocked: "AnswerMissing", isEmpty: true, wakeAt: null },
    ]);
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
