import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { byteCuts } from "../../testing/byte-cuts.ts";
import { ProtocolError, ReplyParser, type ServerReply } from "./reply-parser.ts";

function parse(chunks: readonly Buffer[]): ServerReply[] {
  const parser = new ReplyParser();
  const found: ServerReply[] = [];
  for (const chunk of chunks) parser.push(chunk, (reply) => found.push(reply));
  return found;
}

test("replies are found however the bytes are cut", () => {
  const wire = Buffer.from("220 hello\r\n250-one\r\n250-two\r\n250 2.1.0 three\r\n550 5.1.1 no\n354\r\n");
  for (const chunks of byteCuts(wire)) {
    assert.deepEqual(parse(chunks), [
      { code: 220, enhanced: "", lines: ["hello"] },
      { code: 250, enhanced: "", lines: ["one", "two", "2.1.0 three"] },
      { code: 550, enhanced: "5.1.1", lines: ["5.1.1 no"] },
      { code: 354, enhanced: "", lines: [""] },
    ]);
  }
});

test("a status that does not fit its code is not taken", () => {
  assert.equal(parse([Buffer.from("550 2.1.0 odd\r\n")])[0]?.enhanced, "");
});

test("what is no reply is a protocol error, however it is cut", () => {
  const broken = [
    "hello\r\n",
    "99 x\r\n",
    "250_x\r\n",
    "650 x\r\n",
    "250-a\r\n251 b\r\n",
    `250 ${"x".repeat(3000)}\r\n`,
  ];
  for (const text of [...broken, "250-x\r\n".repeat(1001)]) {
    assert.throws(() => parse([Buffer.from(text)]), ProtocolError, text.slice(0, 20));
    assert.throws(() => parse(Array.from(Buffer.from(text), (byte) => Buffer.from([byte]))), ProtocolError);
  }
});

test("of a reply with very many lines the first hundred are kept, and the next reply is read", () => {
  const long = `250-first\r\n${"250-x\r\n".repeat(598)}250 2.0.0 last\r\n`;
  const [reply, next] = parse([Buffer.from(`${long}354 go on\r\n`)]);
  assert.deepEqual([reply?.code, reply?.lines.length, reply?.lines[0]], [250, 100, "first"]);
  assert.equal(next?.code, 354);
});

test("whoever hears of a reply sees how much came behind it, and which code", () => {
  const parser = new ReplyParser();
  const behind: number[][] = [];
  const note = (): unknown => behind.push([parser.unreadBytes, parser.unreadCode]);
  parser.push(Buffer.from("250 a\r\n354 b\r\n25"), note);
  parser.push(Buffer.from("0 c\r\n"), note);
  assert.deepEqual(behind, [
    [9, 354],
    [2, 0],
    [0, 0],
  ]);
  assert.deepEqual([parser.unreadBytes, parser.unreadCode], [0, 0]);
});

test("control bytes and non-ASCII of a server never reach a text", () => {
  const [reply] = parse([Buffer.from("550 a\u0000b\u001b[31m\u00e9\r\n", "latin1")]);
  assert.equal(reply?.lines[0], "a b [31m ");
});

test("random bytes give replies or a protocol error and hold a bounded rest", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const parser = new ReplyParser();
      try {
        parser.push(Buffer.from(bytes), ({ code }) => assert.ok(code >= 200 && code < 600));
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
      assert.ok(parser.pendingBytes <= 300);
    }),
  );
});
