import assert from "node:assert/strict";
import { test } from "node:test";

import { authorDomain } from "./author.ts";
import { withoutForged } from "./forged.ts";

test("the domain of From is that of its address, whatever names and comments say", () => {
  const cases: readonly (readonly [string, string | null])[] = [
    ["ann@Example.ORG", "example.org"],
    ["Ann <ann@example.org>", "example.org"],
    ['"ceo@bank.example" <ann@example.org>', "example.org"],
    ['"a \\" b@bank.example" <ann@example.org>', "example.org"],
    ["ann@example.org (for boss@bank.example)", "example.org"],
    ["\r\n ann@example.org", "example.org"],
    ["ann@example.org, bob@example.org", "example.org"],
    ["ann@example.org, bob@example.net", null],
    ["ann@bücher.example", "xn--bcher-kva.example"],
    ["nobody", null],
    ["", null],
  ];
  for (const [from, domain] of cases) {
    assert.equal(authorDomain(Buffer.from(`Subject: x\r\nFrom: ${from}\r\n\r\n`)), domain, from);
  }
});

test("two From fields, none, and one without end have no domain", () => {
  for (const head of [
    "From: a@example.org\r\nFrom: b@example.org\r\n",
    "Subject: x\r\n",
    `From: ${'"\\'.repeat(50_000)}\r\n`,
  ]) {
    assert.equal(authorDomain(Buffer.from(`${head}\r\n`)), null);
  }
});

test("a From field of more than eight kilobytes is no list of authors", () => {
  const from = (length: number): Buffer =>
    Buffer.from(`From: ${"x".repeat(length)} <ann@example.org>\r\n\r\n`);
  assert.deepEqual([authorDomain(from(8100)), authorDomain(from(8193))], ["example.org", null]);
});

test("results that claim our name go, in every spelling; those of others stay, byte for byte", () => {
  const kept = "Received: x\r\nAuthentication-Results: mx.example.net.evil; spf=pass\r\nSubject: y\r\n";
  const forged = [
    "Authentication-Results: mx.example.net; dkim=pass\r\n",
    "AUTHENTICATION-RESULTS : MX.example.net 1; dkim=pass\r\n",
    "Authentication-Results:\r\n (comment) mx.example.net;\r\n\tdkim=pass\r\n",
    'Authentication-Results: "mx.example.net"; dkim=pass\r\n',
  ];
  const head = Buffer.from(`${forged.join(kept)}\r\n`);
  const left = withoutForged(head, "mx.example.net").toString();
  assert.equal(left, `${kept.repeat(forged.length - 1)}\r\n`);
});
