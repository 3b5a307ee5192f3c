import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { Crlf } from "./crlf.ts";

const convert = (pieces: readonly string[]): string => {
  const crlf = new Crlf();
  return (
    pieces.map((piece) => crlf.push(Buffer.from(piece, "latin1")).toString("latin1")).join("") +
    crlf.end().toString()
  );
};

test("every line end becomes CRLF, wherever the pieces are cut", () => {
  assert.equal(convert(["a\nb\rc\r\nd"]), "a\r\nb\r\nc\r\nd");
  assert.equal(convert(["a\r", "\nb\r", "c\r"]), "a\r\nb\r\nc\r\n");
  const piece = fc.string({ unit: fc.constantFrom("\r", "\n", "x", ".") });
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const converted = convert(pieces);
      assert.equal(converted, convert([pieces.join("")]));
      assert.doesNotMatch(converted, /\r(?!\n)|(?<!\r)\n/);
    }),
  );
});
