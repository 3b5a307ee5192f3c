import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { makeId } from "#base/ids.ts";

import { isSealedFor, makeReturnPath, readReturnPath } from "./return-path.ts";

const key = Buffer.from("a key of thirty-two bytes, say..");
const mail = { messageId: makeId(1_700_000_000_000), tenant: "acme", recipient: "ann@example.net" };
const path = makeReturnPath(mail, key, "b.example.org");

test("a return path that is cut or changed at any place is none, or is not believed", () => {
  const isBelieved = (address: string): boolean => {
    const read = readReturnPath(address);
    return read !== null && isSealedFor(read, mail.recipient, key);
  };
  assert.ok(isBelieved(path));
  assert.ok(isBelieved(path.toUpperCase()));
  for (let at = 0; at < path.indexOf("@"); at++) {
    const other = path[at]?.toLowerCase() === "x" ? "y" : "x";
    assert.ok(!isBelieved(path.slice(0, at)), path.slice(0, at));
    assert.ok(!isBelieved(path.slice(0, at) + other + path.slice(at + 1)), `${at}`);
  }
});

test("any text is a return path or none, and none that we did not make is believed", () => {
  const part = fc.constantFrom("fb=", "=", "~", "@", mail.messageId, "0".repeat(20), "__proto__", "\0", "é");
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(part, { maxLength: 9 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (address) => {
      const read = readReturnPath(address);
      if (read !== null) assert.ok(!isSealedFor(read, mail.recipient, key));
    }),
  );
});
