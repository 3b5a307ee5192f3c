import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";

import { aSlot, anEngine } from "../../testing/builders.ts";
import type { EngineStatus } from "#contract/admin-api.ts";
import { noFence } from "#operator/slots/fence.ts";
import type { ObservedPod, ObservedSlot } from "#operator/slots/observed.ts";

import { LEAST_GAP, decideSpread, describeSpread, type SpreadInput, type SpreadOrder } from "./spread.ts";

function engine(portable: number, changes: Partial<EngineStatus> = {}): EngineStatus {
  const status = anEngine();
  const handover = { given: 0, unanswered: 0, waitsFor: null, spreading: 0, spread: 0 };
  const queue = { ...status.queue, total: portable, active: portable, portable };
  return { ...status, queue, handover, ...changes };
}

const slotsWith = (...backlogs: readonly number[]): ObservedSlot[] =>
  backlogs.map((portable, slot) => aSlot(slot, { pod: { engine: engine(portable) } }));

function decide(slots: readonly ObservedSlot[], changes: Partial<SpreadInput> = {}): readonly SpreadOrder[] {
  const staying = new Set(slots.map(({ slot }) => slot));
  return decideSpread({
    slots,
    staying,
    fence: noFence,
    doubted: new Set(),
    hashOf: () => "hash",
    ...changes,
  });
}

/** What each slot holds when all orders were carried out. */
function carriedOut(backlogs: readonly number[], orders: readonly SpreadOrder[]): number[] {
  const after = [...backlogs];
  for (const { slot, recipients, to } of orders) {
    after[slot] = (after[slot] ?? 0) - recipients;
    for (const part of to) after[part.slot] = (after[part.slot] ?? 0) + part.recipients;
  }
  return after;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** Every giver keeps its part, no taker gets more than that, and something has moved: so it comes to an end. */
function isEvener(
  before: readonly number[],
  after: readonly number[],
  orders: readonly SpreadOrder[],
): boolean {
  const mean = sum(before) / before.length;
  return orders.every(({ slot, recipients, to }) => {
    const isWhole = recipients > 0 && recipients === sum(to.map((part) => part.recipients));
    return isWhole && (after[slot] ?? 0) >= mean && to.every((part) => (after[part.slot] ?? 0) <= mean);
  });
}

describe("a backlog", () => {
  test("of one pod goes in equal parts to those that came for it", () => {
    const orders = decide(slotsWith(1000, 0, 0, 0));
    assert.equal(describeSpread(orders), "slot 0: 750 to 1, 2, 3");
    assert.deepEqual(carriedOut([1000, 0, 0, 0], orders), [250, 250, 250, 250]);
  });

  test("of several goes to those that have least", () => {
    const orders = decide(slotsWith(900, 20, 700, 380));
    assert.deepEqual(carriedOut([900, 20, 700, 380], orders), [500, 340, 700, 460]);
  });

  test("that is small, or not far above the others', stays", () => {
    assert.deepEqual(decide(slotsWith(LEAST_GAP, 0)), []);
    assert.deepEqual(decide(slotsWith(2 * LEAST_GAP - 1, 0)), []);
    assert.equal(describeSpread(decide(slotsWith(2 * LEAST_GAP, 0))), "slot 0: 100 to 1");
    assert.deepEqual(decide(slotsWith(10_000, 7000, 7000)), []);
    assert.deepEqual(decide(slotsWith(5000)), []);
  });

  test("that is huge goes in pieces", () => {
    const [order] = decide(slotsWith(1_000_000, 0));
    assert.equal(order?.recipients, 5000);
  });

  const unfit: Readonly<Record<string, Partial<ObservedPod>>> = {
    "is not ready": { isReady: false },
    "is being deleted": { isTerminating: true },
    "does not answer": { engine: null },
    "has no address": { ip: null },
    leaves: { engine: engine(0, { state: "Cordoned" }) },
    "runs another revision": { engine: engine(0, { revision: "rev-2" }) },
    "is of another version": { engine: engine(0, { version: "0.0.9" }) },
    "is made of something else": { hash: "other" },
    "has a full disk": { engine: engine(0, { spoolClosed: "spool-full" }) },
    "has hardly any room": { engine: engine(0, { spool: { freeBytes: 150, floorBytes: 100 } }) },
    "is on a node that is being emptied": { node: { name: "n", state: "Leaving" } },
    "cannot spread": { engine: anEngine() },
    "waits for an answer": {
      engine: engine(0, { handover: { given: 0, unanswered: 3, waitsFor: null, spreading: 0, spread: 0 } }),
    },
    "is still spreading": {
      engine: engine(0, { handover: { given: 0, unanswered: 0, waitsFor: null, spreading: 9, spread: 0 } }),
    },
  };
  for (const [why, pod] of Object.entries(unfit)) {
    test(`goes to no pod that ${why}`, () => {
      const slots = [...slotsWith(1000), aSlot(1, { pod })];
      assert.deepEqual(decide(slots), []);
    });
  }

  test("goes to no slot that leaves, is fenced or tries a revision out, nor whose claim goes", () => {
    const slots = slotsWith(1000, 0);
    assert.deepEqual(decide(slots, { staying: new Set([0]) }), []);
    assert.deepEqual(decide(slots, { fence: { ...noFence, slots: new Set([1]) } }), []);
    assert.deepEqual(decide(slots, { doubted: new Set([1]) }), []);
    const going = aSlot(1, { pod: { engine: engine(0) }, claim: { isTerminating: true } });
    assert.deepEqual(decide([...slotsWith(1000), going]), []);
  });

  test("that was spread stays where it is: sums are kept, nobody swings, and it comes to an end", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30_000), { minLength: 1, maxLength: 12 }), (begin) => {
        let backlogs = begin;
        const [gave, took] = [new Set<number>(), new Set<number>()];
        for (let orders = decide(slotsWith(...backlogs)); orders.length > 0; ) {
          for (const { slot, to } of orders) {
            gave.add(slot);
            for (const part of to) took.add(part.slot);
          }
          const after = carriedOut(backlogs, orders);
          assert.ok(isEvener(backlogs, after, orders));
          assert.equal(sum(after), sum(begin));
          backlogs = after;
          orders = decide(slotsWith(...backlogs));
        }
        assert.ok(
          [...gave].every((slot) => !took.has(slot)),
          "nobody gives and takes",
        );
      }),
    );
  });

  test("that grows and shrinks everywhere is moved by nobody who took some a moment ago", () => {
    const change = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.nat(4000), fc.array(change, { maxLength: 4 }), (burst, changes) => {
        let backlogs = [burst, 0, 0, 0];
        const took = new Set<number>();
        for (const each of changes) {
          const orders = decide(slotsWith(...backlogs));
          for (const { slot } of orders) assert.ok(!took.has(slot));
          for (const { to } of orders) for (const part of to) took.add(part.slot);
          backlogs = carriedOut(backlogs, orders).map((n, i) => Math.max(0, n + (each[i] ?? 0)));
        }
      }),
    );
  });
});
