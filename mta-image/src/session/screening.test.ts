import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { connect as connectTls, createSecureContext } from "node:tls";

import { Lines } from "../../testing/dialogue.ts";
import { Receiver, type ReceiverOptions } from "../../testing/receiver.ts";
import { bytesOf } from "../../testing/spool-contract.ts";
import type { Checks, Ruling, SenderFacts } from "./checks.ts";

const fine: Ruling = { kind: "accept", fields: "" };
const refusal: Ruling = { kind: "refuse", reply: { code: 550, enhanced: "5.7.1", text: "Listed" } };

/** Checks that answer as a test says, a turn of the loop later; what was asked is noted. */
class FakeChecks implements Checks {
  connects: Ruling | null = null;
  logins: Ruling | null = null;
  senders: Ruling | null = null;
  contents: Ruling | null = null;
  readonly asked: string[] = [];
  seen = "";

  connect({ ip }: { ip: string }): Promise<Ruling> | null {
    this.asked.push(`connect ${ip}`);
    return later(this.connects);
  }

  authenticated({ ip }: { ip: string }): Promise<Ruling> | null {
    this.asked.push(`auth ${ip}`);
    return later(this.logins);
  }

  mailFrom({ ip, helo, sender, isLoggedIn }: SenderFacts): Promise<Ruling> | null {
    this.asked.push(`mail ${ip} ${helo} ${sender}${isLoggedIn ? " logged in" : ""}`);
    return later(this.senders);
  }

  content({ sender }: SenderFacts): ReturnType<Checks["content"]> {
    const ruling = later(this.contents);
    if (ruling === null) return null;
    return {
      write: (piece) => {
        this.seen += piece.toString("latin1");
      },
      end: () => ruling,
      abort: () => void this.asked.push(`abort ${sender}`),
    };
  }
}

function later(ruling: Ruling | null): Promise<Ruling> | null {
  if (ruling === null) return null;
  return new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(ruling))));
}

async function setUp(
  t: { after(fn: () => unknown): void },
  checks: FakeChecks,
  options: ReceiverOptions = {},
): Promise<{ receiver: Receiver; lines: Lines }> {
  const receiver = await Receiver.start({
    relayNetworks: [],
    relayDomains: ["here.example"],
    checks,
    ...options,
  });
  t.after(() => receiver.close());
  return { receiver, lines: await receiver.connect() };
}

describe("checks of a session", () => {
  test("a refused client gets the refusal instead of a greeting", async (t) => {
    const checks = new FakeChecks();
    checks.connects = refusal;
    const { lines, receiver } = await setUp(t, checks);
    assert.equal(await lines.next(), "550 5.7.1 Listed");
    assert.equal(await lines.next(), null);
    assert.deepEqual(checks.asked, ["connect 127.0.0.1"]);
    assert.equal(receiver.counters.refusedConnections, 1);
  });

  test("a client that speaks while it is looked up is turned away", async (t) => {
    const checks = new FakeChecks();
    checks.connects = fine;
    const { lines } = await setUp(t, checks);
    lines.socket.write("EHLO x\r\n");
    assert.match((await lines.next()) ?? "", /^(554 5.5.1|220 )/);
  });

  test("a refused sender may try another, in one go with what follows", async (t) => {
    const checks = new FakeChecks();
    const { lines } = await setUp(t, checks);
    await lines.reply();
    await lines.ask("EHLO client.example");
    checks.senders = refusal;
    lines.socket.write("MAIL FROM:<bad@example.org>\r\nRCPT TO:<a@here.example>\r\n");
    assert.equal(await lines.next(), "550 5.7.1 Listed");
    assert.match((await lines.next()) ?? "", /^503 /);
    checks.senders = fine;
    lines.socket.write("MAIL FROM:<good@example.org>\r\nRCPT TO:<a@here.example>\r\n");
    assert.match((await lines.next()) ?? "", /^250 2.1.0/);
    assert.match((await lines.next()) ?? "", /^250 2.1.5/);
    assert.ok(checks.asked.includes("mail 127.0.0.1 client.example good@example.org"));
  });

  test("content is seen whole, its fields stand in front, and its refusal is the reply", async (t) => {
    const checks = new FakeChecks();
    checks.contents = { kind: "accept", fields: "X-Spamhaus: seen\r\n" };
    const { lines, receiver } = await setUp(t, checks);
    await lines.reply();
    await lines.ask("EHLO client.example");
    const send = async (): Promise<string> => {
      await lines.ask("MAIL FROM:<good@example.org>");
      await lines.ask("RCPT TO:<a@here.example>");
      await lines.ask("DATA");
      lines.socket.write("Subject: x\r\n\r\n..dot\r\n.\r\n");
      return (await lines.next()) ?? "";
    };
    assert.match(await send(), /^250 2.0.0/);
    assert.equal(checks.seen, "Subject: x\r\n\r\n.dot\r\n");
    const stored = (await bytesOf(receiver.spool, receiver.accepted[0]?.id ?? "")).toString();
    assert.match(stored, /^X-Spamhaus: seen\r\nReceived: /);
    checks.contents = refusal;
    assert.equal(await send(), "550 5.7.1 Listed");
    assert.equal(receiver.accepted.length, 1);
    assert.equal(receiver.counters.refusedMessages, 1);
  });

  const read = (name: string): string => readFileSync(new URL(`testdata/${name}`, import.meta.url), "utf8");
  const submission: ReceiverOptions = {
    tls: createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") }),
    settings: { implicitTls: true, credentials: { verify: async () => "right" } },
  };
  const logIn = `AUTH PLAIN ${Buffer.from("\0ann\0password").toString("base64")}`;

  async function secured(
    t: { after(fn: () => unknown): void },
    checks: FakeChecks,
  ): Promise<{ lines: Lines; receiver: Receiver }> {
    const receiver = await Receiver.start({ ...submission, relayNetworks: [], checks });
    const socket = connectTls({ port: receiver.port, host: "127.0.0.1", rejectUnauthorized: false });
    t.after(() => {
      socket.destroy();
      return receiver.close();
    });
    const lines = new Lines(socket);
    assert.match(await lines.reply(), /^220 /);
    await lines.ask("EHLO client.example");
    return { lines, receiver };
  }

  test("where clients may log in, nothing is asked before they had the chance to", async (t) => {
    const checks = new FakeChecks();
    checks.connects = refusal;
    checks.logins = fine;
    checks.senders = fine;
    const { lines } = await secured(t, checks);
    assert.equal(await lines.ask(logIn), "235 2.7.0 Authenticated");
    assert.match(await lines.ask("MAIL FROM:<a@here.example>"), /^250 /);
    const mail = "mail 127.0.0.1 client.example a@here.example logged in";
    assert.deepEqual(checks.asked, ["auth 127.0.0.1", mail]);
  });

  test("a client that is refused after AUTH is told so and let go, and never logged in", async (t) => {
    const checks = new FakeChecks();
    checks.logins = refusal;
    const { lines } = await secured(t, checks);
    assert.equal(await lines.ask(logIn), "550 5.7.1 Listed");
    assert.equal(await lines.next(), null);
  });

  test("nothing is asked about clients that may relay", async (t) => {
    const checks = new FakeChecks();
    checks.connects = refusal;
    const { lines } = await setUp(t, checks, { relayNetworks: ["127.0.0.0/8"] });
    assert.match((await lines.next()) ?? "", /^220 /);
    assert.deepEqual(checks.asked, []);
  });
});
