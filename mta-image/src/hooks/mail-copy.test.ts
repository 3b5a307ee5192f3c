import assert from "node:assert/strict";
import { test } from "node:test";

import type { Envelope } from "../message/envelope.ts";
import { MemorySource, Pieces } from "../script/mail/pieces.ts";
import type { QueueWish } from "../script/ports.ts";
import { copiesAsked, wishFault } from "./mail-copy.ts";

const envelope: Envelope = {
  sender: "news@example.org",
  recipients: ["ann@example.net", "bob@example.net"],
  smtpUtf8: false,
  eightBit: false,
  transportId: "out",
};

function wishFor(address: string): QueueWish {
  return {
    sender: { address: envelope.sender, parameters: {} },
    recipient: { address, parameters: {} },
    transportId: "out",
    jobId: null,
    quotas: [],
    delaySeconds: 0,
    hold: false,
    metadata: {},
  };
}

test("recipients that count under other names are in another message", () => {
  const message = Pieces.over(new MemorySource(Buffer.from("x")));
  const wishes = [["a"], ["a"], ["b"], []].map((quotas, at) => ({ ...wishFor(`${at}@example.net`), quotas }));
  const asked = wishes.map((wish) => ({ message, wish }));
  const copies = copiesAsked(envelope, asked, { transaction: "t", now: 0, came: message });
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
  const message = Pieces.over(new MemorySource(Buffer.from("x")));
  const client = { notify: ["DELAY"] as const, orcpt: null };
  const told: Envelope = { ...envelope, dsn: { ret: "FULL", envid: "client", recipients: [client, client] } };
  const dsn = { ret: "hdrs", envid: "a+b c", notify: "SUCCESS,FAILURE", orcpt: "rfc822;ann+x@example.net" };
  const none = { ret: "", envid: "", notify: "", orcpt: "" };
  const wishes = [
    { ...wishFor("ann@example.net"), dsn },
    { ...wishFor("bob@example.net"), dsn: { ...dsn, notify: "NEVER", orcpt: "" } },
    { ...wishFor("bob@example.net"), dsn: none },
    wishFor("bob@example.net"),
  ];
  const asked = wishes.map((wish) => ({ message, wish }));
  const copies = copiesAsked(told, asked, { transaction: "t", now: 0, came: message });
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
  const fault = (said: Partial<typeof none>): string | null =>
    wishFault({ ...wishFor("ann@example.net"), dsn: { ...none, ...said } }, () => true);
  const bad: Partial<typeof none>[] = [
    { ret: "ALL" },
    { envid: "a\r\nb" },
    { notify: "NEVER,DELAY" },
    { orcpt: "ann@example.net" },
  ];
  assert.deepEqual(
    bad.map((said) => fault(said)),
    Array(4).fill("dsn says what RFC 3461 has no word for"),
  );
  const good: Partial<typeof none>[] = [{}, { notify: "never" }, { orcpt: "utf-8;\xc3\xa5@example.net" }];
  assert.deepEqual(
    good.map((said) => fault(said)),
    [null, null, null],
  );
});

test("a delay is at most a year: a time that is no date could be told to nobody", () => {
  const message = Pieces.over(new MemorySource(Buffer.from("x")));
  const heldUntil = (delaySeconds: number): number | undefined => {
    const wish = { ...wishFor("ann@example.net"), delaySeconds };
    const copies = copiesAsked(envelope, [{ message, wish }], { transaction: "t", now: 5000, came: message });
    return copies[0]?.envelope.holdUntil;
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
  const came = Pieces.over(new MemorySource(Buffer.from("Subject: x\r\n\r\nhello\r\n")));
  const edited = Pieces.join([Pieces.of("X: 1\r\n"), came]);
  const asked = [
    { message: came, wish: wishFor("ann@example.net") },
    { message: came, wish: wishFor("bob@example.net") },
    { message: edited, wish: wishFor("ann@example.net") },
  ];
  const copies = copiesAsked(envelope, asked, { transaction: "t", now: 0, came });
  assert.deepEqual(
    copies.map(({ content, envelope: { recipients } }) => [content, recipients]),
    [
      [null, ["ann@example.net", "bob@example.net"]],
      [edited, ["ann@example.net"]],
    ],
  );
});
