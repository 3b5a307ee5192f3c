/**
 * Hostile and broken input, one entry each: what is sent, what must be answered, and that the server serves the
 * next client as if nothing had been. Afterwards no session, no reception and no byte is left, and nothing was
 * queued that was not answered with 250.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import type { Lines } from "../../testing/dialogue.ts";
import { Receiver } from "../../testing/receiver.ts";

type Stage = "connected" | "greeted" | "mail" | "data";

interface Case {
  readonly name: string;
  readonly at: Stage;
  readonly input: string | Buffer;
  /** The replies in order, as beginnings; "<closed>" for the end of the connection. */
  readonly replies: readonly string[];
  /** Messages that must have been queued. */
  readonly accepted?: number;
}

const line = (name: string, at: Stage, text: string, ...replies: string[]): Case => ({
  name,
  at,
  input: Buffer.from(`${text}\r\n`, "latin1"),
  replies,
});
const utf8 = (text: string): string => Buffer.from(text).toString("latin1");
const content = (name: string, text: string, ...replies: string[]): Case => ({
  name,
  at: "data",
  input: Buffer.from(text, "latin1"),
  replies,
});
const taken = (name: string, text: string): Case => ({ ...content(name, text, "250 2.0.0"), accepted: 1 });
const times = (text: string, count: number): Buffer => Buffer.from(text.repeat(count));
const many = (reply: string, count: number): string[] => Array.from({ length: count }, () => reply);

const lines: Case[] = [
  { name: "a bare LF", at: "connected", input: Buffer.from("EHLO a\n"), replies: ["500 5.5.2"] },
  line("a bare CR inside", "connected", "EHLO a\rMAIL FROM:<>", "500 5.5.2"),
  line("NUL in a command", "greeted", "NO\0OP", "500 5.5.2"),
  line("a long line within the limit", "greeted", `NOOP ${"x".repeat(2000)}`, "250 2.0.0"),
  line("a line over the limit", "greeted", `NOOP ${"x".repeat(2100)}`, "500 5.5.2"),
  line(
    "a line far over the limit with a command at its end",
    "greeted",
    `${"x".repeat(70_000)} QUIT`,
    "500 5.5.2",
  ),
  {
    name: "ten megabytes without a line end",
    at: "greeted",
    input: Buffer.alloc(10_000_000, "x"),
    replies: ["421 4.7.0", "<closed>"],
  },
  line("a verb that is not ASCII", "greeted", "HEL\xd6 a", "500 5.5."),
  line(
    "bytes that are no UTF-8 in an address",
    "greeted",
    "MAIL FROM:<j\xffrg@example.org> SMTPUTF8",
    "501 5.1.7",
  ),
  line("UTF-8 without SMTPUTF8", "greeted", utf8("MAIL FROM:<jörg@example.org>"), "553 5.6.7"),
  line("eight bits in EHLO", "connected", "EHLO m\xfcnchen.example", "501 5.5.4"),
  {
    name: "a TLS client hello",
    at: "connected",
    input: Buffer.from("16030100050100000a0a0d0a", "hex"),
    replies: ["554 5.5.0", "<closed>"],
  },
  line("a TLS client hello with a line end", "connected", "\x16\x03\x01\x02", "421 4.7.0", "<closed>"),
  line("an HTTP GET", "connected", "GET / HTTP/1.1", "421 4.7.0", "<closed>"),
  line("an HTTP POST", "connected", "POST /x HTTP/1.1", "421 4.7.0", "<closed>"),
  line("an HTTP CONNECT", "connected", "CONNECT a:25 HTTP/1.1", "421 4.7.0", "<closed>"),
  line("an SSH banner", "connected", "SSH-2.0-OpenSSH_9.9", "500 5.5.1"),
  {
    name: "a thousand NOOPs",
    at: "greeted",
    input: times("NOOP\r\n", 1000),
    replies: [...many("250 2.0.0", 99), "421 4.7.0", "<closed>"],
  },
  {
    name: "a thousand RSETs",
    at: "greeted",
    input: times("RSET\r\n", 1000),
    replies: [...many("250 2.0.0", 99), "421 4.7.0", "<closed>"],
  },
  {
    name: "a thousand VRFYs",
    at: "greeted",
    input: times("VRFY a\r\n", 1000),
    replies: [...many("252 2.5.2", 99), "421 4.7.0", "<closed>"],
  },
  {
    name: "twenty unknown commands",
    at: "greeted",
    input: times("WHAT\r\n", 25),
    replies: [...many("500 5.5.1", 20), "421 4.7.0", "<closed>"],
  },
  { name: "empty lines", at: "greeted", input: times("\r\n", 3), replies: many("500 5.5.1", 3) },
];

const commands: Case[] = [
  line("HELO without a name", "connected", "HELO", "501 5.5.4"),
  line("HELO with a space only", "connected", "HELO  ", "501 5.5.4"),
  line("EHLO with a wrong literal", "connected", "EHLO [999.1.1.1]", "501 5.5.4"),
  line("EHLO with a wrong IPv6 literal", "connected", "EHLO [IPv6:zz]", "501 5.5.4"),
  line("EHLO with 300 characters", "connected", `EHLO ${"a".repeat(300)}`, "501 5.5.4"),
  line("EHLO with header characters", "connected", "EHLO a(b)\tc", "501 5.5.4"),
  line("HELO localhost", "connected", "HELO localhost", "250 "),
  line("HELO with our own name", "connected", "HELO mx.example.org", "250 "),
  line("MAIL before HELO", "connected", "MAIL FROM:<a@example.org>", "503 5.5.1"),
  line("RCPT before MAIL", "greeted", "RCPT TO:<a@example.org>", "503 5.5.1"),
  line("DATA before RCPT", "greeted", "DATA", "503 5.5.1"),
  line("nested MAIL", "mail", "MAIL FROM:<a@example.org>", "503 5.5.1"),
  line("EXPN", "greeted", "EXPN staff", "502 5.5.1"),
  line("ETRN with SQL", "greeted", "ETRN '; drop table mail --", "502 5.5.1"),
  line("HELP with a long argument", "greeted", `HELP ${"x".repeat(1000)}`, "214 2.0.0"),
  line("QUIT with an argument", "greeted", "QUIT now", "501 5.5.4"),
  line("RSET with an argument", "greeted", "RSET now", "501 5.5.4"),
  line("DATA with an argument", "mail", "DATA now", "501 5.5.4"),
  line("a space in front of the address", "greeted", "MAIL FROM: <a@example.org>", "501 5.1.7"),
  line("no brackets", "greeted", "MAIL FROM:a@example.org", "501 5.1.7"),
  line("the null sender", "greeted", "MAIL FROM:<>", "250 2.1.0"),
  line(
    "SIZE beyond any number",
    "greeted",
    "MAIL FROM:<a@example.org> SIZE=99999999999999999999",
    "552 5.3.4",
  ),
  line("SIZE below zero", "greeted", "MAIL FROM:<a@example.org> SIZE=-1", "501 5.5.4"),
  line("SIZE as a float", "greeted", "MAIL FROM:<a@example.org> SIZE=1e9", "501 5.5.4"),
  line("SIZE without a value", "greeted", "MAIL FROM:<a@example.org> SIZE=", "501 5.5.4"),
  line("SIZE over the limit", "greeted", "MAIL FROM:<a@example.org> SIZE=10001", "552 5.3.4"),
  line("an unknown BODY", "greeted", "MAIL FROM:<a@example.org> BODY=FOO", "501 5.5.4"),
  line("an unknown parameter", "greeted", "MAIL FROM:<a@example.org> FOO=BAR", "555 5.5.4"),
  line("a parameter given twice", "greeted", "MAIL FROM:<a@example.org> SIZE=1 SIZE=1", "501 5.5.4"),
  line("text stuck to the bracket", "greeted", "MAIL FROM:<a@example.org>SIZE=1", "501 5.5.4"),
  line("a RET that is none", "greeted", "MAIL FROM:<a@example.org> RET=X", "501 5.5.4"),
  line("a line end hidden in ENVID", "greeted", "MAIL FROM:<a@example.org> ENVID=ab+0D+0Acd", "501 5.5.4"),
  line("a line end hidden in AUTH", "greeted", "MAIL FROM:<a@example.org> AUTH=b+0D+0Ac", "555 5.5.4"),
  line("content of any bytes", "greeted", "MAIL FROM:<a@example.org> BODY=BINARYMIME", "501 5.5.4"),
  line(
    "NOTIFY that asks for nothing and something",
    "mail",
    "RCPT TO:<a@b.example> NOTIFY=NEVER,SUCCESS",
    "501 5.5.4",
  ),
  line("a line end hidden in ORCPT", "mail", "RCPT TO:<a@b.example> ORCPT=rfc822;a+0A@b", "501 5.5.4"),
  line("a parameter of RCPT that we do not know", "mail", "RCPT TO:<a@example.org> FOO=BAR", "555 5.5.4"),
];

const addresses: Case[] = [
  line("a quoted local part", "mail", 'RCPT TO:<"a b"@example.org>', "250 2.1.5"),
  line("a quoted local part with escapes", "mail", 'RCPT TO:<"a\\"b\\\\"@example.org>', "250 2.1.5"),
  line("a bracket inside quotes", "mail", 'RCPT TO:<"a>b"@example.org>', "250 2.1.5"),
  line("a comment in the domain", "mail", "RCPT TO:<a@good.example(x)evil.example>", "501 5.1.3"),
  line("a source route is dropped", "mail", "RCPT TO:<@a.example,@b.example:c@d.example>", "250 2.1.5"),
  line("a broken source route", "mail", "RCPT TO:<@a.example:>", "501 5.1.3"),
  line("two at signs", "mail", "RCPT TO:<user@far@here.example>", "501 5.1.3"),
  line("a dot at the end of the domain", "mail", "RCPT TO:<a@b.example.>", "501 5.1.3"),
  line("a dot at the start of the domain", "mail", "RCPT TO:<a@.b.example>", "501 5.1.3"),
  line("two dots in the domain", "mail", "RCPT TO:<a@b..example>", "501 5.1.3"),
  line("hyphens at the ends of a label", "mail", "RCPT TO:<a@-b-.example>", "501 5.1.3"),
  line("an underscore is seen in the wild", "mail", "RCPT TO:<a@b_c.example>", "250 2.1.5"),
  line("a local part of 65", "mail", `RCPT TO:<${"a".repeat(65)}@b.example>`, "501 5.1.3"),
  line("a domain of 256", "mail", `RCPT TO:<a@${"b.".repeat(124)}example>`, "501 5.1.3"),
  line("a label of 64", "mail", `RCPT TO:<a@${"b".repeat(64)}.example>`, "501 5.1.3"),
  line("an address as a number", "mail", "RCPT TO:<a@2130706433>", "501 5.1.3"),
  line("dotted digits as a domain", "mail", "RCPT TO:<a@127.0.0.1>", "501 5.1.3"),
  line("a wrong literal", "mail", "RCPT TO:<a@[::1]>", "501 5.1.3"),
  line("an empty recipient", "mail", "RCPT TO:<>", "501 5.1.3"),
  line("postmaster where there is no domain of ours", "mail", "RCPT TO:<postmaster>", "550 5.1.1"),
  line("a path", "mail", "RCPT TO:</etc/passwd>", "501 5.1.3"),
  line("a pipe", "mail", "RCPT TO:<|cmd>", "501 5.1.3"),
  line("dots that climb", "mail", "RCPT TO:<../../x@y.example>", "501 5.1.3"),
  line("slashes in the domain", "mail", "RCPT TO:<a@y/../../z>", "501 5.1.3"),
  line("percent escapes are plain text", "mail", "RCPT TO:<%00@y.example>", "250 2.1.5"),
  line("no closing bracket", "mail", "RCPT TO:<a@b.example", "501 5.1.3"),
  line("an open quote", "mail", 'RCPT TO:<"a@b.example>', "501 5.1.3"),
  {
    name: "recipients beyond the limit are put off and the first ones stand",
    at: "mail",
    input: times("RCPT TO:<a@example.org>\r\n", 104),
    replies: [...many("250 2.1.5", 99), ...many("452 4.5.3", 5)],
  },
  {
    name: "twenty refused recipients end the session",
    at: "mail",
    input: times("RCPT TO:<a@b..example>\r\n", 30),
    replies: [...many("501 5.1.3", 20), "421 4.7.0", "<closed>"],
  },
];

const smuggled = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<ann@example.net>\r\nDATA\r\n";
const contents: Case[] = [
  ...[
    "\n.\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "\r\n.\r",
    "\r\n\0.\r\n",
    "\r\r\n.\r\r\n",
    "\r\n.\r\r\n",
    "\n.\r",
  ].map((end) =>
    content(
      `smuggling with ${JSON.stringify(end)}`,
      `Subject: x\r\n\r\ntext${end}${smuggled}\r\n.\r\n`,
      "550 5.6.0",
    ),
  ),
  content("NUL in the content", "Subject: x\r\n\r\na\0b\r\n.\r\n", "550 5.6.0"),
  content(
    "content over the limit",
    `Subject: x\r\n\r\n${"a line of text\r\n".repeat(1000)}.\r\n`,
    "552 5.3.4",
  ),
  taken("dots are unstuffed", "Subject: x\r\n\r\n..\r\n...a\r\n.\r\n"),
  taken("an empty message", ".\r\n"),
  taken("no header at all", "just text\r\n.\r\n"),
  taken("a line of nine thousand characters", `${"x".repeat(9000)}\r\n.\r\n`),
  taken("a thousand header fields", `${"X: y\r\n".repeat(1000)}\r\ntext\r\n.\r\n`),
  taken("a header field without colon and of control bytes", "\x01\x02\x03\r\n\r\ntext\r\n.\r\n"),
  taken("a hundred Received fields", `${"Received: by a\r\n".repeat(100)}\r\n.\r\n`),
  content("a hundred and one Received fields", `${"Received: by a\r\n".repeat(101)}\r\n.\r\n`, "554 5.4.6"),
  taken("Received in the body does not count", `A: b\r\n\r\n${"Received: by a\r\n".repeat(200)}.\r\n`),
];

const chunk = (name: string, text: string, replies: string[], accepted = 0): Case => ({
  name,
  at: "mail",
  input: Buffer.from(text, "latin1"),
  replies,
  accepted,
});
const chunks: Case[] = [
  ...["", " -1", " 18446744073709551616", " 10 LAST X"].map((argument) =>
    chunk(`BDAT with "${argument}" hangs up, since content may follow`, `BDAT${argument}\r\nNOOP\r\n`, [
      "501 5.5.4",
      "<closed>",
    ]),
  ),
  chunk("a bare LF in a chunk", "BDAT 4 LAST\r\na\nb\n", ["550 5.6.0"]),
  chunk("a CR at the end of the last chunk", "BDAT 2 LAST\r\na\r", ["550 5.6.0"]),
  chunk("NUL in a chunk", "BDAT 4 LAST\r\na\0\r\n", ["550 5.6.0"]),
  chunk(
    "a CRLF between two chunks",
    "BDAT 2\r\na\rBDAT 1 LAST\r\n\n",
    ["250 2.0.0 Chunk", "250 2.0.0 Ok: q"],
    1,
  ),
  chunk("a chunk over the limit", `BDAT 12000\r\n${"x".repeat(12_000)}BDAT 1\r\nxNOOP\r\n`, [
    "552 5.3.4",
    "503 5.5.1",
    "250 2.0.0",
  ]),
  chunk("a last chunk over the limit", `BDAT 12000 LAST\r\n${"x".repeat(12_000)}NOOP\r\n`, [
    "552 5.3.4",
    "250 2.0.0",
  ]),
  chunk("an end in the middle of a chunk", "BDAT 100\r\nSubject: x", []),
  chunk("QUIT between two chunks", "BDAT 2\r\n\r\nQUIT\r\n", ["250 2.0.0", "221 2.0.0", "<closed>"]),
];

async function reach(receiver: Receiver, stage: Stage): Promise<Lines> {
  if (stage === "data") return receiver.inData();
  const client = stage === "connected" ? await receiver.connect() : await receiver.greeted();
  if (stage === "connected") await client.reply();
  if (stage !== "mail") return client;
  await client.ask("MAIL FROM:<news@example.org>");
  await client.ask("RCPT TO:<ann@example.net>");
  return client;
}

async function assertServes(receiver: Receiver): Promise<void> {
  const client = await receiver.inData();
  assert.match(await client.ask("Subject: x\r\n\r\nstill here\r\n."), /^250 2\.0\.0 Ok: queued as /);
  assert.equal(await client.ask("QUIT"), "221 2.0.0 Bye");
}

for (const { name, at, input, replies, accepted = 0 } of [
  ...lines,
  ...commands,
  ...addresses,
  ...contents,
  ...chunks,
]) {
  test(`${name}: answered, and the server goes on`, async () => {
    const receiver = await Receiver.start();
    try {
      const client = await reach(receiver, at);
      client.socket.write(input);
      for (const expected of replies) {
        const reply = await client.reply();
        assert.ok(reply.startsWith(expected), `expected ${expected}, got ${reply}`);
      }
      client.socket.destroy();
      await receiver.untilIdle();
      assert.equal(receiver.accepted.length, accepted);
      await assertServes(receiver);
      await receiver.untilIdle();
    } finally {
      await receiver.close();
    }
  });
}

test("a stranger may not relay, also not by routes hidden in the local part", async () => {
  const receiver = await Receiver.start({ relayNetworks: [], relayDomains: ["here.example"] });
  const client = await receiver.greeted();
  await client.ask("MAIL FROM:<a@example.org>");
  for (const address of [
    "a@far.example",
    "user%far@here.example",
    "far!user@here.example",
    '"user@far"@here.example',
    "a@[127.0.0.1]",
  ]) {
    assert.equal(await client.ask(`RCPT TO:<${address}>`), "554 5.7.1 Relaying denied", address);
  }
  assert.equal(await client.ask("RCPT TO:<a@HERE.example>"), "250 2.1.5 Recipient ok");
  assert.equal(await client.ask("RCPT TO:<postmaster>"), "250 2.1.5 Recipient ok");
  client.socket.destroy();
  await receiver.untilIdle();
  await receiver.close();
});

test("random bytes at every stage leave nothing behind and queue nothing", async () => {
  const receiver = await Receiver.start();
  for (let round = 0; round < 40; round++) {
    for (const stage of ["connected", "greeted", "mail"] as const) {
      const client = await reach(receiver, stage);
      const noise = randomBytes(1 + (round % 7) * 300);
      for (let i = 0; i < noise.length; i += 9) noise[i] = i % 2 === 0 ? 13 : 10;
      client.socket.end(noise);
    }
  }
  await receiver.until(() => receiver.server.sessions === 0, "all sessions have ended");
  await receiver.untilIdle();
  assert.equal(receiver.accepted.length, 0);
  await assertServes(receiver);
  await receiver.untilIdle();
  await receiver.close();
});
