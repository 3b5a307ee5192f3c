import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { type ReadReport, ReportReader } from "./report-reader.ts";

function read(pieces: Iterable<Buffer>): ReadReport | null {
  const reader = new ReportReader();
  for (const piece of pieces) reader.push(piece);
  return reader.end();
}

const report = Buffer.from(
  [
    ...[
      "Content-Type: multipart/report; boundary=b",
      "",
      "--b",
      "Content-Type: text/plain",
      "",
      "sorry",
      "--b",
    ],
    ...[
      "Content-Type: message/delivery-status",
      "",
      "Reporting-MTA: dns; mx",
      "",
      "Final-Recipient: rfc822; a@b.example",
    ],
    ...[
      "Action: failed",
      "Status: 5.1.1",
      "",
      "--b",
      "Content-Type: text/rfc822-headers",
      "",
      "Subject: x",
      "",
      "--b--",
      "",
    ],
  ].join("\r\n"),
);

test("a report is read the same however its bytes are cut", () => {
  const whole = read([report]);
  assert.equal(whole?.groups.length, 2);
  assert.equal(whole.groups[1]?.get("status"), "5.1.1");
  for (const pieces of byteCuts(report)) assert.deepEqual(read(pieces), whole);
});

test("any bytes, and any part of a report, are a report or none", () => {
  const part = fc
    .tuple(fc.nat(report.length), fc.nat(report.length))
    .map(([from, to]) => report.subarray(from, to));
  const noise = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.array(fc.oneof(part, noise), { maxLength: 6 }), (pieces) => {
      const found = read(pieces);
      assert.deepEqual(read([Buffer.concat(pieces)]), found);
      if (found !== null) assert.ok(found.groups.length <= 1000);
    }),
  );
});
