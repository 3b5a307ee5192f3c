import assert from "node:assert/strict";
import { test } from "node:test";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { LineEnds, parseChunk } from "./chunk.ts";

test("a chunk has a size and may be the last", () => {
  assert.deepEqual(parseChunk("0"), { size: 0, isLast: false });
  assert.deepEqual(parseChunk("1000 LAST"), { size: 1000, isLast: true });
  assert.deepEqual(parseChunk("10 last "), { size: 10, isLast: true });
});

test("what is no size is refused", () => {
  for (const text of [
    "",
    " ",
    "-1",
    "x",
    "1.5",
    "10 LAST X",
    "10LAST",
    "18446744073709551616",
    "1e3",
    "+1",
  ]) {
    assert.equal(parseChunk(text), null, text);
  }
});

const verdict = (pieces: readonly Buffer[]): boolean => {
  const ends = new LineEnds();
  for (const piece of pieces) ends.push(piece);
  return ends.isBad({ atEnd: true });
};

test("line ends are judged alike however the bytes are cut", () => {
  const good = ["", "a", "\r\n", "a\r\nb", "a\r\n\r\nb\r\n", "\r\n.\r\n"];
  const bad = [
    "\n",
    "\r",
    "a\nb",
    "a\rb",
    "a\r\r\n",
    "\r\n\n",
    "a\0b",
    "\0",
    "a\r\n\0",
    "a\r",
    "\ra\r\n",
    "a\n\r\n",
  ];
  for (const [texts, expected] of [
    [good, false],
    [bad, true],
  ] as const) {
    for (const text of texts) {
      for (const pieces of byteCuts(Buffer.from(text, "latin1"))) {
        assert.equal(
          verdict(pieces),
          expected,
          JSON.stringify(pieces.map((piece) => piece.toString("latin1"))),
        );
      }
    }
  }
});
