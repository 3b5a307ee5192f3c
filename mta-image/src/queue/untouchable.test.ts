/** What is being tried, waits for its notice alone or is settled is nobody's to take, to change or to give up. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import type { Entry } from "./entry.ts";
import type { Queue } from "./queue.ts";

const orders: Readonly<Record<string, (queue: Queue, entry: Entry) => boolean>> = {
  hold: (queue, entry) => queue.hold(entry),
  release: (queue, entry) => queue.release(entry),
  retry: (queue, entry) => queue.retryNow(entry),
  move: (queue, entry) => queue.move(entry, { transportId: "other" }),
  bounce: (queue, entry) => queue.bounce(entry),
  drop: (queue, entry) => queue.drop(entry),
};

for (const [name, order] of Object.entries(orders)) {
  test(`a recipient that is being tried or settled is out of reach of ${name}`, async () => {
    const { queue, courier, clock, ledger, notifier } = setUp();
    courier.hold();
    const message = makeMessage();
    queue.add(message);
    const [entry] = queue.find(message.id);
    assert.ok(entry);
    assert.equal(order(queue, entry), false, "it is being tried");
    courier.release();
    await settle();
    assert.equal(order(queue, entry), false, "it is settled");
    clock.advance(86_400_000);
    await settle();
    assert.equal(courier.attempts.length, 1);
    assert.deepEqual(ledger.settled, [`${message.id}/0`]);
    assert.deepEqual([queue.figures().total, queue.figures().hold, notifier.asked], [0, 0, 0]);
  });
}

test("a message is handed over whole or not at all: never while one of its recipients is being tried", async () => {
  const { queue, courier } = setUp();
  courier.answer = (address) => outcome(address === "a@one.example" ? "deferred" : "delivered");
  const message = makeMessage({ recipients: ["a@one.example", "b@two.example"] });
  courier.hold();
  queue.add(message);
  assert.equal(queue.withdraw(message.id), null);
  courier.release({ count: 1, thenHold: true });
  await settle();
  assert.equal(queue.withdraw(message.id), null, "the other one is being tried");
  courier.release();
  await settle();
  assert.equal(queue.figures().total, 1);
  assert.equal(queue.withdraw(message.id), message);
  assert.equal(queue.figures().total, 0);
});

test("a message of which a sender is still to hear of a failure is not handed over, which would lose the notice", async () => {
  const { queue, courier, notifier, clock } = setUp();
  courier.answer = (address) => outcome(address === "a@one.example" ? "failed" : "deferred");
  notifier.refuses = true;
  const message = makeMessage({ recipients: ["b@two.example", "a@one.example"] });
  queue.add(message);
  await settle();
  const [, failed] = queue.find(message.id);
  assert.ok(failed);
  assert.equal(queue.withdraw(message.id), null);
  assert.equal(queue.move(failed, { transportId: "other" }), false);
  notifier.refuses = false;
  clock.advance(60_000);
  await settle();
  assert.deepEqual(notifier.lines(), [`failed ${message.id}/1`]);
  assert.equal(queue.withdraw(message.id), message);
});
