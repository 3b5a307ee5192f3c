/** What a script wants of the dialogue of one attempt: hello, AUTH, XCLIENT, LMTP, timeouts. Real sockets. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";

import { CourierRig } from "../../testing/courier-rig.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import type { Outcome } from "../queue/courier.ts";
import type { TalkChoice } from "../smtp/talk-choice.ts";
import { defaultTransport, type TransportSettings } from "./transport.ts";

let host: ScriptedHost;
beforeEach(async () => {
  host = await ScriptedHost.start();
});
afterEach(() => host.stop());

const silent: TalkChoice = { helo: null, isLmtp: null, timeouts: {}, login: null, xclient: [] };
const login = { username: "joe", password: "secret" };
const code = (text: string): string => Buffer.from(text).toString("base64");

/** What the host heard since it was asked last; a goodbye may come late. */
const heard = (): string[] => host.lines.splice(0).filter((line) => line !== "QUIT");

async function attempt(
  said: Partial<TalkChoice>,
  settings: Partial<TransportSettings> = {},
  port = host.port,
): Promise<Outcome> {
  const rig = new CourierRig(port, { settings });
  const talk = { ...silent, ...said };
  const usual = { key: "k", transportId: null, server: null, port: null, sources: [], tlsMode: null };
  try {
    const [first] = await rig.outcomes({ wish: { ...usual, talk }, isWatched: true });
    return first as Outcome;
  } finally {
    await rig.courier.close(0);
  }
}

test("hello is said with the script's name, whatever the address has", async () => {
  const sources = new Map([["127.0.0.1", { ip: "127.0.0.1", hostname: "own.example", proxy: null }]]);
  for (const settings of [{}, { sources, sourceIps: ["127.0.0.1"] }]) {
    assert.equal((await attempt({ helo: "said.example" }, settings)).kind, "delivered");
    assert.equal(heard()[0], "EHLO said.example");
  }
});

test("AUTH PLAIN, LOGIN and CRAM-MD5, as the host offers them", async () => {
  const challenge = code("<1.2@host.example.net>");
  const digest = createHmac("md5", "secret").update("<1.2@host.example.net>").digest("hex");
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["AUTH LOGIN PLAIN", [`AUTH PLAIN ${code("\0joe\0secret")}`]],
    ["AUTH LOGIN", ["AUTH LOGIN", code("joe"), code("secret")]],
    ["AUTH CRAM-MD5", ["AUTH CRAM-MD5", code(`joe ${digest}`)]],
  ];
  for (const [offer, expected] of cases) {
    host.keywords = [offer];
    host.answer = ({ line }) => {
      if (line.startsWith("AUTH PLAIN") || line === expected.at(-1)) return "235 2.7.0 welcome\r\n";
      if (line.startsWith("AUTH CRAM")) return `334 ${challenge}\r\n`;
      return line === "AUTH LOGIN" || line === code("joe") ? "334 VXNlcm5hbWU6\r\n" : undefined;
    };
    assert.equal((await attempt({ login })).kind, "delivered");
    const lines = heard();
    assert.deepEqual(lines.slice(1, 1 + expected.length), expected);
    assert.match(lines[1 + expected.length] ?? "", /^MAIL /);
  }
});

test("AUTH works with a server that is not ours", async () => {
  const sink = await MailSink.start({ login });
  assert.equal((await attempt({ login }, {}, sink.port)).kind, "delivered");
  const wrong = await attempt({ login: { ...login, password: "guess" } }, {}, sink.port);
  assert.equal(wrong.kind, "deferred");
  assert.match(wrong.reply, /^535 /);
  assert.equal(sink.received.length, 1);
  await sink.stop();
});

test("a host that refuses AUTH, offers none, or asks without end gets no mail for now", async () => {
  const none = await attempt({ login });
  assert.deepEqual([none.kind, none.trouble], ["deferred", "auth-not-offered"]);
  host.keywords = ["AUTH LOGIN"];
  host.answer = ({ line }) => (line.startsWith("AUTH") ? "535 5.7.8 no\r\n" : undefined);
  const refused = await attempt({ login });
  assert.deepEqual([refused.kind, refused.step, refused.reply], ["deferred", "auth", "535 5.7.8 no"]);
  host.answer = ({ line }) => (/^(?:EHLO|)$|^EHLO/.test(line) ? undefined : "334 more\r\n");
  assert.equal((await attempt({ login })).kind, "deferred");
  assert.equal(host.messages.length, 0);
});

test("XCLIENT says what the host takes, and hello is said again", async () => {
  host.keywords = ["XCLIENT NAME ADDR", "PIPELINING"];
  host.answer = ({ line }) => (line.startsWith("XCLIENT") ? "220 as you say\r\n" : undefined);
  const xclient = [
    ["ADDR", "192.0.2.1"],
    ["LOGIN", "joe"],
    ["NAME", "a b+c"],
  ] as const;
  assert.equal((await attempt({ xclient })).kind, "delivered");
  const hello = "EHLO engine.example.test";
  assert.deepEqual(heard().slice(0, 3), [hello, "XCLIENT ADDR=192.0.2.1 NAME=a+20b+2Bc", hello]);
  host.keywords = [];
  assert.equal((await attempt({ xclient })).kind, "delivered");
  assert.deepEqual(heard().slice(0, 2), [hello, "MAIL FROM:<news@example.org>"]);
  host.keywords = ["XCLIENT NAME ADDR"];
  host.answer = ({ line }) => (line.startsWith("XCLIENT") ? "550 5.7.0 not you\r\n" : undefined);
  const refused = await attempt({ xclient });
  assert.deepEqual([refused.kind, refused.step], ["deferred", "xclient"]);
});

test("LMTP where the script says so", async () => {
  host.answer = ({ line }) => (line.startsWith("LHLO") ? "250 host.example.net\r\n" : undefined);
  assert.equal((await attempt({ isLmtp: true })).kind, "delivered");
  assert.equal(host.lines[0], "LHLO engine.example.test");
});

test("a timeout of the script's own ends the wait, and the others stay", async () => {
  host.keywords = [];
  host.answer = ({ line }) => (line.startsWith("RCPT") ? "silence" : undefined);
  const outcome = await attempt({ timeouts: { rcptMs: 50 } });
  assert.deepEqual([outcome.kind, outcome.trouble], ["deferred", "reply-timeout"]);
  assert.equal(defaultTransport.timeouts.rcptMs, 300_000, "the transport's own are not touched");
});
