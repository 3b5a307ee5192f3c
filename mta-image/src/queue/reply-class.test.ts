import assert from "node:assert/strict";
import { test } from "node:test";

import { makeClassifier } from "./reply-class.ts";

const classify = makeClassifier({ rules: [] });
const classOf = (reply: string, status = ""): string => classify({ reply, status }, "example.net");

test("a status that says something decides, whatever the text", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["550 5.1.1 <a@x.net>: spam is not the matter", "bad-mailbox"],
    ["552 5.2.2 Over quota", "mailbox-full"],
    ["554 5.1.10 Recipient address has null MX", "bad-domain"],
    ["550 5.7.26 Unauthenticated email is not accepted due to DMARC policy", "authentication"],
    ["421 4.7.28 Gmail has detected an unusual rate of unsolicited mail", "rate-limited"],
    ["552 5.3.4 Message size exceeds fixed limit", "too-large"],
  ];
  for (const [reply, name] of cases) assert.equal(classOf(reply), name, reply);
});

test("a general status or none leaves it to the text", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints", "rate-limited"],
    [
      "450 4.2.0 <a@x.net>: Recipient address rejected: Greylisted, see http://postgrey.example",
      "greylisted",
    ],
    ["554 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org", "blocked"],
    ["550 5.7.1 Client host is on our block list", "blocked"],
    ["550 Requested action not taken: mailbox unavailable", "bad-mailbox"],
    ["550 No such user here", "bad-mailbox"],
    ["554 5.7.1 <a@x.net>: Relay access denied", "relaying"],
    ["552 Message size exceeds maximum", "too-large"],
    ["451 4.3.0 Temporary local problem", "system"],
    ["550 5.7.1 Rejected", "policy"],
    ["554 Transaction failed", "other"],
  ];
  for (const [reply, name] of cases) assert.equal(classOf(reply), name, reply);
});

test("what no server said has our own status, and a status that we chose for a server does not count", () => {
  assert.equal(classOf("Connection refused", "4.4.1"), "no-answer");
  assert.equal(classOf("DNS gave no answer", "4.4.3"), "dns");
  assert.equal(classOf("550 Goodbye", "5.1.1"), "other");
});

test("administrators' rules come first, for a domain alone where they say so", () => {
  const own = makeClassifier({
    rules: [
      { class: "acme-banned", reply: "error AC-\\d+", domain: "*.acme.test" },
      { class: "policy", reply: "^550 5\\.1\\.1 .*probe" },
    ],
  });
  const reply = "550 5.1.1 Error ac-17";
  assert.equal(own({ reply, status: "" }, "mx.acme.test"), "acme-banned");
  assert.equal(own({ reply, status: "" }, "acme.test"), "bad-mailbox");
  assert.equal(own({ reply: "550 5.1.1 directory probe", status: "" }, "x.net"), "policy");
});

test("no text of the longest reply takes long to classify", () => {
  for (const piece of ["mailbox ", "user not ", "domain ", "spa", "recipient rejected? ", "\u0000", "relay "])
    assert.equal(typeof classOf(`550 ${piece.repeat(512).slice(0, 508)}`), "string");
});
