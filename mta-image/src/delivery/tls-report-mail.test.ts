import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { readReceivers } from "./tls-report-mail.ts";

test("any record names addresses and URLs that can stand in a command and a request, or nobody", () => {
  const part = fc.constantFrom(
    ...["v=TLSRPTv1", ";", "rua=", "mailto:", "https://", "a@example.net", ",", "%0d%0a", "%", "%00", " "],
    ...["rpt.example.net/x", "@", "user:pass@", "[::1]", "\r\n", "é", "x".repeat(300), "!10m"],
  );
  const text = fc.oneof(
    fc.array(part, { maxLength: 14 }).map((parts) => parts.join("")),
    fc.array(part, { maxLength: 14 }).map((parts) => `v=TLSRPTv1;rua=${parts.join("")}`),
    fc.string({ unit: "binary" }),
  );
  const strings = fc.array(fc.array(text, { maxLength: 3 }), { maxLength: 3 });
  fc.assert(
    fc.property(strings, (records) => {
      const receivers = readReceivers(records);
      assert.ok(receivers.length <= 5);
      for (const receiver of receivers) {
        if (receiver.kind === "mail") assert.match(receiver.address, /^[!-~]+@[A-Za-z0-9.-]+$/);
        else assert.equal(new URL(receiver.url).protocol, "https:");
      }
    }),
    { numRuns: 1000 },
  );
});

test("a record cut at any place names nobody, or a part of those that it named", () => {
  const whole = "v=TLSRPTv1; rua=mailto:a@example.net,https://rpt.example.net/v1";
  for (let at = 0; at <= whole.length; at++) {
    // Two strings of one record are one text.
    assert.deepEqual(readReceivers([[whole.slice(0, at), whole.slice(at)]]), readReceivers([[whole]]));
    assert.ok(readReceivers([[whole.slice(0, at)]]).length <= 2);
  }
});
