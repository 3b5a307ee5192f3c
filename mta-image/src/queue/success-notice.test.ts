import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeCourier, outcome } from "../../testing/fake-courier.ts";
import { FakeNotifier } from "../../testing/fake-notifier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { settle, setUp } from "../../testing/queue-rig.ts";
import type { LiveMail } from "../spool/spool.ts";
import type { Outcome } from "./courier.ts";

/** Two recipients, of whom only the second one's sender wants to hear of success. */
function asking(): LiveMail {
  const recipients = [null, { notify: ["SUCCESS"] as const, orcpt: null }];
  const dsn = { ret: null, envid: null, recipients };
  return makeMessage({ recipients: ["ann@example.net", "bob@example.net"], envelope: { dsn } });
}

async function deliver(
  answer: Outcome,
  options: { refuses?: boolean } = {},
): Promise<{ lines: string[]; entries: number; id: string }> {
  const courier = new FakeCourier();
  const notifier = new FakeNotifier();
  notifier.refuses = options.refuses ?? false;
  courier.answer = () => answer;
  const { queue } = setUp({ courier, notifier });
  const message = asking();
  queue.add(message);
  await settle();
  return { lines: notifier.lines(), entries: queue.figures().total, id: message.id };
}

test("a sender that asked hears that its mail was handed to a host that reports nothing", async () => {
  const { lines, entries, id } = await deliver(outcome("delivered"));
  assert.deepEqual(lines, [`relayed ${id}/1`]);
  assert.equal(entries, 0);
});

test("the last hop says delivered", async () => {
  const { lines, id } = await deliver({ ...outcome("delivered"), success: "final" });
  assert.deepEqual(lines, [`delivered ${id}/1`]);
});

test("a host that reports success itself is left to it", async () => {
  const { lines, entries } = await deliver({ ...outcome("delivered"), success: "reported" });
  assert.deepEqual(lines, []);
  assert.equal(entries, 0);
});

test("a notice of success that cannot be sent does not keep the mail, which would go out twice", async () => {
  const { lines, entries } = await deliver(outcome("delivered"), { refuses: true });
  assert.deepEqual(lines, []);
  assert.equal(entries, 0);
});

test("mail whose sender hears of success has gone out once, whenever somebody looks", async () => {
  const { queue, courier, clock, notifier } = setUp();
  queue.add(asking());
  await settle();
  clock.advance(86_400_000);
  await settle();
  assert.deepEqual([courier.attempts.length, notifier.asked, queue.figures().total], [1, 1, 0]);
});
