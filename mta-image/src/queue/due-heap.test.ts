import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { makeMessage } from "../../testing/messages.ts";
import { DestinationQueue } from "./destination-queue.ts";
import { DueHeap } from "./due-heap.ts";
import { Entry } from "./entry.ts";

const message = makeMessage();
const destination = new DestinationQueue<Entry>("out example.net", {
  transportId: "out",
  domain: "example.net",
  jobId: "",
  tenantId: "",
});

function entry(dueAt: number): Entry {
  const state = { status: "queued", attempts: 0, dueAt, lastReply: "", delayNotices: 0 } as const;
  return new Entry({ message, recipient: 0, destination }, state);
}

test("whatever is added and removed, the earliest entry is in front", () => {
  const steps = fc.array(fc.record({ dueAt: fc.integer({ min: 0, max: 50 }), remove: fc.boolean() }));
  fc.assert(
    fc.property(steps, fc.integer({ min: 0 }), (orders, seed) => {
      const heap = new DueHeap<Entry>();
      const inside: Entry[] = [];
      for (const [i, { dueAt, remove }] of orders.entries()) {
        if (remove && inside.length > 0) {
          const [gone] = inside.splice((seed + i) % inside.length, 1);
          if (gone !== undefined) heap.remove(gone);
          if (gone !== undefined) heap.remove(gone);
        } else {
          const added = entry(dueAt);
          inside.push(added);
          heap.add(added);
        }
        assert.equal(heap.size, inside.length);
        const earliest = inside.length === 0 ? undefined : Math.min(...inside.map((other) => other.dueAt));
        assert.equal(heap.peek()?.dueAt, earliest);
      }
    }),
  );
});

test("entries that are all given other times come out by those", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.integer({ min: 1, max: 50 }), (times, turn) => {
      const heap = new DueHeap<Entry>();
      for (const dueAt of times) heap.add(entry(dueAt));
      const other = (dueAt: number): number => (dueAt * 7 + turn) % 51;
      heap.retime(({ dueAt }) => other(dueAt));
      const out: number[] = [];
      for (let next = heap.peek(); next !== undefined; next = heap.peek()) {
        out.push(next.dueAt);
        heap.remove(next);
      }
      assert.deepEqual(
        out,
        times.map(other).toSorted((a, b) => a - b),
      );
    }),
  );
});
