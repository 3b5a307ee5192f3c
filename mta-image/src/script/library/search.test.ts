/** Texts within texts are found where JavaScript finds them, short ones and long ones, and a long one in steps that grow with the text. */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { findFirst, findLast, splitText } from "./search.ts";

/** Few letters, so that there is much that nearly fits. */
const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 300 });
const part = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 5 }),
  fc
    .tuple(fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 2 }), fc.nat(100))
    .map(([one, times]) => one.repeat(times)),
);

test("what is sought is found where JavaScript finds it", () => {
  fc.assert(
    fc.property(text, part, fc.nat(310), fc.boolean(), (before, wanted, from, isThere) => {
      const all = isThere ? before + wanted + before : before;
      assert.equal(findFirst(all, wanted, from), all.indexOf(wanted, from));
      assert.equal(findLast(all, wanted), all.lastIndexOf(wanted));
      if (wanted !== "") assert.deepEqual(splitText(all, wanted, 7), all.split(wanted, 7));
    }),
    { numRuns: 500, seed: 6 },
  );
});

test("what is sought is found over the end of a piece", () => {
  const piece = 1 << 18;
  for (const size of [5, 64, 65, 500])
    for (const at of [0, piece - size, piece - 3, piece, piece + 1, 2 * piece - 1]) {
      const wanted = "b".padEnd(size, "c");
      const all = `${"a".repeat(at)}${wanted}${"a".repeat(piece)}`;
      assert.equal(findFirst(all, wanted, 0), at);
      assert.equal(findFirst(all, wanted, at), at);
      assert.equal(findFirst(all, wanted, at + 1), -1);
      assert.equal(findLast(all, wanted), at);
    }
});
