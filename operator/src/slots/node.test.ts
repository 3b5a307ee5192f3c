import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { addressesOfNode } from "#operator/cache/node-addresses.ts";
import type { KubeNode } from "#operator/kube/node-object.ts";

import { aClaim, aPod, aSlot, aSlotInput, anEngine } from "../../testing/builders.ts";
import { decideSlots } from "./decide.ts";
import type { SlotInput } from "./input.ts";
import { viewNodes } from "./node.ts";
import { describeSteps } from "./steps.ts";

const node = (
  name: string,
  parts: { taints?: string[]; unschedulable?: true; ready?: "True" | "False" | "Unknown" } = {},
) =>
  ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    spec: {
      taints: (parts.taints ?? []).map((key) => ({ key, effect: "NoSchedule" })),
      ...(parts.unschedulable === undefined ? {} : { unschedulable: parts.unschedulable }),
    },
    status: { conditions: [{ type: "Ready", status: parts.ready ?? "True" }] },
  }) satisfies KubeNode;

const view = (...nodes: KubeNode[]) =>
  viewNodes({
    get: (_, name) => nodes.find(({ metadata }) => metadata.name === name) ?? null,
    list: () => nodes,
    by: (_, address) => nodes.filter((each) => addressesOfNode(each).includes(address)),
  });

describe("the state of a node", () => {
  test("is read off its taints and what it last said", () => {
    const { stateOf } = view(
      node("good"),
      node("drained", { taints: ["node.kubernetes.io/unschedulable"] }),
      node("cordoned", { unschedulable: true }),
      node("karpenter", { taints: ["karpenter.sh/disrupted"] }),
      node("silent", { ready: "Unknown" }),
      node("off", { ready: "Unknown", taints: ["node.kubernetes.io/out-of-service"] }),
      node("busy", { taints: ["node.kubernetes.io/memory-pressure"] }),
    );
    const names = ["good", "drained", "cordoned", "karpenter", "silent", "off", "busy", "gone"];
    const states = ["Ready", "Leaving", "Leaving", "Leaving", "Lost", "Dead", "Ready", "Dead"];
    assert.deepEqual(names.map(stateOf), states);
  });

  test("pods have somewhere to go only where a node takes them", () => {
    assert.equal(view(node("silent", { ready: "False" })).hasReady(), false);
    assert.equal(view(node("silent", { ready: "False" }), node("good")).hasReady(), true);
  });
});

const decide = (changes: Partial<SlotInput>) => decideSlots(aSlotInput(changes));
const steps = (changes: Partial<SlotInput>): string => describeSteps(decide(changes).steps);
const on = (state: "Ready" | "Leaving" | "Lost" | "Dead") => ({ name: "n1", state });
/** As after the first pass that saw the pod there. */
const noted = (slot: number, state: Parameters<typeof on>[0], pod: object = {}) =>
  aSlot(slot, { pod: { node: on(state), ...pod }, claim: { lastNode: on(state) } });

describe("a node that is being emptied", () => {
  test("its pods get successors, and go on serving until one of those is ready", () => {
    const slots = [noted(0, "Leaving")];
    assert.equal(steps({ size: 1, slots }), "create-claim 1 | create-pod 1");
    const starting = aSlot(1, { pod: { isReady: false, engine: null } });
    const later = decide({ size: 1, slots: [noted(0, "Leaving"), starting] });
    assert.equal(describeSteps(later.steps), "");
    assert.equal(later.waiting[0]?.blocked, "NoPeerReady");
    assert.equal(steps({ size: 1, slots: [noted(0, "Leaving"), aSlot(1)] }), "cordon 0");
  });

  test("their mail is handed over, one pod after the other", () => {
    const slots = [noted(0, "Leaving"), noted(1, "Leaving"), aSlot(2), aSlot(3)];
    assert.equal(steps({ slots }), "cordon 1");
  });

  test("a pod that has handed all over goes with its volume", () => {
    const engine = anEngine({ state: "Draining", handover: { given: 9, unanswered: 0, waitsFor: null } });
    const left = noted(0, "Leaving", { isReady: false, engine });
    assert.match(steps({ size: 1, slots: [left, aSlot(1)], now: 60_000 }), /release 0 \(EmptyQueue\)$/);
  });

  test("nobody moves where there is nowhere to go, or where mail is not handed over", () => {
    assert.equal(steps({ size: 1, slots: [noted(0, "Leaving")], canMove: false }), "");
    assert.equal(steps({ size: 1, slots: [noted(0, "Leaving")], drainTo: "None" }), "");
  });

  test("a pod that is evicted comes again with its volume", () => {
    const evicted = noted(0, "Leaving", { isTerminating: true });
    assert.equal(steps({ size: 1, slots: [evicted] }), "");
    assert.equal(
      steps({ size: 1, slots: [aSlot(0, { pod: null, claim: { lastNode: on("Leaving") } })] }),
      "create-pod 0",
    );
  });
});

describe("a node that does not answer", () => {
  test("its pod is waited for while it is not being deleted", () => {
    assert.equal(steps({ slots: [aSlot(0), noted(1, "Lost", { isReady: false, engine: null })] }), "");
  });

  test("when Kubernetes has given the pod up another slot takes its place, and its volume is left alone", () => {
    const lost = noted(1, "Lost", { isReady: false, isTerminating: true, engine: null });
    const { steps: found, waiting } = decide({ slots: [aSlot(0), lost] });
    assert.equal(describeSteps(found), "create-claim 2 | create-pod 2");
    assert.deepEqual(
      waiting.map(({ slot, blocked }) => [slot, blocked]),
      [[1, "NodeLost"]],
    );
  });

  test("nobody else gets the volume when the pod's object was removed by force", () => {
    const slots = [aSlot(0), aSlot(1, { pod: null, claim: { lastNode: on("Lost") } }), aSlot(2)];
    const { steps: found, waiting } = decide({ slots });
    assert.equal(describeSteps(found), "");
    assert.equal(waiting[0]?.blocked, "NodeLost");
  });

  test("when it is known to be off, or is back, the spool gets a pod again and is handed over", () => {
    for (const state of ["Dead", "Ready"] as const) {
      const slots = [aSlot(0), aSlot(1, { pod: null, claim: { lastNode: on(state) } }), aSlot(2)];
      const leavingBefore = new Set([1]);
      assert.equal(steps({ slots, leavingBefore }), "create-pod 1", state);
    }
  });

  test("mail that somebody gives up does not wait for it", () => {
    const given = { pod: null, claim: { lastNode: on("Lost"), isDiscarded: true } };
    assert.equal(steps({ slots: [aSlot(0), aSlot(1, given), aSlot(2)] }), "delete-claim 1 (Discarded)");
  });
});

test("where a pod runs is noted on its claim once, and again when it has moved", () => {
  const fresh = { slot: 0, pod: aPod(0, { node: on("Ready") }), claim: aClaim(0) };
  assert.equal(steps({ size: 1, slots: [fresh] }), "note-node 0");
  const moved = { ...fresh, claim: aClaim(0, { lastNode: { name: "n2", state: "Ready" } }) };
  assert.equal(steps({ size: 1, slots: [moved] }), "note-node 0");
  assert.equal(steps({ size: 1, slots: [noted(0, "Ready")] }), "");
});

test("of a slot that leaves the node is written on its claim too, since its pod may be lost there as well", () => {
  const pod = { ...on("Ready"), name: "n2" };
  const slots = [aSlot(0), aSlot(1), aSlot(2, { pod: { node: pod }, claim: { lastNode: on("Dead") } })];
  assert.match(steps({ size: 2, slots }), /^note-node 2 \| /);
  const lost = aSlot(2, { pod: null, claim: { lastNode: { name: "n2", state: "Lost" } } });
  assert.equal(steps({ size: 2, slots: [aSlot(0), aSlot(1), lost] }), "");
});
