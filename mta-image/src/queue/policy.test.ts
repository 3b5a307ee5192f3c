import assert from "node:assert/strict";
import { test } from "node:test";

import { type CountedField, QueueLimits, type QueueMatch, queueFields } from "#contract/queue-fields.ts";
import type { Facts } from "./matching.ts";
import { type Policy, applyPolicies, compilePolicy, limitsOf } from "./policy.ts";

type Written = Parameters<typeof QueueLimits.parse>[0];

const limits = (written: Written): ReturnType<typeof limitsOf> =>
  limitsOf(QueueLimits.parse(written), "fixedwindow");
const facts = (known: Partial<Facts>): Facts =>
  ({ ...Object.fromEntries(queueFields.map((field) => [field, ""])), ...known }) as Facts;

function policy(
  id: string,
  fields: CountedField[],
  conditions: [QueueMatch, Written][],
  fallback?: Written,
): Policy {
  return compilePolicy(
    {
      id,
      type: "config",
      fields,
      conditions: conditions.map(([match, written]) => ({ if: match, limits: limits(written) })),
      fallback: fallback === undefined ? null : limits(fallback),
    },
    () => undefined,
  );
}

/** Short form: "id concurrency" of all that apply. */
function applied(policies: readonly Policy[], known: Partial<Facts>): string[] {
  return applyPolicies(policies, facts(known)).map(
    ({ policy: { id }, limits: { concurrency } }) => `${id} ${concurrency}`,
  );
}

const key = (one: Policy, known: Partial<Facts>): string | undefined =>
  applyPolicies([one], facts(known))[0]?.key;

test("the first condition that matches gives the limits, else the default", () => {
  const one = policy(
    "p",
    ["recipientdomain"],
    [
      [{ recipientdomain: "a.net" }, { concurrency: 1 }],
      [{ recipientdomain: "*.net" }, { concurrency: 2 }],
      [{ recipientdomain: "b.net" }, { concurrency: 3 }],
    ],
    { concurrency: 9 },
  );
  assert.deepEqual(applied([one], { recipientdomain: "a.net" }), ["p 1"]);
  assert.deepEqual(applied([one], { recipientdomain: "x.b.net" }), ["p 2"]);
  assert.deepEqual(applied([one], { recipientdomain: "b.net" }), ["p 2"]);
  assert.deepEqual(applied([one], { recipientdomain: "b.org" }), ["p 9"]);
});

test("every policy counts, up to one that stops; without a match or a default one says nothing", () => {
  const open = policy("open", [], [[{ jobid: "a" }, { concurrency: 1 }]]);
  const first = policy("first", [], [[{ jobid: "b" }, { concurrency: 2, stop: true }]], { concurrency: 3 });
  const last = policy("last", [], [], { concurrency: 4 });
  assert.deepEqual(applied([open, first, last], { jobid: "a" }), ["open 1", "first 3", "last 4"]);
  assert.deepEqual(applied([open, first, last], { jobid: "b" }), ["first 2"]);
  assert.deepEqual(applied([policy("quiet", [], [], { stop: true }), last], {}), []);
});

test("a policy that bounds nothing holds where it has a tag or properties, which scripts are told", () => {
  const [tagged, noted, silent] = [{ tag: "bulk" }, { properties: { pool: "b" } }, {}].map((written, i) =>
    policy(`p${i}`, [], [], written),
  ) as [Policy, Policy, Policy];
  assert.deepEqual(applied([tagged, noted, silent], {}), ["p0 Infinity", "p1 Infinity"]);
});

test("each distinct combination of fields is counted by itself, no fields all together", () => {
  const pair = policy("pair", ["transportid", "recipientdomain"], [], { concurrency: 1 });
  const same = key(pair, { transportid: "t", recipientdomain: "a.net", jobid: "1" });
  assert.equal(key(pair, { transportid: "t", recipientdomain: "a.net", jobid: "2" }), same);
  assert.notEqual(key(pair, { transportid: "t", recipientdomain: "b.net" }), same);
  assert.notEqual(key(pair, { transportid: "u", recipientdomain: "a.net" }), same);
  const all = policy("all", [], [], { concurrency: 1 });
  assert.equal(key(all, { jobid: "1" }), key(all, { jobid: "2" }));
});

test("values of a field that match its roll-up are counted together, the others each by itself", () => {
  const rolled = policy("r", [{ recipientdomain: "/^yahoo\\./" }], [], { concurrency: 1 });
  const yahoo = key(rolled, { recipientdomain: "yahoo.com" });
  assert.equal(key(rolled, { recipientdomain: "yahoo.co.uk" }), yahoo);
  assert.notEqual(key(rolled, { recipientdomain: "a.net" }), yahoo);
  assert.notEqual(key(rolled, { recipientdomain: "a.net" }), key(rolled, { recipientdomain: "b.net" }));
});
