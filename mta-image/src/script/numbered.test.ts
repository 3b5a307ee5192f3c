import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { pageOf } from "./numbered.ts";

test("pages hold every entry once, in order, whatever order they are found in", () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 10_000 }), { maxLength: 300 });
  fc.assert(
    fc.property(numbers, fc.integer({ min: 1, max: 20 }), (found, limit) => {
      const entries = found.map((number) => ({ number }));
      const seen: number[] = [];
      for (let after: number | null = 0; after !== null; ) {
        const page: ReturnType<typeof pageOf<{ number: number }>> = pageOf(entries, { after, limit });
        assert.ok(page.entries.length <= limit);
        seen.push(...page.entries.map(({ number }) => number));
        after = page.next;
      }
      assert.deepEqual(
        seen,
        found.toSorted((a, b) => a - b),
      );
    }),
  );
});
