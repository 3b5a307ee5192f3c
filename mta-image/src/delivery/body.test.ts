import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { DataReader } from "../smtp/data.ts";
import { wireForm } from "./body.ts";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

function whole(content: Buffer): string {
  return inPieces([content]);
}

function inPieces(pieces: readonly Buffer[]): string {
  const { body, end } = wireForm(pieces);
  return Buffer.concat(body).toString("latin1") + end;
}

/** What a receiver that follows the standard makes of it. */
function received(wire: string): { content: string; rest: string; isBad: boolean } {
  const reader = new DataReader();
  const bytes = latin1(wire);
  let content = "";
  const end = reader.read(bytes, 0, (piece) => (content += piece.toString("latin1")));
  return { content, rest: end === -1 ? "never ended" : wire.slice(end), isBad: reader.isBad };
}

test("content comes out the same however it is cut", () => {
  for (const text of [".\r\n..a\r\n\r\n.\r\nb", "a\n.\r\n.\r.b\r", "\r\n\r\n.", "", "\n"]) {
    const wanted = whole(latin1(text));
    for (const pieces of byteCuts(latin1(text))) assert.equal(inPieces(pieces), wanted, JSON.stringify(text));
  }
});

test("what a reader finds plain goes out as it came, and would have without being believed", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "b..", ".", "..c", "", "d.\r"), { maxLength: 8 }), (lines) => {
      const content = lines.map((line) => `${line}\r\n`).join("");
      const stuffed = lines.map((line) => `${line.startsWith(".") ? "." : ""}${line}\r\n`).join("");
      const wire = latin1(`${stuffed}.\r\n`);
      const reader = new DataReader();
      assert.equal(
        reader.read(wire, 0, () => {}),
        wire.length,
      );
      if (reader.isBad) return;
      assert.equal(
        reader.hasDots,
        lines.some((line) => line.startsWith(".")),
      );
      if (reader.hasDots) return;
      const { body, end } = wireForm([latin1(content)], true);
      assert.equal(Buffer.concat(body).toString("latin1") + end, whole(latin1(content)));
    }),
  );
});

const hostile = fc.string({ unit: fc.constantFrom("\r", "\n", ".", "a", "\r\n"), maxLength: 40 });

test("whatever is sent, a receiver finds one message, whole, with proper line ends and nothing behind it", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const normal = text.replace(/\r\n|\r|\n/g, "\r\n");
      const wanted = normal === "" || normal.endsWith("\r\n") ? normal : `${normal}\r\n`;
      assert.deepEqual(received(whole(latin1(text))), { content: wanted, rest: "", isBad: false });
    }),
    { numRuns: 2000 },
  );
});

test("no line end that a lax receiver might take ends the message early", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const wire = whole(latin1(text));
      const lines = wire.split(/\r\n|\r|\n/);
      assert.equal(lines.indexOf("."), lines.length - 2);
    }),
    { numRuns: 2000 },
  );
});
