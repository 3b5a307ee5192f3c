import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import type { SearchPage } from "#contract/insight-api.ts";
import { mergePages, shareOfPage } from "./merge.ts";

/** One engine's page after a place, as the engine makes it. */
function pageOf(ids: readonly string[], after: string | null, limit: number): SearchPage {
  const rest = ids.filter((id) => after === null || id > after).sort();
  const found = rest.slice(0, limit);
  const entries = found.map((id) => ({ id })) as unknown as SearchPage["entries"];
  return { entries, next: rest.length > limit ? (found.at(-1) ?? null) : null, matched: ids.length };
}

test("pages of a cluster show every entry once and in order, however they lie on its engines", () => {
  const engine = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 120 });
  fc.assert(
    fc.property(
      fc.array(engine, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 60 }),
      (drawn, limit) => {
        // The engine's number at the end: no two have the same entry.
        const engines = drawn.map((numbers, n) => numbers.map((i) => `M${String(i).padStart(4, "0")}${n}/0`));
        const share = shareOfPage(limit, engines.length);
        const seen: string[] = [];
        let after: string | null = null;
        do {
          const answers = engines.map((ids, n) => ({ engine: `${n}`, value: pageOf(ids, after, share) }));
          const page = mergePages({ answers, failures: [] }, limit);
          assert.ok(page.entries.length > 0 || page.next === null);
          seen.push(...page.entries.map(({ id }) => id));
          after = page.next;
        } while (after !== null);
        assert.deepEqual(seen, engines.flat().sort());
      },
    ),
    { numRuns: 200 },
  );
});
