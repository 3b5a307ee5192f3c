import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { outcome } from "../../testing/fake-courier.ts";
import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft, makeMessage, makeState } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { recovered } from "../../testing/spool-contract.ts";

test("a recipient is tried at once and settled when delivered", async () => {
  const { queue, ledger, courier } = setUp();
  const message = makeMessage();
  queue.add(message);
  await settle();
  assert.deepEqual(courier.tried(), [`${message.id}/0`]);
  assert.deepEqual(ledger.settled, [`${message.id}/0`]);
  assert.deepEqual(queue.figures(), {
    total: 0,
    active: 0,
    deferred: 0,
    hold: 0,
    oldestDueSeconds: 0,
    blocked: 0,
    oldestFreeSeconds: 0,
    nextDueAt: null,
  });
});

test("recipients of one message at one destination share an attempt, at most a hundred", async () => {
  const { queue, courier } = setUp();
  queue.add(makeMessage({ recipients: Array.from({ length: 250 }, (_, i) => `user${i}@example.net`) }));
  await settle();
  assert.deepEqual(
    courier.attempts.map((attempt) => attempt.recipients.length),
    [100, 100, 50],
  );
});

test("a deferred recipient is tried again by its schedule and given up with a notice after the last retry", async () => {
  const { queue, courier, notifier, clock, ledger } = setUp();
  courier.answer = () => outcome("deferred");
  const message = makeMessage();
  queue.add(message);
  await settle();
  assert.equal(queue.figures().deferred, 1);
  assert.equal(ledger.states.get(`${message.id}/0`)?.attempts, 1);
  clock.advance(59_999);
  await settle();
  assert.equal(courier.attempts.length, 1);
  clock.advance(1);
  await settle();
  assert.equal(courier.attempts.length, 2);
  clock.advance(60_000);
  await settle();
  assert.equal(courier.attempts.length, 3);
  assert.deepEqual(notifier.lines(), [`failed ${message.id}/0`]);
  assert.equal(notifier.notices[0]?.recipients[0]?.outcome.status, "4.4.7");
  assert.deepEqual(ledger.settled, [`${message.id}/0`]);
});

test("a delay notice goes out with the interval that asks for it, and says until when", async () => {
  const intervals = [
    { delayMs: 1000, notify: false },
    { delayMs: 2000, notify: true },
  ];
  const { queue, courier, notifier, clock } = setUp({ scheduleFor: () => ({ count: 4, intervals }) });
  courier.answer = () => outcome("deferred");
  const message = makeMessage();
  queue.add(message);
  await settle();
  clock.advance(1000);
  await settle();
  assert.deepEqual(notifier.lines(), [`delayed ${message.id}/0`]);
  assert.equal(notifier.notices[0]?.retryUntil, clock.now() + 6000);
  clock.advance(2000);
  await settle();
  assert.equal(notifier.notices.length, 1, "the repeated interval does not repeat the notice");
});

test("a failed recipient is told and settled; the others of its attempt go their own way", async () => {
  const { queue, courier, notifier, ledger } = setUp();
  courier.answer = (address) =>
    outcome(address.startsWith("ann") ? "failed" : address.startsWith("bob") ? "deferred" : "delivered");
  const message = makeMessage({ recipients: ["ann@example.net", "bob@example.net", "cat@example.net"] });
  queue.add(message);
  await settle();
  assert.deepEqual(notifier.lines(), [`failed ${message.id}/0`]);
  assert.deepEqual(ledger.settled, [`${message.id}/2`, `${message.id}/0`]);
  assert.deepEqual({ ...queue.counters }, { delivered: 1, deferred: 1, failed: 1, unclear: 0 });
});

test("an unclear outcome is tried again and counted apart", async () => {
  const { queue, courier, clock } = setUp();
  courier.answer = () => outcome("unclear");
  queue.add(makeMessage());
  await settle();
  courier.answer = () => outcome("delivered");
  clock.advance(60_000);
  await settle();
  assert.deepEqual({ ...queue.counters }, { delivered: 1, deferred: 0, failed: 0, unclear: 1 });
});

test("a notifier that refuses keeps the entry; it is asked again and the recipient is not tried again", async () => {
  const { queue, courier, notifier, clock, ledger } = setUp();
  courier.answer = () => outcome("failed");
  notifier.refuses = true;
  const message = makeMessage();
  queue.add(message);
  await settle();
  assert.equal(queue.figures().total, 1);
  assert.deepEqual(ledger.settled, []);
  clock.advance(60_000);
  await settle();
  assert.equal(notifier.asked, 2);
  notifier.refuses = false;
  clock.advance(60_000);
  await settle();
  assert.deepEqual(ledger.settled, [`${message.id}/0`]);
  assert.equal(courier.attempts.length, 1);
  assert.equal(queue.counters.failed, 1);
});

test("an entry that waits for its notice is not mixed into an attempt of its message", async () => {
  const { queue, courier, notifier, clock } = setUp();
  courier.answer = (address) => outcome(address.startsWith("ann") ? "failed" : "deferred");
  notifier.refuses = true;
  const message = makeMessage({ recipients: ["ann@example.net", "bob@example.net"] });
  queue.add(message);
  await settle();
  notifier.refuses = false;
  courier.answer = () => outcome("delivered");
  clock.advance(60_000);
  await settle();
  assert.deepEqual(courier.tried(), [`${message.id}/0`, `${message.id}/1`, `${message.id}/1`]);
  assert.deepEqual(notifier.lines(), [`failed ${message.id}/0`]);
  assert.equal(queue.figures().total, 0);
});

test("one destination never has more attempts under way than its window", async () => {
  const { queue, courier } = setUp();
  courier.attemptsPerDestination = 3;
  courier.hold();
  for (let i = 0; i < 10; i++) queue.add(makeMessage());
  assert.equal(queue.running, 3);
  courier.release({ thenHold: false });
  await settle();
  assert.deepEqual([...courier.mostRunning.values()], [3]);
  assert.equal(courier.attempts.length, 10);
});

test("destinations take turns: a long line delays no short one", async () => {
  const { queue, courier } = setUp({ maxRunning: 1 });
  courier.hold();
  const long = Array.from({ length: 5 }, () => makeMessage({ recipients: ["a@long.example"] }));
  const short = makeMessage({ recipients: ["b@short.example"] });
  for (const message of long) queue.add(message);
  queue.add(short);
  courier.release();
  await settle();
  assert.deepEqual(
    courier.attempts.map((attempt) => attempt.destination.domain),
    ["long.example", "long.example", "short.example", "long.example", "long.example", "long.example"],
  );
});

test("a domain in another case or in U-labels is the same destination", async () => {
  const { queue, courier } = setUp();
  courier.hold();
  const recipients = ["a@MÜNCHEN.example", "b@xn--mnchen-3ya.example"];
  queue.add(makeMessage({ recipients }));
  assert.deepEqual(
    courier.attempts.map((attempt) => attempt.destination.domain),
    ["xn--mnchen-3ya.example"],
  );
  courier.release();
  await settle();
});

test("after close nothing starts", async () => {
  const { queue, courier, clock } = setUp();
  courier.answer = () => outcome("deferred");
  queue.add(makeMessage());
  await settle();
  queue.close();
  queue.add(makeMessage());
  clock.advance(600_000);
  await settle();
  assert.equal(courier.attempts.length, 1);
});

test("a courier that breaks its promise costs a retry, not the queue", async () => {
  const { queue, courier, clock, ledger } = setUp();
  courier.answer = () => {
    throw new Error("a bug");
  };
  queue.add(makeMessage());
  await settle();
  assert.equal(queue.figures().deferred, 1);
  courier.answer = () => outcome("delivered");
  clock.advance(60_000);
  await settle();
  assert.equal(ledger.settled.length, 1);
});

test("a clock that is set forward is noticed within a minute", async () => {
  let ahead = 0;
  const real = new ManualClock();
  const clock = {
    ...real,
    now: () => real.now() + ahead,
    monotonic: () => real.monotonic(),
    after: real.after.bind(real),
  };
  const { queue, courier } = setUp({
    clock,
    scheduleFor: () => ({ count: 5, intervals: [{ delayMs: 3_600_000, notify: false }] }),
  });
  courier.answer = () => outcome("deferred");
  queue.add(makeMessage());
  await settle();
  ahead = 7_200_000;
  real.advance(60_000);
  await settle();
  assert.equal(courier.attempts.length, 2);
});

test("a restart finds attempts, holds and due times as they were", async () => {
  const files = new FaultyFiles();
  const clock = new ManualClock();
  const spool = await openSpool(files, clock);
  const { queue, courier } = setUp({ spool, clock });
  courier.answer = () => outcome("deferred");
  const draft = makeDraft({ envelope: { recipients: ["a@example.net", "b@example.net"] } });
  queue.add(await spool.commit(draft));
  await settle();
  const [entry] = queue.find(draft.id);
  assert.ok(entry);
  queue.hold(entry);
  await spool.flush();
  const next = await openSpool(files.afterCrash(), clock);
  const again = setUp({ spool: next, clock });
  for (const message of await recovered(next)) again.queue.add(message);
  assert.deepEqual(
    [...again.queue.entries()].map(({ phase, attempts, dueAt }) => ({ phase, attempts, dueAt })),
    [...queue.entries()].map(({ phase, attempts, dueAt }) => ({ phase, attempts, dueAt })),
  );
  assert.deepEqual(
    [...again.queue.entries()].map(({ phase }) => phase),
    ["hold", "waiting"],
  );
});

test("fifty thousand entries come due in the order of their times", () => {
  const { queue, courier, clock } = setUp({ maxRunning: 1e9 });
  courier.attemptsPerDestination = 1e9;
  const start = clock.now();
  const COUNT = 50_000;
  const TIMES = 100;
  for (let i = 0; i < COUNT; i++) {
    const dueAt = start + 1 + ((i * 7919) % TIMES);
    queue.add(makeMessage({ recipients: [`u@d${i % 1000}.example`], states: [makeState({ dueAt })] }));
  }
  assert.equal(queue.figures().deferred, COUNT);
  clock.advance(TIMES / 2);
  assert.equal(courier.attempts.length, COUNT / 2);
  const dues = courier.attempts.map((attempt) => attempt.message.recipients[0]?.state.dueAt ?? 0);
  assert.ok(dues.every((due, i) => i === 0 || due >= (dues[i - 1] as number)));
  queue.close();
});
