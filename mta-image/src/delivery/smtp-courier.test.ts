import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { CourierRig, type RigOptions } from "../../testing/courier-rig.ts";
import { type Asked, type HostReply, ScriptedHost } from "../../testing/scripted-host.ts";

let host: ScriptedHost;
let rigs: CourierRig[] = [];
beforeEach(async () => {
  host = await ScriptedHost.start();
});
afterEach(async () => {
  await Promise.all(rigs.map((rig) => rig.courier.close(0)));
  rigs = [];
  await host.stop();
});

function rig(options: RigOptions = {}): CourierRig {
  const made = new CourierRig(host.port, options);
  rigs.push(made);
  return made;
}

/** Replies by the first words of the line. */
function answers(replies: Readonly<Record<string, HostReply>>): (asked: Asked) => HostReply {
  return ({ line }) =>
    Object.entries(replies).find(([start]) => (start === "" ? line === "" : line.startsWith(start)))?.[1];
}

const ANN = "ann@example.net";
const BOB = "bob@example.net";

interface Case {
  readonly when: string;
  readonly host: Readonly<Record<string, HostReply>>;
  readonly becomes: string | readonly [ann: string, bob: string];
}

const LOST = "deferred 4.4.2 Connection lost: in phase";
const cases: readonly Case[] = [
  { when: "all is taken", host: {}, becomes: "delivered 2.0.0 250 2.0.0 taken" },
  {
    when: "the greeting is 4xx",
    host: { "": "421 4.3.2 busy\r\n" },
    becomes: "deferred 4.3.2 421 4.3.2 busy",
  },
  {
    when: "the greeting is 554",
    host: { "": "554 5.7.1 blocked\r\n" },
    becomes: "deferred 4.7.1 554 5.7.1 blocked",
  },
  {
    when: "the greeting is 521",
    host: { "": "521 no mail here\r\n" },
    becomes: "failed 5.3.2 521 no mail here",
  },
  {
    when: "the greeting is not SMTP",
    host: { "": "HTTP/1.1 400\r\n" },
    becomes: "deferred 4.5.0 The host does not speak SMTP properly: not an SMTP reply (…)",
  },
  {
    when: "the greeting never ends",
    host: { "": `220-${"x".repeat(3000)}` },
    becomes: "deferred 4.5.0 The host does not speak SMTP properly: reply line too long (…)",
  },
  { when: "the line is cut at once", host: { "": "cut" }, becomes: "deferred 4.4.2 Connection lost (…)" },
  { when: "EHLO is put off", host: { EHLO: "451 later\r\n" }, becomes: "deferred 4.3.0 451 later" },
  {
    when: "EHLO and HELO are refused",
    host: { EHLO: "502 what\r\n", HELO: "550 go away\r\n" },
    becomes: "deferred 4.0.0 550 go away",
  },
  { when: "only HELO is known", host: { EHLO: "502 what\r\n" }, becomes: "delivered 2.0.0 250 2.0.0 taken" },
  {
    when: "MAIL is put off",
    host: { MAIL: "451 4.7.0 greylisted\r\n" },
    becomes: "deferred 4.7.0 451 4.7.0 greylisted",
  },
  { when: "MAIL is refused", host: { MAIL: "550 5.7.1 no\r\n" }, becomes: "failed 5.7.1 550 5.7.1 no" },
  {
    when: "MAIL is refused and all else taken",
    host: { MAIL: "550 no\r\n", DATA: "354 go\r\n" },
    becomes: "failed 5.0.0 550 no",
  },
  {
    when: "MAIL is refused and all else too",
    host: { MAIL: "550 no\r\n", RCPT: "503 no sender\r\n", DATA: "503 no sender\r\n" },
    becomes: "failed 5.0.0 550 no",
  },
  {
    when: "one recipient is refused",
    host: { [`RCPT TO:<${BOB}>`]: "550 5.1.1 unknown\r\n" },
    becomes: ["delivered 2.0.0 250 2.0.0 taken", "failed 5.1.1 550 5.1.1 unknown"],
  },
  {
    when: "one recipient is put off",
    host: { [`RCPT TO:<${ANN}>`]: "450 4.2.1 full\r\n" },
    becomes: ["deferred 4.2.1 450 4.2.1 full", "delivered 2.0.0 250 2.0.0 taken"],
  },
  {
    when: "all recipients are refused and DATA is",
    host: { RCPT: "550 5.1.1 no\r\n", DATA: "554 5.5.1 none\r\n" },
    becomes: "failed 5.1.1 550 5.1.1 no",
  },
  {
    when: "all recipients are refused and DATA is not",
    host: { RCPT: "550 5.1.1 no\r\n" },
    becomes: "failed 5.1.1 550 5.1.1 no",
  },
  {
    when: "a recipient is refused with 552",
    host: { [`RCPT TO:<${BOB}>`]: "552 too many\r\n" },
    becomes: ["delivered 2.0.0 250 2.0.0 taken", "deferred 4.2.2 552 too many"],
  },
  {
    when: "DATA is put off",
    host: { DATA: "451 4.3.0 later\r\n" },
    becomes: "deferred 4.3.0 451 4.3.0 later",
  },
  { when: "DATA is refused", host: { DATA: "554 5.6.0 no\r\n" }, becomes: "failed 5.6.0 554 5.6.0 no" },
  {
    when: "DATA is answered with 250",
    host: { DATA: "250 ok\r\n" },
    becomes: "deferred 4.5.0 The host does not speak SMTP properly: 250 in phase data",
  },
  {
    when: "MAIL is answered with 354",
    host: { MAIL: "354 go\r\n" },
    becomes: "deferred 4.5.0 The host does not speak SMTP properly: 354 in phase mail",
  },
  {
    when: "the content is put off",
    host: { ".": "451 4.3.0 later\r\n" },
    becomes: "deferred 4.3.0 451 4.3.0 later",
  },
  {
    when: "the content is refused",
    host: { ".": "550 5.7.1 spam\r\n" },
    becomes: "failed 5.7.1 550 5.7.1 spam",
  },
  {
    when: "the content is answered with 421",
    host: { ".": "421 4.3.2 bye\r\n" },
    becomes: "deferred 4.3.2 421 4.3.2 bye",
  },
  {
    when: "a reply comes in pieces and several lines",
    host: { ".": "250-2.0.0 taken\r\n250 2.0.0 as x\r\n" },
    becomes: "delivered 2.0.0 250 2.0.0 taken 2.0.0 as x",
  },
  {
    when: "the reply's status says another class",
    host: { ".": "550 4.7.1 odd\r\n" },
    becomes: "failed 5.0.0 550 4.7.1 odd",
  },
  { when: "the line is cut at MAIL", host: { MAIL: "cut" }, becomes: `${LOST} mail` },
  { when: "the line is cut at RCPT", host: { [`RCPT TO:<${BOB}>`]: "cut" }, becomes: `${LOST} rcpt` },
  {
    when: "421 comes at RCPT",
    host: { [`RCPT TO:<${BOB}>`]: "421 4.3.2 bye\r\n" },
    becomes: "deferred 4.3.2 421 4.3.2 bye",
  },
  { when: "421 comes at MAIL", host: { MAIL: "421 4.3.2 bye\r\n" }, becomes: "deferred 4.3.2 421 4.3.2 bye" },
  { when: "the line is cut at DATA", host: { DATA: "cut" }, becomes: `${LOST} data` },
  {
    when: "the line is cut after the end of data",
    host: { ".": "cut" },
    becomes: "unclear 4.4.2 Connection lost: … (after the end of data)",
  },
  {
    when: "the end of data is answered with junk",
    host: { ".": "ok\r\n" },
    becomes: "unclear 4.5.0 The host does not speak SMTP properly: not an SMTP reply (after the end of data)",
  },
  {
    when: "the end of data is answered with 354",
    host: { ".": "354 more\r\n" },
    becomes:
      "unclear 4.5.0 The host does not speak SMTP properly: 354 in phase final (after the end of data)",
  },
];

/** Addresses and errors of the system differ from run to run. */
function comparable(outcome: string): string {
  return outcome
    .replace(/\(127\.0\.0\.1:\d+\)/, "(…)")
    .replace(/(lost): (?:ECONNRESET|EPIPE)(?=: | \(…|$)/i, "$1")
    .replace(/(lost)(?:: (?:ECONNRESET|EPIPE|in phase final))? (?=\(after)/i, "$1: … ");
}

for (const pipelining of [true, false]) {
  const kind = pipelining ? "pipelined" : "plain";
  describe(`what becomes of mail to a host, ${kind}, when`, () => {
    for (const { when, host: replies, becomes } of cases) {
      test(when, async () => {
        if (!pipelining) host.keywords = ["SIZE"];
        host.answer = answers(replies);
        const outcomes = (await rig().deliver({ to: [ANN, BOB] })).map(comparable);
        const wanted = typeof becomes === "string" ? [becomes, becomes] : becomes;
        assert.deepEqual(outcomes, wanted.map(comparable));
      });
    }
  });
}
