import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { HeadReader, fieldName, fieldValue, mostHeadBytes, splitFields } from "./head.ts";

/** Head and the rest of the whole message, whatever the pieces. */
function read(pieces: readonly Buffer[]): { head: string; rest: string } {
  const reader = new HeadReader();
  for (const [i, piece] of pieces.entries()) {
    const found = reader.push(piece);
    if (found === null) continue;
    const rest = Buffer.concat([found.rest, ...pieces.slice(i + 1)]);
    return { head: found.head.toString("latin1"), rest: rest.toString("latin1") };
  }
  const { head, rest } = reader.end();
  return { head: head.toString("latin1"), rest: rest.toString("latin1") };
}

test("a header cut at any byte ends at the same place", () => {
  const whole = Buffer.from("From: a@b\r\n c\r\nX: \r\n\r\nbody\r\n\r\nmore");
  for (const pieces of byteCuts(whole))
    assert.deepEqual(read(pieces), { head: "From: a@b\r\n c\r\nX: \r\n\r\n", rest: "body\r\n\r\nmore" });
});

test("any bytes are told apart into fields without a byte lost, however they are cut", () => {
  const part = fc.constantFrom("From: a", "\r\n", "\r", "\n", " ", "\t", ":", "\0", "é", "x");
  const text = fc.array(part, { maxLength: 20 }).map((parts) => Buffer.from(parts.join(""), "latin1"));
  fc.assert(
    fc.property(text, (whole) => {
      const first = read([whole]);
      for (const pieces of byteCuts(whole)) assert.deepEqual(read(pieces), first);
      assert.equal(first.head + first.rest, whole.toString("latin1"));
      const head = Buffer.from(first.head, "latin1");
      const fields = splitFields(head);
      assert.ok(first.head.startsWith(Buffer.concat(fields).toString("latin1")));
      for (const field of fields) assert.equal(typeof (fieldName(field) + fieldValue(field)), "string");
    }),
  );
});

test("a header without end is given up at its bound", () => {
  const reader = new HeadReader();
  const piece = Buffer.alloc(65_536, "x: y\r\n");
  let pieces = 0;
  while (reader.push(piece) === null) pieces++;
  assert.ok(reader.isOverlong);
  assert.ok(pieces <= mostHeadBytes / piece.length, `${pieces} pieces`);
});
