import assert from "node:assert/strict";
import { test } from "node:test";

import { headerFields } from "./header-fields.ts";

test("fields are unfolded, bytes that are no UTF-8 are Latin-1, and the body is left out", () => {
  const start = Buffer.from("Subject: a\r\n b\r\nX:\xfc\r\nno field\r\n\r\nbody: x\r\n", "latin1");
  assert.deepEqual(headerFields(start), [
    { name: "Subject", value: "a b" },
    { name: "X", value: "ü" },
    { name: "", value: "no field" },
  ]);
});

test("a message of header bytes only is cut to what a reader can take in", () => {
  assert.equal(headerFields(Buffer.from("A: b\r\n".repeat(5000))).length, 500);
});
