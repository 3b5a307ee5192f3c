import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type Edits, noteEdit, settledAt } from "./settle.ts";

const settleMs = 10_000;

/** Edits at these times, each another one: when pods may go. */
function editedAt(...times: readonly number[]): number {
  let edits: Edits | null = null;
  for (const now of times) edits = noteEdit(edits, { wanted: `at ${now}`, now, settleMs });
  assert.ok(edits !== null);
  return settledAt(edits, settleMs);
}

describe("edits that need a restart", () => {
  test("are waited for as long as they come", () => {
    assert.equal(editedAt(0), 10_000);
    assert.equal(editedAt(0, 4000), 14_000);
    assert.equal(editedAt(0, 9999, 19_000), 29_000);
  });

  test("hold it up no longer than six times the quiet time", () => {
    const often = Array.from({ length: 100 }, (_, i) => i * 500);
    assert.equal(editedAt(...often), 59_500);
    assert.equal(editedAt(...often, 50_000, 55_000, 59_000), 60_000);
  });

  test("that come after it are another change", () => {
    assert.equal(editedAt(0, 10_000), 20_000);
    const often = Array.from({ length: 10 }, (_, i) => 10_000 + i * 5000);
    assert.equal(editedAt(0, ...often), 65_000, "the first one does not count towards the six");
  });

  test("are none while the same is wanted", () => {
    const first = noteEdit(null, { wanted: "a", now: 0, settleMs });
    assert.equal(noteEdit(first, { wanted: "a", now: 9000, settleMs }), first);
  });

  test("wait for nothing where no time is to be quiet", () => {
    const edits = noteEdit(null, { wanted: "a", now: 7, settleMs: 0 });
    assert.equal(settledAt(edits, 0), 7);
  });
});
