import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { type QueueField, type QueueMatch, queueFields } from "#contract/queue-fields.ts";
import { type Facts, compileMatch } from "./matching.ts";

const nothing = Object.fromEntries(queueFields.map((field) => [field, ""])) as Facts;
const lists = (field: QueueField, name: string): ReadonlySet<string> | undefined =>
  field === "localip" && name === "cold" ? new Set(["192.0.2.7"]) : undefined;

function matches(match: QueueMatch, facts: Partial<Facts>): boolean {
  return compileMatch(match, lists).matches({ ...nothing, ...facts });
}

test("values match as text, pattern, list, network and name below a domain", () => {
  const table: [QueueMatch, Partial<Facts>, boolean][] = [
    [{}, {}, true],
    [{ recipientdomain: "Example.net" }, { recipientdomain: "example.net" }, true],
    [{ recipientdomain: "example.net" }, { recipientdomain: "a.example.net" }, false],
    [{ recipientdomain: "*.example.net" }, { recipientdomain: "a.b.example.net" }, true],
    [{ recipientdomain: "*.example.net" }, { recipientdomain: "example.net" }, false],
    [{ recipientdomain: "/^yahoo\\./" }, { recipientdomain: "yahoo.co.uk" }, true],
    [{ recipientdomain: "/^yahoo\\./" }, { recipientdomain: "notyahoo.com" }, false],
    [{ recipientdomain: ["a.net", "b.net"] }, { recipientdomain: "b.net" }, true],
    [{ recipientdomain: ["a.net", "b.net"] }, { recipientdomain: "c.net" }, false],
    [{ localip: "@cold" }, { localip: "192.0.2.7" }, true],
    [{ localip: "@cold" }, { localip: "192.0.2.8" }, false],
    [{ localip: "@unknown" }, { localip: "192.0.2.7" }, false],
    [{ localip: "192.0.2.0/24" }, { localip: "192.0.2.8" }, true],
    [{ localip: "192.0.2.0/24" }, { localip: "192.0.3.8" }, false],
    [{ localip: "2001:db8::/32" }, { localip: "2001:0db8:0::1" }, true],
    [{ localip: "2001:db8::1" }, { localip: "2001:db8:0:0::1" }, true],
    [{ remoteip: "192.0.2.0/24" }, { remoteip: "2001:db8::1" }, false],
    [{ remoteip: "192.0.2.0/33" }, { remoteip: "192.0.2.0" }, false],
    [{ remoteip: "192.0.2.0/-1" }, { remoteip: "192.0.2.0" }, false],
    [{ remoteip: "nowhere" }, { remoteip: "192.0.2.0" }, false],
    [{ remoteip: "192.0.2.0/x" }, { remoteip: "192.0.2.0" }, false],
    [{ recipientdomain: "*.Yahoo.COM" }, { recipientdomain: "mail.yahoo.com" }, true],
    [{ grouping: "&google" }, { grouping: "&google" }, true],
    [
      { transportid: "out", recipientdomain: "a.net" },
      { transportid: "out", recipientdomain: "b.net" },
      false,
    ],
    [{ jobid: "/.*/" }, {}, false],
  ];
  for (const [match, facts, expected] of table) {
    assert.equal(matches(match, facts), expected, `${JSON.stringify(match)} on ${JSON.stringify(facts)}`);
  }
});

test("mail is chosen by each of the eight facts, and by none of the others in its place", () => {
  const others = Object.fromEntries(queueFields.map((field) => [field, "named"])) as Facts;
  for (const field of queueFields) {
    assert.equal(matches({ [field]: "named" }, { [field]: "named" }), true, field);
    assert.equal(matches({ [field]: "named" }, { ...others, [field]: "another" }), false, field);
  }
  assert.equal(queueFields.length, 8);
});

test("an index by the exact value never misses what the condition matches", () => {
  const value = fc.constantFrom("a", "b", "*.a", "/a/", "@cold", "192.0.2.7", "192.0.2.0/24");
  const match = fc.dictionary(fc.constantFrom(...queueFields), value) as fc.Arbitrary<QueueMatch>;
  const facts = fc.dictionary(fc.constantFrom(...queueFields), fc.constantFrom("a", "b", "x.a", "192.0.2.7"));
  fc.assert(
    fc.property(match, facts, (condition, known) => {
      const matcher = compileMatch(condition, lists);
      const all = { ...nothing, ...known };
      if (matcher.matches(all) && matcher.exact !== null) {
        assert.equal(all[matcher.exact.field], matcher.exact.value);
      }
    }),
  );
});
