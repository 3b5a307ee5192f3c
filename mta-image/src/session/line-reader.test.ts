import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { LineReader } from "./line-reader.ts";

/** Each line as the session would take it: its text, or the code of the refusal. `held` is the most that was kept. */
function read(pieces: readonly Buffer[], isAnswer = false): { lines: readonly string[]; held: number } {
  const reader = new LineReader();
  const lines: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let held = 0;
  for (const piece of pieces) {
    const data = Buffer.concat([rest, piece]);
    let start = 0;
    for (let next = reader.findEnd(data, 0); next !== -1; next = reader.findEnd(data, start)) {
      const refusal = reader.judge(data, { start, next, isAnswer });
      lines.push(refusal === null ? data.toString("latin1", start, next - 2) : String(refusal.bytes));
      start = next;
    }
    rest = reader.keep(data, start, isAnswer) ?? Buffer.alloc(0);
    held = Math.max(held, rest.length);
  }
  return { lines, held };
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
  fc
    .array(fc.constantFrom("NOOP", "\r", "\n", "\r\n", "\0", "x".repeat(2040), "é"), { maxLength: 12 })
    .map((parts) => Buffer.from(parts.join(""), "latin1")),
);

test("any bytes give the same lines and refusals however they are cut, and little is held", () => {
  const cuts = fc.array(fc.nat(3000), { maxLength: 8 });
  fc.assert(
    fc.property(bytes, cuts, (whole, places) => {
      const at = [...new Set(places.filter((place) => place < whole.length))].sort((a, b) => a - b);
      const pieces = [...at, whole.length].map((end, i) => whole.subarray(at[i - 1] ?? 0, end));
      const { lines, held } = read(pieces);
      assert.deepEqual(lines, read([whole]).lines);
      assert.ok(held <= 2048, `${held} bytes are held`);
    }),
  );
});

test("commands and broken lines cut at every byte are read as whole", () => {
  const whole = Buffer.from("EHLO a\r\nNOOP\nRS\rET\r\nA\0B\r\n\r\n\nQUIT\r\n", "latin1");
  const { lines } = read([whole]);
  assert.deepEqual(
    lines.filter((line) => !line.startsWith("5")),
    ["EHLO a", "", "QUIT"],
  );
  for (const pieces of byteCuts(whole)) assert.deepEqual(read(pieces).lines, lines);
});

test("the end of a line that was too long is no command, wherever it is cut", () => {
  const whole = Buffer.from(`${"x".repeat(2047)}QUIT\r\nNOOP\r\n`, "latin1");
  for (const pieces of byteCuts(whole)) {
    const [refusal = "", ...others] = read(pieces).lines;
    assert.match(refusal, /^500 /);
    assert.deepEqual(others, ["NOOP"]);
  }
  const line = (length: number): string => `${"x".repeat(length - 2)}\r\n`;
  const [longest, longer] = read([Buffer.from(line(2048) + line(2049), "latin1")]).lines;
  assert.equal(longest, "x".repeat(2046));
  assert.match(longer ?? "", /^500 /);
});

test("AUTH and the answers within it may be as long as tokens are, and no longer", () => {
  const cut = (line: string): Buffer[] => [Buffer.from(line.slice(0, 9000)), Buffer.from(line.slice(9000))];
  for (const start of ["AUTH XOAUTH2 ", "auth XOAUTH2 "]) {
    const line = start.padEnd(12_286, "A");
    assert.deepEqual(read(cut(`${line}\r\n`)).lines, [line]);
    assert.match(read(cut(`${line}A\r\nNOOP\r\n`)).lines.join(), /^500 .*\r\n,NOOP$/);
  }
  const answer = "A".repeat(12_286);
  assert.deepEqual(read(cut(`${answer}\r\n`), true).lines, [answer]);
  assert.match(read(cut(`${answer}A\r\n`), true).lines.join(), /^500 /);
  assert.match(read(cut(`${answer}\r\n`)).lines.join(), /^500 /);
});
