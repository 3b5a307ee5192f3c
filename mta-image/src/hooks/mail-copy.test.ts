import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import type { Envelope } from "../message/envelope.ts";
import { MemorySource, Pieces } from "../script/mail/pieces.ts";
import { type EnvelopeAddress, type QueueOptions, usualQueue } from "../script/mail-port.ts";
import { type AskedCopy, askedCopy, copiesAsked } from "./mail-copy.ts";
import { addressTree } from "./texts.ts";

const envelope: Envelope = {
  sender: "news@example.org",
  recipients: ["ann@example.net", "bob@example.net"],
  smtpUtf8: false,
  eightBit: false,
  transportId: "out",
};

const clock = new ManualClock();
const came = Pieces.over(new MemorySource(Buffer.from("Subject: x\r\n\r\nhello\r\n")));

function ask(address: string, options: Partial<QueueOptions> = {}, message = came): AskedCopy | string {
  const sender = { address: envelope.sender, parameters: {} };
  const recipient = { address, parameters: {} };
  const wish = { sender, recipient, transportId: "out", options: { ...usualQueue, ...options } };
  return askedCopy(message, wish, (id) => id === "out");
}

function asked(...given: Parameters<typeof ask>): AskedCopy {
  const copy = ask(...given);
  assert.ok(typeof copy === "object", String(copy));
  return copy;
}

test("recipients that count under other names are in another message", () => {
  const all = [["a"], ["a"], ["b"], []].map((quotas, at) => asked(`${at}@example.net`, { quotas }));
  const copies = copiesAsked(envelope, all, { transaction: "t", clock, came });
  assert.deepEqual(
    copies.map(({ envelope: { quotas, recipients } }) => [quotas, recipients.length]),
    [
      [["a"], 2],
      [["b"], 1],
      [undefined, 1],
    ],
  );
});

test("what a script says of notices takes the place of what the client said", () => {
  const client = { notify: ["DELAY"] as const, orcpt: null };
  const told: Envelope = { ...envelope, dsn: { ret: "FULL", envid: "client", recipients: [client, client] } };
  const dsn = { ret: "hdrs", envid: "a+b c", notify: "SUCCESS,FAILURE", orcpt: "rfc822;ann+x@example.net" };
  const none = { ret: "", envid: "", notify: "", orcpt: "" };
  const all = [
    asked("ann@example.net", { dsn }),
    asked("bob@example.net", { dsn: { ...dsn, notify: "NEVER", orcpt: "" } }),
    asked("bob@example.net", { dsn: none }),
    asked("bob@example.net"),
  ];
  const copies = copiesAsked(told, all, { transaction: "t", clock, came });
  const said = { ret: "HDRS", envid: "a+2Bb+20c" };
  assert.deepEqual(
    copies.map((copy) => copy.envelope.dsn),
    [
      {
        ...said,
        recipients: [
          { notify: ["SUCCESS", "FAILURE"], orcpt: "rfc822;ann+2Bx@example.net" },
          { notify: ["NEVER"], orcpt: null },
        ],
      },
      { ret: null, envid: null, recipients: [null] },
      { ret: "FULL", envid: "client", recipients: [client] },
    ],
  );
});

test("what RFC 3461 has no word for is refused", () => {
  const none = { ret: "", envid: "", notify: "", orcpt: "" };
  const bad: Partial<typeof none>[] = [
    { ret: "ALL" },
    { envid: "a\r\nb" },
    { notify: "NEVER,DELAY" },
    { orcpt: "ann@example.net" },
  ];
  for (const said of bad)
    assert.equal(
      ask("ann@example.net", { dsn: { ...none, ...said } }),
      "dsn says what RFC 3461 has no word for",
    );
  const good: Partial<typeof none>[] = [{}, { notify: "never" }, { orcpt: "utf-8;\xc3\xa5@example.net" }];
  for (const said of good) asked("ann@example.net", { dsn: { ...none, ...said } });
});

test("what a script puts together is held to the grammar; what it was shown was so before, and comes back as it is", () => {
  const wish = (sender: EnvelopeAddress, recipient: EnvelopeAddress) =>
    askedCopy(came, { sender, recipient, transportId: "out", options: usualQueue }, () => true);
  const made = (address: string): EnvelopeAddress => ({ address, parameters: {} });
  const shown = (address: string): EnvelopeAddress => addressTree(address).whole;
  assert.equal(wish(made("a b@example.org"), made("ann@example.net")), "the sender is no address");
  assert.equal(wish(made(""), made("ann")), "the recipient is no address");
  assert.equal(wish(made(""), shown("")), "the recipient is no address");
  const copy = wish(shown('"a<b"@example.org'), shown("j\u00fcrgen@B\u00fcCHER.example"));
  assert.ok(typeof copy === "object");
  assert.deepEqual([copy.sender, copy.recipient], ['"a<b"@example.org', "j\u00fcrgen@b\u00fccher.example"]);
});

test("a delay is at most a year: a time that is no date could be told to nobody", () => {
  const heldUntil = (delaySeconds: number): number | undefined => {
    const all = [asked("ann@example.net", { delaySeconds })];
    return copiesAsked(envelope, all, { transaction: "t", clock: new ManualClock(5000), came })[0]?.envelope
      .holdUntil;
  };
  const year = 31_536_000;
  assert.deepEqual([0, 60, year, 1e20, Number.POSITIVE_INFINITY].map(heldUntil), [
    undefined,
    65_000,
    5000 + year * 1000,
    5000 + year * 1000,
    5000 + year * 1000,
  ]);
});

test("a message that no script has touched is stored as it came: its bytes are not put together again", () => {
  const edited = Pieces.join([Pieces.of("X: 1\r\n"), came]);
  const all = [asked("ann@example.net"), asked("bob@example.net"), asked("ann@example.net", {}, edited)];
  const copies = copiesAsked(envelope, all, { transaction: "t", clock, came });
  assert.deepEqual(
    copies.map(({ content, envelope: { recipients } }) => [content, recipients]),
    [
      [null, ["ann@example.net", "bob@example.net"]],
      [edited, ["ann@example.net"]],
    ],
  );
});
