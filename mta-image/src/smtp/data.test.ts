import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { DataReader, stuffDots } from "./data.ts";

/** What a reader makes of chunks: content, badness, and how many bytes belong to the message (-1: no end). */
function readAll(chunks: readonly Buffer[]): { content: string; isBad: boolean; used: number } {
  const reader = new DataReader();
  const parts: Buffer[] = [];
  let before = 0;
  for (const chunk of chunks) {
    const end = reader.read(chunk, 0, (part) => parts.push(Buffer.from(part)));
    const content = (): string => Buffer.concat(parts).toString("latin1");
    if (end !== -1) return { content: content(), isBad: reader.isBad, used: before + end };
    before += chunk.length;
  }
  return { content: Buffer.concat(parts).toString("latin1"), isBad: reader.isBad, used: -1 };
}

const samples: readonly [wire: string, content: string][] = [
  [".\r\n", ""],
  ["a\r\n.\r\n", "a\r\n"],
  ["..\r\n.\r\n", ".\r\n"],
  [".a\r\n..b\r\n.\r\nQUIT\r\n", "a\r\n.b\r\n"],
  ["a.\r\n.\r\n", "a.\r\n"],
  ["\r\n\r\n.\r\n", "\r\n\r\n"],
];

test("content is unstuffed and the end found, however the bytes are cut", () => {
  for (const [wire, content] of samples) {
    const used = wire.startsWith(".\r\n") ? 3 : wire.indexOf("\r\n.\r\n") + 5;
    for (const chunks of byteCuts(Buffer.from(wire, "latin1"))) {
      assert.deepEqual(
        readAll(chunks),
        { content, isBad: false, used },
        JSON.stringify([wire, chunks.length]),
      );
    }
  }
});

test("nothing but CRLF.CRLF ends the data; a bare CR, a bare LF and NUL mark it, however the bytes are cut", () => {
  for (const end of [
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r\n.\r",
    "\r\n\0.\r\n",
    "\r\r\n.\r\r\n",
    "\r.\r\n",
  ]) {
    const wire = `text${end}MAIL FROM:<a@b.example>\r\n.\r\n`;
    for (const chunks of byteCuts(Buffer.from(wire, "latin1"))) {
      const { isBad, used } = readAll(chunks);
      assert.deepEqual({ isBad, used }, { isBad: true, used: wire.length }, JSON.stringify(end));
    }
  }
});

test("what is stuffed and sent comes out byte for byte", () => {
  const piece = fc.constantFrom("\r\n", ".", "..", "a", "\r\n.", "é", "long text");
  fc.assert(
    fc.property(fc.array(piece), fc.integer({ min: 1, max: 9 }), (pieces, size) => {
      const text = `${pieces.join("")}\r\n`;
      const wire = Buffer.concat([stuffDots(Buffer.from(text, "latin1"), true), Buffer.from(".\r\n")]);
      const chunks: Buffer[] = [];
      for (let at = 0; at < wire.length; at += size) chunks.push(wire.subarray(at, at + size));
      assert.deepEqual(readAll(chunks), { content: text, isBad: false, used: wire.length });
    }),
  );
});

test("random bytes give the same answer whole and cut", () => {
  const byte = fc.constantFrom(13, 10, 46, 0, 65);
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), fc.nat(60), (bytes, at) => {
      const data = Buffer.from(bytes);
      const whole = readAll([data]);
      const cut = readAll([data.subarray(0, at), data.subarray(at)]);
      assert.deepEqual([cut.used, cut.isBad], [whole.used, whole.isBad]);
      if (!whole.isBad && whole.used !== -1) assert.equal(cut.content, whole.content);
    }),
    { numRuns: 2000 },
  );
});
