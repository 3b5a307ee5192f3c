import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { aSlot, anEngine } from "../../testing/builders.ts";
import { decideSources, isLastList, isListAlone } from "./list-sources.ts";
import type { ObservedSlot } from "./observed.ts";

const engine = (sources: readonly string[] = [], unshared = false) =>
  anEngine({ suppression: { sources: [...sources], unshared, size: 1 } });

/** Slots whose engines keep a list and follow nobody yet. */
const ring = (...slots: readonly number[]): ObservedSlot[] =>
  slots.map((slot) => aSlot(slot, { pod: { ip: `10.0.0.${slot}`, engine: engine() } }));

const orders = (slots: readonly ObservedSlot[]): string[] =>
  decideSources(slots, ({ ip }) => ip).map(
    ({ pod, sources }) => `${pod.ip.slice(7)}: ${sources.map(({ ip }) => ip.slice(7)).join(" ")}`,
  );

describe("sources of the suppression list", () => {
  it("are the next pods of the ring by powers of two; a pod alone has none", () => {
    assert.deepEqual(orders(ring(0)), []);
    assert.deepEqual(orders(ring(0, 3)), ["0: 3", "3: 0"]);
    assert.deepEqual(orders(ring(2, 0, 1)), ["0: 1 2", "1: 2 0", "2: 0 1"]);
    assert.deepEqual(orders(ring(0, 1, 2, 3, 4)).slice(0, 2), ["0: 1 2 4", "1: 2 3 0"]);
  });

  it("reach everybody from everybody in as many rounds as there are sources, and are never themselves", () => {
    for (const size of [2, 3, 4, 5, 7, 8, 9, 16, 33, 100, 500]) {
      const all = decideSources(ring(...Array.from({ length: size }, (_, i) => i)), ({ ip }) => ip);
      const most = Math.ceil(Math.log2(size));
      assert.ok(all.every(({ pod, sources }) => sources.length === most && !sources.includes(pod)));
      let known = new Set([all[0]?.pod.ip]);
      for (let round = 0; round < most; round++)
        known = new Set([
          ...known,
          ...all.filter(({ sources }) => sources.some(({ ip }) => known.has(ip))).map(({ pod }) => pod.ip),
        ]);
      assert.equal(known.size, size);
    }
  });

  it("are told nobody who has them, and nobody who keeps no list", () => {
    const told = aSlot(0, { pod: { ip: "10.0.0.0", engine: engine(["10.0.0.1"]) } });
    assert.deepEqual(orders([told, ...ring(1)]), ["1: 0"]);
    const off = aSlot(2, { pod: { ip: "10.0.0.2", engine: anEngine({ suppression: null }) } });
    const old = aSlot(3, { pod: { ip: "10.0.0.3", engine: anEngine() } });
    assert.deepEqual(orders([told, ...ring(1), off, old]), ["1: 0"]);
  });

  it("may be silent, but not leave for good or be without an address", () => {
    const silent = aSlot(1, { pod: { ip: "10.0.0.1", engine: null } });
    assert.deepEqual(orders([...ring(0), silent]), ["0: 1"]);
    for (const pod of [{ isTerminating: true }, { ip: null }, { phase: "Failed" as const }])
      assert.deepEqual(orders([...ring(0), aSlot(1, { pod: { engine: engine(), ...pod } })]), []);
  });
});

describe("the last list of a cluster", () => {
  it("is that of a pod which no other could fetch from, unless it is empty", () => {
    const [last = aSlot(0), other] = ring(0, 1);
    assert.equal(isLastList(last, [last]), true);
    assert.equal(isLastList(last, [last, other ?? last]), false);
    assert.equal(isLastList(last, [last, aSlot(1, { pod: null })]), true);
    const empty = aSlot(0, {
      pod: { engine: anEngine({ suppression: { sources: [], unshared: false, size: 0 } }) },
    });
    assert.equal(isLastList(empty, [empty]), false);
    assert.equal(isLastList(aSlot(0), [aSlot(0)]), false);
  });
});

describe("a list that one pod alone has", () => {
  it("keeps its claim while another pod can fetch it", () => {
    const alone = aSlot(0, { pod: { engine: engine([], true) } });
    assert.equal(isListAlone(alone, [alone, ...ring(1)]), true);
    assert.equal(isListAlone(aSlot(0, { pod: { engine: engine() } }), ring(0, 1)), false);
  });

  it("keeps nothing when nobody could", () => {
    const alone = aSlot(0, { pod: { engine: engine([], true) } });
    assert.equal(isListAlone(alone, [alone]), false);
    for (const other of [aSlot(1), aSlot(1, { pod: { engine: null } }), aSlot(1, { pod: null })])
      assert.equal(isListAlone(alone, [alone, other]), false);
  });
});
