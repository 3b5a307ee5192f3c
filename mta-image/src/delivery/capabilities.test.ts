import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { readCapabilities } from "./capabilities.ts";

const said = (...lines: string[]): ReturnType<typeof readCapabilities> =>
  readCapabilities(["mx.example.net greets you", ...lines]);

test("what a host offers is read in any case, and the first of its kind counts", () => {
  const offered = said("pipelining", "Size 5000", "SIZE 1", "LIMITS RCPTMAX=20 MAILMAX=5", "chunking");
  assert.deepEqual(
    [offered.pipelining, offered.chunking, offered.startTls, offered.maxSizeBytes],
    [true, true, false, 5000],
  );
  assert.deepEqual([offered.maxRecipients, offered.maxTransactions], [20, 5]);
});

test("numbers that make no sense are as if nothing had been said", () => {
  const usual = said();
  for (const junk of ["SIZE 0", "SIZE x", "SIZE -1", "SIZE 99999999999999999999", "SIZE 1e9", "SIZE"]) {
    assert.equal(said(junk).maxSizeBytes, null, junk);
  }
  for (const junk of ["RCPTMAX=0", "RCPTMAX=x", "RCPTMAX", "=", "RCPTMAX=-5 MAILMAX=0", "__proto__=1"]) {
    const { maxRecipients, maxTransactions } = said(`LIMITS ${junk}`);
    assert.deepEqual([maxRecipients, maxTransactions], [usual.maxRecipients, null], junk);
  }
});

test("a host that offers a thousand things, or what objects are born with, offers what we know of them", () => {
  const many = Array.from({ length: 1000 }, (_, i) => `X-THING-${i} ${"y".repeat(400)}`);
  assert.deepEqual(said(...many, "__proto__ x", "constructor", "DSN"), { ...said(), dsn: true });
});

test("any lines are read without a throw and give limits that can be kept", () => {
  const piece = fc.constantFrom(
    "SIZE",
    "LIMITS",
    "RCPTMAX=",
    "MAILMAX=",
    " ",
    "  ",
    "0",
    "7",
    "=",
    "-",
    "\t",
    "é",
    "",
  );
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 8 }), { maxLength: 6 }), (lines) => {
      const read = readCapabilities(lines.map((pieces) => pieces.join("")));
      assert.ok(read.maxRecipients >= 1);
      assert.ok(read.maxSizeBytes === null || read.maxSizeBytes >= 1);
      assert.ok(read.maxTransactions === null || read.maxTransactions >= 1);
    }),
  );
});
