/**
 * Entries 1 to 19 of docs/hostile-input.md on one engine: lines and streams that are broken, endless, slow, or of
 * another protocol.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { connect as connectTls } from "node:tls";

import {
  type Attack,
  AttackRig,
  type Stage,
  STRANGER,
  line,
  many,
  raw,
} from "../../../testing/attack-rig.ts";
import type { Lines } from "../../../testing/dialogue.ts";

const certificate = (name: string): string =>
  new URL(`../../session/testdata/${name}`, import.meta.url).pathname;

let rig: AttackRig;
before(async () => {
  rig = await AttackRig.start({
    startup: {
      pki: {
        private: [{ id: "own", cert: certificate("test-cert.pem"), key: certificate("test-key.pem") }],
      },
    },
    appServer: {
      phases: { data: { maxsize: "1MiB" } },
      tls: { certs: [{ cert: "own" }] },
      concurrency: { connections: 30, perip: 20 },
    },
  });
});
after(() => rig.stop());
afterEach(() => rig.hangUp());

const clientHello = Buffer.from("16030100050100000a0a0d0a", "hex");
const remoteDesktop = Buffer.from("0300002f2ae00000000000436f6f6b69653a206d737473686173683d610d0a", "hex");
const lines: Attack[] = [
  raw(1, "a bare LF", "connected", "EHLO a\n", "500 5.5.2"),
  raw(1, "a bare LF within a transaction", "rcpt", "DATA\n", "500 5.5.2"),
  line(2, "a bare CR inside", "connected", "EHLO a\rMAIL FROM:<>", "500 5.5.2"),
  line(3, "NUL in a command", "greeted", "NO\0OP", "500 5.5.2"),
  raw(3, "NUL in the content", "data", "Subject: x\r\n\r\na\0b\r\n.\r\n", "550 5.6.0"),
  line(4, "a long line within the limit", "greeted", `NOOP ${"x".repeat(2000)}`, "250 2.0.0"),
  line(4, "a line over the limit", "greeted", `NOOP ${"x".repeat(2100)}`, "500 5.5.2"),
  line(
    4,
    "a line far over the limit, a command at its end",
    "greeted",
    `${"x".repeat(70_000)} QUIT`,
    "500 5.5.2",
  ),
  raw(
    5,
    "ten megabytes without a line end",
    "greeted",
    Buffer.alloc(10_000_000, "x"),
    "421 4.7.0",
    "<closed>",
  ),
  line(8, "a verb that is not ASCII", "greeted", "HEL\xd6 a", "500 5.5."),
  line(
    8,
    "bytes that are no UTF-8 in an address",
    "greeted",
    "MAIL FROM:<j\xffrg@example.org> SMTPUTF8",
    "501 5.1.7",
  ),
  line(8, "UTF-8 without SMTPUTF8", "greeted", "MAIL FROM:<j\xc3\xb6rg@example.org>", "553 5.6.7"),
  line(9, "eight bits in EHLO", "connected", "EHLO m\xfcnchen.example", "501 5.5.4"),
  raw(10, "a TLS client hello", "connected", clientHello, "554 5.5.0", "<closed>"),
  line(10, "a TLS client hello with a line end", "connected", "\x16\x03\x01\x02", "421 4.7.0", "<closed>"),
  line(11, "an HTTP GET", "connected", "GET / HTTP/1.1", "421 4.7.0", "<closed>"),
  line(11, "an HTTP POST", "connected", "POST /x HTTP/1.1", "421 4.7.0", "<closed>"),
  line(11, "an HTTP CONNECT", "connected", "CONNECT a:25 HTTP/1.1", "421 4.7.0", "<closed>"),
  line(12, "an SSH banner", "connected", "SSH-2.0-OpenSSH_9.9", "500 5.5.1"),
  raw(12, "a request of a remote desktop", "connected", remoteDesktop, "500 5.5."),
  raw(
    12,
    "lines of noise",
    "greeted",
    "\x80\x81\r\n".repeat(25),
    ...many("500 5.5.1", 20),
    "421 4.7.0",
    "<closed>",
  ),
  raw(
    13,
    "a thousand NOOPs",
    "greeted",
    "NOOP\r\n".repeat(1000),
    ...many("250 2.0.0", 99),
    "421 4.7.0",
    "<closed>",
  ),
  raw(
    13,
    "a thousand RSETs",
    "greeted",
    "RSET\r\n".repeat(1000),
    ...many("250 2.0.0", 99),
    "421 4.7.0",
    "<closed>",
  ),
  raw(
    13,
    "a thousand VRFYs",
    "greeted",
    "VRFY a\r\n".repeat(1000),
    ...many("252 2.5.2", 99),
    "421 4.7.0",
    "<closed>",
  ),
  raw(
    14,
    "twenty unknown commands",
    "greeted",
    "WHAT\r\n".repeat(25),
    ...many("500 5.5.1", 20),
    "421 4.7.0",
    "<closed>",
  ),
  raw(14, "empty lines", "greeted", "\r\n".repeat(3), ...many("500 5.5.1", 3)),
];
for (const attack of lines) test(`${attack.entry} ${attack.what}`, () => rig.run(attack));

/** Sends one byte each `everyMs` until the engine answers, and returns that answer. */
async function drip(client: Lines, everyMs: number): Promise<string> {
  let isOver = false;
  const answer = client.reply().finally(() => (isOver = true));
  for (let i = 0; i < 100 && !isOver; i++) {
    client.socket.write("N");
    await rig.pass(everyMs);
  }
  return answer;
}

test("6 a command that drips a byte each 20 seconds is cut by its first byte's deadline", async () => {
  const client = await rig.reach("greeted");
  assert.match(await drip(client, 20_000), /^421 4\.4\.2 /);
  await rig.assertServes();
});

test("7 content that drips is cut", async () => {
  const client = await rig.reach("data");
  assert.match(await drip(client, 10_000), /^421 4\.4\.2 /);
  await rig.assertServes();
});

test("10 a handshake of TLS on the plain port", async () => {
  const socket = connectTls({ port: rig.engine.smtpPort, host: "127.0.0.1", rejectUnauthorized: false });
  const outcome = await new Promise<string>((resolve) => {
    socket.once("secureConnect", () => resolve("secure")).once("error", () => resolve("refused"));
  });
  assert.equal(outcome, "refused");
  await rig.assertServes();
});

const stages: readonly Stage[] = ["connected", "greeted", "mail", "rcpt", "data"];

test("15 a reset in each state, in the midst of a handshake too", async () => {
  for (const stage of stages) {
    const client = await rig.reach(stage);
    client.socket.resetAndDestroy();
  }
  for (const size of [0, 1, 5, clientHello.length]) {
    const client = await rig.reach("greeted");
    assert.match(await client.ask("STARTTLS"), /^220 /);
    client.socket.write(clientHello.subarray(0, size));
    await rig.pass(0);
    client.socket.resetAndDestroy();
  }
  await rig.assertServes();
});

test("17 an end in the middle of the content", async () => {
  const client = await rig.reach("data");
  client.socket.end("Subject: x\r\n\r\nhalf of");
  assert.equal(await client.reply(), "<closed>");
  await rig.assertServes();
});

test("18 clients that fall silent in each state are cut after five minutes", async () => {
  const clients = await Promise.all(stages.map((stage) => rig.reach(stage)));
  await rig.pass(280_000);
  // Content that does not even begin is cut before that.
  assert.equal(rig.engine.mta.sessions, clients.length - 1);
  await rig.pass(25_000);
  for (const client of clients) assert.match(await client.reply(), /^421 4\.4\.2 /);
  await rig.assertServes();
});

test("19 a flood of connections gets 421 over each cap, and who was there before is served", async () => {
  const before = await rig.reach("rcpt");
  const opening = (from: string, count: number): Promise<Lines>[] =>
    Array.from({ length: count }, () => rig.connect({ from }));
  const first = await Promise.all(opening(STRANGER, 25));
  const words = await Promise.all(first.map(async (client) => (await client.reply()).slice(0, 9)));
  assert.equal(words.filter((word) => word.startsWith("220")).length, 20, "those of one address");
  assert.equal(words.filter((word) => word === "421 4.7.0").length, 5);
  const more = await Promise.all(opening("127.0.0.3", 15));
  const others = await Promise.all(more.map(async (client) => (await client.reply()).slice(0, 3)));
  assert.equal(others.filter((word) => word === "220").length, 9, "those of all addresses");
  for (let wave = 0; wave < 20; wave++) {
    for (const client of await Promise.all(opening("127.0.0.4", 100))) client.socket.resetAndDestroy();
  }
  assert.match(await before.ask("DATA"), /^354 /);
  assert.match(await before.ask("Subject: x\r\n\r\nI was here before\r\n."), /^250 2\.0\.0 /);
  rig.took(1);
  for (const client of [before, ...first, ...more]) client.socket.destroy();
  await rig.assertServes();
});

test("12 random bytes at every stage", async () => {
  for (let round = 0; round < 40; round++) {
    for (const stage of ["connected", "greeted", "rcpt"] as const) {
      const client = await rig.reach(stage);
      const noise = randomBytes(1 + (round % 7) * 300);
      for (let i = 0; i < noise.length; i += 9) noise[i] = i % 2 === 0 ? 13 : 10;
      client.socket.end(noise);
      client.socket.destroySoon();
    }
    await rig.assertIdle();
  }
  await rig.assertServes();
});
