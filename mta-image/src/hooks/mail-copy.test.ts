import assert from "node:assert/strict";
import { test } from "node:test";

import type { Envelope } from "../message/envelope.ts";
import { MemorySource, Pieces } from "../script/mail/pieces.ts";
import type { QueueWish } from "../script/ports.ts";
import { copiesAsked } from "./mail-copy.ts";

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
