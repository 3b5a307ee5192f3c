import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { parseMailParameters, parseRcptParameters } from "./parameters.ts";
import { decodeXtext, encodeXtext, utf8Xtext } from "./xtext.ts";

const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

test("what was said about notices is kept as it was said", () => {
  assert.partialDeepStrictEqual(parseMailParameters(" RET=full ENVID=a+3Db"), {
    ret: "FULL",
    envid: "a+3Db",
  });
  assert.deepEqual(parseRcptParameters(" notify=Delay,FAILURE ORCPT=rfc822;a+2Bb@example.net"), {
    notify: ["DELAY", "FAILURE"],
    orcpt: "rfc822;a+2Bb@example.net",
  });
  assert.deepEqual(parseRcptParameters(""), { notify: null, orcpt: null });
});

test("an envelope id is at most 100 long, an original recipient 500", () => {
  assert.partialDeepStrictEqual(parseMailParameters(` ENVID=${"a".repeat(100)}`), { ret: null });
  assert.partialDeepStrictEqual(parseMailParameters(` ENVID=${"a".repeat(101)}`), { code: 501 });
  assert.partialDeepStrictEqual(parseRcptParameters(` ORCPT=rfc822;${"a".repeat(493)}`), { notify: null });
  assert.partialDeepStrictEqual(parseRcptParameters(` ORCPT=rfc822;${"a".repeat(494)}`), { code: 501 });
});

test("an internationalised original recipient is kept in ASCII", () => {
  const orcpt = (text: string): unknown => parseRcptParameters(` ORCPT=utf-8;${text}`);
  assert.partialDeepStrictEqual(orcpt(latin1("jörg@example.org")), { orcpt: "utf-8;j\\x{F6}rg@example.org" });
  assert.partialDeepStrictEqual(orcpt("j\\x{F6}rg@example.org"), { orcpt: "utf-8;j\\x{F6}rg@example.org" });
  for (const bad of ["", "j\xff@b", "\\x{D800}@b", "\\x{0A}@b", "\\x{110000}@b", "a\\b", "a+b", "a\\x{f6}"]) {
    assert.partialDeepStrictEqual(orcpt(bad), { code: 501 }, bad);
  }
});

test("xtext holds any printable text and comes back as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme-ascii", minLength: 1 }), (text) => {
      const encoded = encodeXtext(text);
      assert.match(encoded, /^[\x21-\x7e]+$/);
      assert.equal(decodeXtext(encoded), text);
    }),
  );
  for (const bad of ["", "a b", "+", "+4", "+4g", "+0D", "+7F", "=", "+aa"])
    assert.equal(decodeXtext(bad), null);
});

test("names that objects are born with are unknown parameters", () => {
  assert.partialDeepStrictEqual(parseMailParameters(" CONSTRUCTOR=1"), { code: 555 });
  assert.partialDeepStrictEqual(parseRcptParameters(" TOSTRING"), { code: 555 });
});

test("parameters of any bytes are read or refused, never anything else", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      const parsed = parseRcptParameters(` ORCPT=utf-8;${text}`);
      if ("orcpt" in parsed) assert.match(parsed.orcpt ?? "", /^[\x21-\x7e]+$/);
      else assert.ok(parsed.code === 501 || parsed.code === 555);
      utf8Xtext(text);
    }),
    { numRuns: 2000 },
  );
});
