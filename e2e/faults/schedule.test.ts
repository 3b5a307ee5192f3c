import assert from "node:assert/strict";
import { test } from "node:test";

import { seededRandom } from "#base/random.ts";

import { type RequestKind, Schedule } from "./schedule.ts";

const requests: readonly RequestKind[] = ["list", "watch", "get", "write", "lease"];

function faultsOf(seed: number, most = 1000): readonly string[] {
  const schedule = new Schedule(seed, most);
  return Array.from({ length: 500 }, (_, at) =>
    JSON.stringify(schedule.next(requests[at % 5] as RequestKind)),
  );
}

test("a seed gives the same faults each time, and another seed others", () => {
  assert.deepEqual(faultsOf(7), faultsOf(7));
  assert.notDeepEqual(faultsOf(7), faultsOf(8));
});

test("every kind of fault comes", () => {
  // The rare ones come once in a few hundred requests.
  const faults = [1, 2, 3, 4, 5].flatMap((seed) => faultsOf(seed));
  const kinds = new Set(faults.map((text) => (JSON.parse(text) as { kind: string } | null)?.kind ?? ""));
  assert.deepEqual([...kinds].sort(), [
    "",
    "break",
    "cut-all",
    "delay",
    "echo",
    "expire",
    "kill",
    "lose-answer",
    "lose-request",
    "refuse",
    "repeat",
    "stale",
  ]);
});

test("after the last fault nothing goes wrong any more", () => {
  assert.equal(faultsOf(3, 12).filter((text) => text !== "null").length, 12);
});

test("chance is spread evenly", () => {
  const random = seededRandom(1);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i++) {
    const at = Math.floor(random() * 10);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  assert.ok(Math.min(...counts) > 850 && Math.max(...counts) < 1150, counts.join(" "));
});
