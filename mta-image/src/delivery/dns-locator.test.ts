import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeResolver } from "../../testing/fake-resolver.ts";
import { DnsLocator } from "./dns-locator.ts";
import { defaultTransport } from "./transport.ts";

const resolver = new FakeResolver({
  "a.example": {
    mx: [
      [10, "mx2.example"],
      [10, "MX1.example"],
      [5, "best.example"],
    ],
  },
  "b.example": {
    mx: [
      [10, "mx2.example"],
      [10, "mx1.example"],
    ],
  },
  "best.example": { a: ["203.0.113.9", "203.0.113.1"], aaaa: ["2001:db8::1"] },
  "mx1.example": { a: ["203.0.113.2"] },
  "slow.example": { failed: true },
});
const locator = new DnsLocator({
  finder: { resolver, random: () => 0.99, hostname: "us.example", isForbidden: () => false },
  transport: (id) =>
    id === "out"
      ? defaultTransport
      : id === "fixed"
        ? { ...defaultTransport, server: "mx1.example:2525" }
        : undefined,
});

test("hosts come by preference and name, with the addresses of the first", async () => {
  const { hosts, ips } = await locator.locate({ transportId: "out", domain: "a.example" });
  assert.equal(hosts[0], "best.example");
  assert.deepEqual([...hosts].sort(), ["best.example", "mx1.example", "mx2.example"]);
  assert.deepEqual(ips, ["2001:db8::1", "203.0.113.1", "203.0.113.9"]);
});

test("the answer for a domain is the same each time, also among equal exchangers", async () => {
  const first = await locator.locate({ transportId: "out", domain: "b.example" });
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(await locator.locate({ transportId: "out", domain: "b.example" }), first);
  }
});

test("a fixed server is where its transport goes, and what is not known is empty", async () => {
  const fixed = await locator.locate({ transportId: "fixed", domain: "a.example" });
  assert.deepEqual(fixed, { hosts: ["mx1.example"], ips: ["203.0.113.2"] });
  for (const [transportId, domain] of [
    ["out", "slow.example"],
    ["out", "nowhere.example"],
    ["gone", "a.example"],
  ] as const) {
    assert.deepEqual(await locator.locate({ transportId, domain }), { hosts: [], ips: [] });
  }
});

test("more questions than may be asked at once are all answered", async () => {
  const answers = await Promise.all(
    Array.from({ length: 350 }, () => locator.locate({ transportId: "out", domain: "a.example" })),
  );
  assert.ok(answers.every(({ hosts }) => hosts[0] === "best.example"));
});
