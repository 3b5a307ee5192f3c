import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { parsePath } from "./address.ts";
import { parseCommand } from "./command.ts";

const parse = (text: string): ReturnType<typeof parseCommand> => {
  const line = Buffer.from(text, "latin1");
  return parseCommand(line, 0, line.length);
};

test("a command is read from its place in a larger buffer", () => {
  const data = Buffer.from("NOOP\r\nRSET\r\nQUIT\r\n");
  assert.deepEqual(parseCommand(data, 6, 10), { kind: "rset" });
});

test("verbs and keywords are read in any case, addresses are kept byte for byte", () => {
  const command = parse("mAiL fRoM:<Ann.O'Neil@Example.ORG> size=5 Body=8bitmime");
  assert.ok(command.kind === "mail");
  assert.equal(command.path.address, "Ann.O'Neil@Example.ORG");
  assert.equal(command.path.domain, "example.org");
  assert.deepEqual(command.parameters, {
    sizeBytes: 5,
    eightBit: true,
    smtpUtf8: false,
    ret: null,
    envid: null,
    requireTls: false,
    hold: null,
    deliverBy: null,
    priority: 0,
  });
});

test("a domain in U-labels is routed by its A-labels", () => {
  const text = Buffer.from("<u@例え.example>").toString("latin1");
  const path = parsePath(text, 0);
  assert.equal(path?.address, "u@例え.example");
  assert.equal(path?.domain, "xn--r8jz45g.example");
});

test("random text is answered with a command or a refusal and never throws", () => {
  const piece = fc.constantFrom(
    "MAIL",
    "RCPT",
    "EHLO",
    " FROM:",
    " TO:",
    "<",
    ">",
    "@",
    '"',
    "\\",
    ".",
    "a",
    "b.example",
    "[",
    "IPv6:",
    "]",
    " SIZE=",
    "1",
    "=",
    "\xe9",
    "\0",
    ",",
    ":",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const command = parse(pieces.join(""));
      if (command.kind === "refused") assert.ok(command.reply.code >= 500);
      if (command.kind === "rcpt") assert.ok(command.path.address !== "");
    }),
    { numRuns: 3000 },
  );
});

test("a path that is accepted holds no control byte, no space outside quotes and one domain", () => {
  const piece = fc.constantFrom(
    "a",
    ".",
    "@",
    "b",
    '"',
    "\\",
    " ",
    "\t",
    "\r",
    "\n",
    "(",
    ")",
    "<",
    ">",
    ",",
    ":",
    "%",
    "\x7f",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = `<${pieces.join("")}@example.org>`;
      const path = parsePath(text, 0);
      // A bracket among the pieces ends the path; what is behind it is no parameter and is refused as one.
      if (path === null || path.end < text.length) return;
      assert.ok(Array.from(path.address).every((char) => char >= " " && char !== "\x7f"));
      assert.equal(path.domain, path.address === "" ? "" : "example.org");
      if (!path.address.startsWith('"')) assert.doesNotMatch(path.address, /[ <>()",:;\\]/);
    }),
    { numRuns: 3000 },
  );
});
