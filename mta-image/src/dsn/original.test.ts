import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { readOriginal, startOf } from "./original.ts";

const piece = fc.constantFrom(
  ...[
    "Message-ID:",
    "References:",
    "In-Reply-To:",
    " <a@b>",
    "<c@d>",
    "<",
    ">",
    "@",
    "\r\n",
    "\r\n ",
    "\r\n\r\n",
    "\r",
    "\n",
  ],
  ...["Subject: x", "\0", "é", "x".repeat(300), `<${"a".repeat(300)}@b>`, ":"],
);

test("whatever a message begins with, what is taken from it can stand in a notice", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const { headers, messageId, references } = readOriginal(Buffer.from(pieces.join("")));
      assert.ok(
        headers.length <= 50_002 &&
          (headers.length === 0 || headers.subarray(-2).equals(Buffer.from("\r\n"))),
      );
      assert.ok(!headers.includes("\r\n\r\n"));
      const ids = messageId === null ? [] : [messageId];
      for (const id of [...ids, ...references]) assert.match(id, /^<[^\s<>@]{1,200}@[^\s<>@]{1,200}>$/);
      assert.deepEqual(references.slice(-1), ids);
      assert.ok(references.length <= 20);
    }),
    { numRuns: 2000 },
  );
});

test("a stored message gives the same start however its pieces are cut", async () => {
  const text = Buffer.from("Message-ID: <a@b>\r\nReferences: <c@d>\r\n <e@f>\r\n\r\nbody\r\n");
  for (const pieces of byteCuts(text)) {
    const content = {
      kind: "file" as const,
      async *chunks() {
        yield* pieces;
      },
    };
    assert.deepEqual(readOriginal(await startOf(content)).references, ["<c@d>", "<e@f>", "<a@b>"]);
  }
});
