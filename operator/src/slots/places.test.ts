import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type HeldPlace, type Place, decidePlace } from "./places.ts";

const at = (index: number, turn: number | null, of = 3): Place => ({ of, index, turn });

function decide(
  told: Place | null,
  others: readonly HeldPlace[],
  mine: readonly HeldPlace[] = told === null ? [] : [told],
) {
  const all = new Map<string, readonly HeldPlace[]>([
    ["me", mine],
    ...others.map((place, i) => [`other-${i}`, [place]] as const),
  ]);
  return decidePlace("me", told, { all, of: 3, turn: 4 });
}

describe("places among the engines of a cluster", () => {
  test("are the first that nobody has, and stay", () => {
    assert.deepEqual(decide(null, [at(0, 4), at(2, 4)]), { index: 1, turn: 4 });
    assert.equal(decide(at(1, 4), [at(0, 4), at(2, 4)]), "right");
  });

  test("of another number of engines are given back first, by everybody", () => {
    assert.equal(decide(at(1, 4, 2), []), null);
    assert.equal(decide(null, [at(1, 4, 2)]), "wait");
  });

  test("wait where none is free", () => {
    assert.equal(decide(null, [at(0, 4), at(1, 4), at(2, 4)]), "wait");
  });

  test("give the old turn back before the next", () => {
    assert.deepEqual(decide(at(1, 3), [at(0, 3), at(2, 3)]), { index: 1, turn: null });
    assert.deepEqual(decide(at(1, null), [at(0, null), at(2, null)]), { index: 1, turn: 4 });
  });

  test("take no turn while somebody, or oneself, may still use that part of what is left over", () => {
    assert.equal(decide(at(1, null), [at(2, 3)]), "wait");
    assert.deepEqual(decide(null, [at(2, 0)]), { index: 0, turn: 4 });
    assert.deepEqual(decide(null, [at(1, 3)]), { index: 0, turn: null });
    assert.equal(decide(at(1, null), [], [at(1, null), at(1, 3)]), "wait");
    assert.equal(decide(at(1, null), ["unknown"]), "wait");
  });
});
