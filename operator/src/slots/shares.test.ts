import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { aSlot, anEngine } from "../../testing/builders.ts";
import type { ObservedSlot } from "./observed.ts";
import { type HeldShare, decideShares } from "./shares.ts";

const lostNode = { name: "node-1", state: "Lost" } as const;

/** What each slot's pod holds: the share, or the share and what it holds at most. */
function known(...held: readonly (number | readonly [number, number] | null)[]): Map<string, HeldShare> {
  return new Map(
    held.flatMap((each, slot): [string, HeldShare][] => {
      if (each === null) return [];
      const [share, most] = typeof each === "number" ? [each, each] : each;
      return [
        [`uid-pod-${slot}`, { slot, share, held: most, doubt: 0, version: 1, place: undefined, places: [] }],
      ];
    }),
  );
}

/** Pods of these slots with an equal part and a place each, the turn at what is left over among them. */
function placed(of: number, ...slots: readonly number[]): Map<string, HeldShare> {
  return new Map(
    slots.map((slot, index) => {
      const place = { of, index, turn: 0 };
      const share = { slot, share: 1 / of, held: 1 / of, doubt: 0, version: 1 };
      return [`uid-pod-${slot}`, { ...share, place, places: [place] }];
    }),
  );
}

function partsOf(slots: readonly ObservedSlot[], held: ReadonlyMap<string, HeldShare>) {
  const { orders, waiting } = decideShares(slots, held);
  const parts = orders.map(({ slot, order: { shares } }) => `${slot}: ${shares.n}/${shares.of}`);
  return [parts, waiting];
}

describe("shares in the limits of the cluster", () => {
  it("are equal parts of the pods that run, told in the order of the slots", () => {
    const slots = [aSlot(0), aSlot(2), aSlot(4, { pod: { phase: "Pending" } })];
    assert.deepEqual(partsOf(slots, known(0, null, 0)), [["0: 1/2", "2: 1/2"], 0]);
  });

  it("are told nobody twice", () => {
    assert.deepEqual(partsOf([aSlot(0), aSlot(1)], known(1 / 2, 1 / 2)), [[], 0]);
  });

  it("shrink first, and grow only into what has been let go", () => {
    const three = [aSlot(0), aSlot(1), aSlot(2)];
    assert.deepEqual(partsOf(three, known(1 / 2, 1 / 2, 0)), [["0: 1/3", "1: 1/3"], 1]);
    assert.deepEqual(partsOf(three, known([1 / 3, 1 / 2], [1 / 3, 1 / 2], 0)), [[], 1]);
    assert.deepEqual(partsOf(three, known(1 / 3, 1 / 3, 0)), [["2: 1/3"], 0]);
  });

  it("stay where a pod has not answered yet, which may hold anything", () => {
    const silent = aSlot(1, { pod: { engine: null } });
    assert.deepEqual(partsOf([aSlot(0), silent], known(0)), [[], 1]);
    assert.deepEqual(partsOf([aSlot(0)], known(0)), [["0: 1/1"], 0]);
  });

  it("of a pod of which nothing is known are made known by an order for no more than it has", () => {
    const share = { shares: { n: 1, of: 5 }, version: 7, held: 0.2 };
    const slots = [aSlot(0, { pod: { engine: anEngine({ share }) } }), aSlot(1)];
    const { orders } = decideShares(slots, known(null, 0));
    assert.deepEqual(
      orders.map(({ order }) => order),
      [{ shares: { n: 1, of: 5 }, after: 7 }],
    );
  });

  it("are told engines that do not tell theirs as well", () => {
    assert.deepEqual(partsOf([aSlot(0), aSlot(1)], known()), [["0: 1/2", "1: 1/2"], 0]);
  });

  it("count pods that leave or do not answer: they send what they have all the same", () => {
    const leaving = aSlot(1, { pod: { engine: anEngine({ state: "Draining" }), isTerminating: true } });
    const silent = aSlot(2, { pod: { engine: null } });
    const slots = [aSlot(0), leaving, silent];
    assert.deepEqual(partsOf(slots, known(1 / 3, 1 / 2, 1 / 2)), [["1: 1/3"], 0]);
  });

  it("give a new pod a smaller part while one that is silent holds more than its own", () => {
    const silent = aSlot(1, { pod: { engine: null } });
    assert.deepEqual(partsOf([aSlot(0), silent, aSlot(2)], known(1 / 3, 1 / 2, 0)), [["2: 1/6"], 1]);
  });

  it("count a pod that is gone while its node does not answer, and not beyond that", () => {
    const lost = aSlot(1, { pod: null, claim: { lastNode: lostNode } });
    assert.deepEqual(partsOf([aSlot(0), lost], known(1 / 2, 1 / 2)), [[], 0]);
    assert.deepEqual(partsOf([aSlot(0), lost], known(0)), [[], 1]);
    assert.deepEqual(partsOf([aSlot(0), aSlot(1, { pod: null })], known(1 / 2)), [["0: 1/1"], 0]);
  });

  it("do not count a silent pod whose node is dead, and may grow into what it had", () => {
    const dead = aSlot(1, { pod: { node: { name: "node-1", state: "Dead" }, engine: null } });
    assert.deepEqual(partsOf([aSlot(0), dead], placed(2, 0, 1)), [["0: 1/2"], 0]);
    assert.deepEqual(partsOf([aSlot(0), dead], known(1 / 2, 1 / 2)), [["0: 1/1"], 0]);
    const unheardOf = aSlot(1, { pod: { node: { name: "node-2", state: "Dead" }, engine: anEngine() } });
    assert.deepEqual(partsOf([aSlot(0), unheardOf], known(1 / 2, 1 / 2)), [[], 0]);
  });

  it("grow beside one pod that is silent and has a place, not while one that answers has one", () => {
    const slots = [aSlot(0), aSlot(1, { pod: { engine: null } }), aSlot(2)];
    const held = new Map([...known(1 / 3, null, 0), ...[...placed(2, 0, 1)].slice(1)]);
    assert.deepEqual(partsOf(slots, held), [["2: 1/6"], 1]);
    const both = new Map([...known(1 / 3, null, 0), ...placed(2, 0, 1)]);
    assert.deepEqual(partsOf(slots, both), [["0: 1/3"], 1]);
  });

  it("leave room for what several silent pods have of what is left over", () => {
    const silent = { pod: { engine: null } };
    const slots = [aSlot(0, silent), aSlot(1, silent), aSlot(2)];
    const held = new Map([...placed(4, 0, 1), ...known(null, null, 0)]);
    assert.deepEqual(partsOf(slots, held), [["2: 1/6"], 1]);
  });

  it("are kept from an engine that stops", () => {
    const stopping = aSlot(0, { pod: { engine: anEngine({ state: "Stopping" }) } });
    assert.deepEqual(partsOf([stopping], known(0.5)), [[], 0]);
  });
});
