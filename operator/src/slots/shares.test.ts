import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { aSlot, anEngine } from "../../testing/builders.ts";
import type { ObservedSlot } from "./observed.ts";
import { decideShares } from "./shares.ts";

const nobody = new Map<string, string>();

function partsOf(slots: readonly ObservedSlot[], told: ReadonlyMap<string, string> = nobody) {
  return decideShares(slots, told).map(({ slot, shares: { shares } }) => [slot, shares.n, shares.of]);
}

function toldAll(slots: readonly ObservedSlot[]): Map<string, string> {
  return new Map(decideShares(slots, nobody).map(({ pod, key }) => [pod.uid, key]));
}

describe("shares in the limits of the cluster", () => {
  it("are equal parts of the pods that run, told in the order of the slots", () => {
    const slots = [aSlot(0), aSlot(2), aSlot(3), aSlot(4, { pod: { phase: "Pending" } })];
    const parts = [
      [0, 1, 3],
      [2, 1, 3],
      [3, 1, 3],
    ];
    assert.deepEqual(partsOf(slots), parts);
  });

  it("are told nobody twice, and everybody when a pod comes or goes", () => {
    const two = [aSlot(0), aSlot(1)];
    const told = toldAll(two);
    assert.deepEqual(partsOf(two, told), []);
    assert.equal(partsOf([...two, aSlot(2)], told).length, 3);
    assert.deepEqual(partsOf([aSlot(0), aSlot(1, { pod: null })], told), [[0, 1, 1]]);
  });

  it("count pods that leave or do not answer: they send what they have all the same", () => {
    const leaving = aSlot(1, { pod: { engine: anEngine({ state: "Draining" }) } });
    const silent = aSlot(2, { pod: { engine: null } });
    const parts = [
      [0, 1, 3],
      [1, 1, 3],
    ];
    assert.deepEqual(partsOf([aSlot(0), leaving, silent]), parts);
  });

  it("are told again to a process that has started anew, and to no other", () => {
    const told = toldAll([aSlot(0), aSlot(1)]);
    const anew = aSlot(1, { pod: { engine: anEngine({ startedAt: "2026-02-02T00:00:00Z" }) } });
    assert.deepEqual(partsOf([aSlot(0), anew], told), [[1, 1, 2]]);
  });

  it("are kept from an engine that stops", () => {
    assert.deepEqual(partsOf([aSlot(0, { pod: { engine: anEngine({ state: "Stopping" }) } })]), []);
  });
});
