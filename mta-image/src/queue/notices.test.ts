/** What a notice on its way keeps from starting, and what it says. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { outcome } from "../../testing/fake-courier.ts";
import { FakeNotifier } from "../../testing/fake-notifier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import type { Notice } from "./notifier.ts";

/** Keeps those who ask until it is told to go on; refuses before that. */
class SlowNotifier extends FakeNotifier {
  readonly #waiting: (() => void)[] = [];
  isSlow = true;

  override async notify(notice: Notice): Promise<void> {
    if (this.isSlow && !this.refuses) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await super.notify(notice);
  }

  get underWay(): number {
    return this.#waiting.length;
  }

  end(): void {
    this.#waiting.shift()?.();
  }
}

test("a notice on its way keeps no place of its destination", async () => {
  const notifier = new SlowNotifier();
  const { queue, courier } = setUp({ notifier, maxRunning: 1 });
  courier.attemptsPerDestination = 1;
  courier.answer = (_, { message }) => outcome(message === failing ? "failed" : "delivered");
  const failing = makeMessage();
  queue.add(failing);
  queue.add(makeMessage());
  await settle();
  assert.deepEqual([notifier.underWay, courier.attempts.length, queue.figures().total], [1, 2, 1]);
  notifier.end();
  await settle();
  assert.equal(queue.figures().total, 0);
});

test("notices that were put off are asked for again within the bound of all attempts, until each is sent", async () => {
  const notifier = new SlowNotifier();
  notifier.refuses = true;
  const { queue, courier, clock, ledger } = setUp({ notifier, maxRunning: 2 });
  courier.answer = () => outcome("failed");
  for (let i = 0; i < 5; i++) queue.add(makeMessage());
  await settle();
  notifier.refuses = false;
  clock.advance(60_000);
  await settle();
  for (let left = 5; left > 0; left--) {
    assert.deepEqual(
      [notifier.underWay, queue.running, ledger.settled.length],
      [Math.min(2, left), Math.min(2, left), 5 - left],
    );
    notifier.end();
    await settle();
  }
  assert.deepEqual([queue.figures().total, courier.attempts.length], [0, 5]);
});

test("a notice says what the far side said, also when it is asked for later", async () => {
  const { queue, courier, notifier, clock } = setUp();
  courier.answer = () => outcome("failed");
  notifier.refuses = true;
  queue.add(makeMessage());
  await settle();
  notifier.refuses = false;
  clock.advance(60_000);
  await settle();
  assert.deepEqual(
    notifier.notices.map(({ recipients }) => recipients.map(({ outcome: said }) => said)),
    [[outcome("failed")]],
  );
});
