import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { Utf8Need } from "./utf8-need.ts";

function isNeeded(pieces: Iterable<Buffer>): boolean {
  const need = new Utf8Need();
  for (const piece of pieces) need.push(piece);
  return need.isThere;
}

const multipart = "Content-Type:\r\n multipart/mixed; boundary=x\r\n\r\n--x\r\n";
const named = `${multipart}Content-Disposition: attachment; filename=ö.txt\r\n\r\nx\r\n--x--\r\n`;

for (const [what, text, needed] of [
  ["nothing beyond ASCII", "Subject: x\r\n\r\nhello\r\n", false],
  ["a field beyond ASCII", "Subject: ö\r\n\r\nhello\r\n", true],
  ["text beyond ASCII", "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ngrüße\r\n", false],
  ["text beyond ASCII that nobody describes", "Subject: x\r\n\r\ngrüße\r\n", false],
  ["a part whose header is beyond ASCII", named, true],
  ["parts in ASCII", named.replace("ö", "o"), false],
  ["a message within", "Content-type: message/global\r\n\r\nSubject: ö\r\n\r\n", true],
  ["an empty header", "\r\nö\r\n", false],
  ["a header that never ends", "Subject: x\r\nX: ö", true],
] as const) {
  test(`${what}: SMTPUTF8 is ${needed ? "" : "not "}needed, wherever the bytes are cut`, () => {
    for (const pieces of byteCuts(Buffer.from(text))) assert.equal(isNeeded(pieces), needed);
  });
}

test("of any bytes, those in ASCII never need it, and a header beyond ASCII always does", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (arrays) => {
      const pieces = arrays.map((bytes) => Buffer.from(bytes));
      const all = Buffer.concat(pieces);
      if (all.every((byte) => byte < 128)) assert.ok(!isNeeded(pieces));
      if (!all.includes("\n") && all.some((byte) => byte > 127)) assert.ok(isNeeded(pieces));
    }),
  );
});
