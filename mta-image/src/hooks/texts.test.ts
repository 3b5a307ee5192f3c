import assert from "node:assert/strict";
import { test } from "node:test";

import { parsePath } from "../smtp/address.ts";
import { isMailbox } from "./texts.ts";

const locals = [
  "ann",
  "a.b",
  "a+b_c-d",
  ".a",
  "a.",
  "a..b",
  "a b",
  "a>",
  '"a b"',
  "a".repeat(64),
  "a".repeat(65),
  "",
];
const domains = [
  ...["b.example", "B.Example", "b", "b.1", "b.c1", "-b.example", "b-.example", "b--c.example", "b..example"],
  ...[
    ".b",
    "b.",
    "b_c.example",
    "[192.0.2.1]",
    "[192.0.2.300]",
    "é.example",
    `${"b".repeat(64)}.example`,
    "",
  ],
];

test("a mailbox is what a command may name, whether it looks usual or not", () => {
  for (const local of locals) {
    for (const domain of domains) {
      const address = `${local}@${domain}`;
      const text = `<${Buffer.from(address).toString("latin1")}>`;
      const path = parsePath(text, 0);
      assert.equal(isMailbox(address), path?.address === address && path.end === text.length, address);
    }
  }
  assert.ok(isMailbox("ann@b.example") && !isMailbox("ann@b.1") && !isMailbox("ann"));
});
