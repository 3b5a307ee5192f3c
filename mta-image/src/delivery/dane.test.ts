import assert from "node:assert/strict";
import { X509Certificate, createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import fc from "fast-check";

import { makeCertificate } from "../../testing/certificates.ts";
import { judgeChain, usableRecords } from "./dane.ts";

const folder = mkdtempSync(join(tmpdir(), "dane-"));
after(() => rmSync(folder, { recursive: true }));
const leaf = new X509Certificate(readFileSync(makeCertificate(folder, "mx.example.net").cert));
const facts = { names: ["mx.example.net"], now: new Date() };
const sha256 = createHash("sha256").update(leaf.raw).digest();

test("a record names a certificate by all of its bytes: one changed or cut at any place does not", () => {
  const record = (certificate: Buffer, matchingType = 1): unknown => ({
    usage: 3,
    selector: 0,
    matchingType,
    certificate,
  });
  assert.equal(judgeChain(usableRecords([record(sha256)]), leaf, facts), null);
  assert.equal(judgeChain(usableRecords([record(leaf.raw, 0)]), leaf, facts), null);
  for (let at = 0; at < sha256.length; at++) {
    assert.deepEqual(usableRecords([record(sha256.subarray(0, at))]), []);
    const changed = Buffer.from(sha256);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.notEqual(judgeChain(usableRecords([record(changed)]), leaf, facts), null);
  }
  for (let at = 1; at < leaf.raw.length; at += 7)
    assert.notEqual(judgeChain(usableRecords([record(leaf.raw.subarray(0, at), 0)]), leaf, facts), null);
});

test("any records are used or left out, and none that does not hold the certificate lets it pass", () => {
  const number = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(255, -1, Number.NaN, "1", null));
  const record = fc.record({
    usage: number,
    selector: number,
    matchingType: number,
    certificate: fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(Buffer.alloc(32), Buffer.alloc(64), "x", null, undefined),
    ),
  });
  const records = fc.array(fc.oneof(record, fc.constantFrom(null, undefined, 7, "x", [])), { maxLength: 30 });
  fc.assert(
    fc.property(records, (given) => {
      const usable = usableRecords(given);
      assert.ok(usable.length <= 20);
      assert.notEqual(judgeChain(usable, leaf, facts), null);
      assert.equal(judgeChain(usable, undefined, facts), "no certificate");
    }),
  );
});

test("a record of an authority wants a name, dates and a whole chain, which one of the certificate itself does not", () => {
  const other = new X509Certificate(readFileSync(makeCertificate(folder, "other.example.net").cert));
  const judge = (usage: 2 | 3, certificate: X509Certificate, changes: Partial<typeof facts> = {}) => {
    const names = [{ usage, selector: 0, matchingType: 0, certificate: certificate.raw }];
    return judgeChain(usableRecords(names), certificate, { ...facts, ...changes });
  };
  const [early, late] = [new Date(0), new Date("2200-01-01")];
  const elsewhere = { names: ["mx.example.org"] };
  for (const changes of [{ now: early }, { now: late }, elsewhere])
    assert.equal(judge(3, leaf, changes), null, "RFC 7672 3.1.1");
  assert.equal(judge(2, leaf), "no TLSA record names the certificate or its authorities");
  for (const now of [early, late]) assert.equal(judge(2, leaf, { now }), "a certificate is out of date");
  assert.equal(judge(2, leaf, elsewhere), "the certificate is for another name");
  const foreign = new X509Certificate(leaf.raw);
  Object.defineProperty(foreign, "issuerCertificate", { value: other });
  assert.equal(judge(2, foreign), "the chain of certificates is broken");
});
