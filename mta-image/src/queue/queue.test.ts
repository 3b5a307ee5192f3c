import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeCourier, outcome } from "../../testing/fake-courier.ts";
import { FakeNotifier } from "../../testing/fake-notifier.ts";
import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft, makeMessage, makeState } from "../../testing/messages.ts";
import { recovered } from "../../testing/spool-contract.ts";
import { DiskSpool } from "../spool/disk-spool.ts";
import type { EntryState, Spool, SpooledMessage } from "../spool/spool.ts";
import { queryQueue, selectEntries } from "./query.ts";
import { Queue, type QueueOptions } from "./queue.ts";

/** Remembers what the queue told the spool. */
class Ledger implements Pick<Spool, "update" | "settle"> {
  readonly settled: string[] = [];
  readonly states = new Map<string, EntryState>();

  update(id: string, recipient: number, state: EntryState): void {
    this.states.set(`${id}/${recipient}`, state);
  }

  settle(id: string, recipient: number): void {
    this.settled.push(`${id}/${recipient}`);
  }
}

function setUp(change: Partial<QueueOptions> = {}): {
  queue: Queue;
  courier: FakeCourier;
  notifier: FakeNotifier;
  clock: ManualClock;
  ledger: Ledger;
} {
  const [courier, notifier, clock, ledger] = [
    new FakeCourier(),
    new FakeNotifier(),
    new ManualClock(),
    new Ledger(),
  ];
  const queue = new Queue({
    spool: ledger as unknown as Spool,
    courier,
    notifier,
    clock,
    log: silentLog,
    random: () => 0,
    scheduleFor: () => ({ count: 2, intervals: [{ delayMs: 60_000, notify: false }] }),
    maxRunning: 1000,
    ...change,
  });
  return { queue, courier, notifier, clock, ledger };
}

/** Lets promises that are settled run on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("a recipient is tried at once and settled when delivered", async () => {
  const { queue, ledger, courier } = setUp();
  const message = makeMessage();
  queue.add(message);
  await settle();
  assert.deepEqual(courier.tried(), [`${message.id}/0`]);
  assert.deepEqual(ledger.settled, [`${message.id}/0`]);
  assert.deepEqual(queue.figures(), { total: 0, active: 0, deferred: 0, hold: 0, oldestDueSeconds: 0 });
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

test("hold stops an entry, release makes it due, and the spool hears of both", async () => {
  const { queue, courier, clock, ledger } = setUp();
  courier.answer = () => outcome("deferred");
  const message = makeMessage();
  queue.add(message);
  await settle();
  const [entry] = selectEntries(queue, { ids: [`${message.id}/0`] });
  assert.ok(entry);
  assert.equal(queue.hold(entry), true);
  assert.equal(queue.hold(entry), false);
  assert.equal(ledger.states.get(`${message.id}/0`)?.status, "hold");
  clock.advance(600_000);
  await settle();
  assert.equal(courier.attempts.length, 1);
  assert.equal(queue.figures().hold, 1);
  courier.answer = () => outcome("delivered");
  assert.equal(queue.release(entry), true);
  await settle();
  assert.equal(ledger.settled.length, 1);
  assert.equal(queue.figures().hold, 0);
});

test("retry makes a waiting entry due now and leaves a running one alone", async () => {
  const { queue, courier } = setUp();
  courier.answer = () => outcome("deferred");
  queue.add(makeMessage());
  await settle();
  courier.hold();
  const [entry] = [...queue.entries()];
  assert.ok(entry);
  assert.equal(queue.retryNow(entry), true);
  assert.equal(queue.retryNow(entry), false);
  assert.equal(courier.attempts.length, 2);
  courier.release();
  await settle();
});

test("bounce fails entries in every phase but running, with a notice", async () => {
  const { queue, courier, notifier } = setUp();
  courier.attemptsPerDestination = 1;
  courier.hold();
  const [running, ready, held] = [makeMessage(), makeMessage(), makeMessage()];
  for (const message of [running, ready, held]) queue.add(message);
  const at = (message: SpooledMessage): ReturnType<Queue["find"]>[number] => {
    const [entry] = queue.find(message.id);
    assert.ok(entry);
    return entry;
  };
  queue.hold(at(held));
  assert.equal(queue.bounce(at(running)), false);
  assert.equal(queue.bounce(at(ready)), true);
  assert.equal(queue.bounce(at(held)), true);
  await settle();
  assert.deepEqual(notifier.lines(), [`failed ${ready.id}/0`, `failed ${held.id}/0`]);
  courier.release();
  await settle();
  assert.deepEqual(courier.tried(), [`${running.id}/0`]);
  assert.equal(queue.figures().total, 0);
});

test("a selector chooses by id, by message, by domain in any case, and by both", () => {
  const { queue, courier } = setUp();
  courier.hold();
  const one = makeMessage({ recipients: ["a@one.example", "a@two.example"] });
  const two = makeMessage({ recipients: ["b@two.example"] });
  queue.add(one);
  queue.add(two);
  const ids = (selector: Parameters<typeof selectEntries>[1]): string[] =>
    selectEntries(queue, selector).map((entry) => `${entry.message.id}/${entry.recipient}`);
  assert.deepEqual(ids({}), []);
  assert.deepEqual(ids({ ids: [one.id] }), [`${one.id}/0`, `${one.id}/1`]);
  assert.deepEqual(ids({ recipientDomain: "TWO.example" }), [`${one.id}/1`, `${two.id}/0`]);
  assert.deepEqual(ids({ ids: [one.id, "../etc/passwd"], recipientDomain: "two.example" }), [`${one.id}/1`]);
});

test("pages show every entry once, also when entries leave between them", () => {
  const { queue, courier } = setUp();
  courier.hold();
  const messages = Array.from({ length: 7 }, () => makeMessage({ states: [makeState({ status: "hold" })] }));
  for (const message of [...messages].reverse()) queue.add(message);
  const first = queryQueue(queue, { limit: 3 });
  assert.deepEqual(
    first.entries.map((entry) => entry.messageId),
    messages.slice(0, 3).map((message) => message.id),
  );
  const last = selectEntries(queue, { ids: [first.next ?? ""] });
  for (const entry of last) queue.bounce(entry);
  const second = queryQueue(queue, { limit: 10, after: first.next ?? "" });
  assert.deepEqual(
    second.entries.map((entry) => entry.messageId),
    messages.slice(3).map((message) => message.id),
  );
  assert.equal(second.next, null);
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
  const open = (from: FaultyFiles): Promise<DiskSpool> =>
    DiskSpool.open({ files: from, clock, log: silentLog, floor: { bytes: 0, inodes: 0 } });
  const spool = await open(files);
  const { queue, courier } = setUp({ spool, clock });
  courier.answer = () => outcome("deferred");
  const draft = makeDraft({ envelope: { recipients: ["a@example.net", "b@example.net"] } });
  queue.add(await spool.commit(draft));
  await settle();
  const [entry] = queue.find(draft.id);
  assert.ok(entry);
  queue.hold(entry);
  await spool.flush();
  const next = await open(files.afterCrash());
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

test("two hundred thousand entries come due in the order of their times", () => {
  const { queue, courier, clock } = setUp({ maxRunning: 1e9 });
  courier.attemptsPerDestination = 1e9;
  const start = clock.now();
  const COUNT = 200_000;
  const TIMES = 100;
  for (let i = 0; i < COUNT; i++) {
    const dueAt = start + 1 + ((i * 7919) % TIMES);
    queue.add(makeMessage({ recipients: [`u@d${i % 1000}.example`], states: [makeState({ dueAt })] }));
  }
  assert.equal(queue.figures().deferred, COUNT);
  clock.advance(TIMES / 2);
  assert.equal(courier.attempts.length, COUNT / 2);
  clock.advance(TIMES / 2);
  const dues = courier.attempts.map((attempt) => attempt.message.recipients[0]?.state.dueAt ?? 0);
  assert.equal(dues.length, COUNT);
  assert.ok(dues.every((due, i) => i === 0 || due >= (dues[i - 1] as number)));
  assert.equal(queue.figures().deferred, 0);
});

test("whatever the outcomes, every entry is settled exactly once and never tried twice at once", async () => {
  const kinds = fc.constantFrom(
    "delivered" as const,
    "deferred" as const,
    "failed" as const,
    "unclear" as const,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }),
      fc.array(kinds, { minLength: 1, maxLength: 40 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
      fc.array(fc.constantFrom("hold", "release", "retry", "bounce", "none"), { maxLength: 20 }),
      async (sizes, outcomes, refusals, orders) => {
        const { queue, courier, notifier, clock, ledger } = setUp({ maxRunning: 3 });
        courier.attemptsPerDestination = 2;
        let turn = 0;
        const underWay = new Set<string>();
        const deliver = courier.deliver.bind(courier);
        courier.deliver = async (attempt) => {
          const keys = attempt.recipients.map((index) => `${attempt.message.id}/${index}`);
          for (const key of keys) {
            assert.ok(!underWay.has(key), "never two attempts of one entry at once");
            assert.ok(!ledger.settled.includes(key), "never an attempt of a settled entry");
            underWay.add(key);
          }
          await new Promise((resolve) => setImmediate(resolve));
          for (const key of keys) underWay.delete(key);
          return deliver(attempt);
        };
        courier.answer = () => outcome(outcomes[turn++ % outcomes.length] ?? "delivered");
        const expected: string[] = [];
        for (const [i, size] of sizes.entries()) {
          const recipients = Array.from({ length: size }, (_, k) => `u${k}@d${(i + k) % 2}.example`);
          const message = makeMessage({ recipients });
          expected.push(...recipients.map((_, k) => `${message.id}/${k}`));
          queue.add(message);
        }
        for (const [i, order] of orders.entries()) {
          const entry = [...queue.entries()][i % Math.max(1, queue.figures().total)];
          if (entry !== undefined && order === "hold") queue.hold(entry);
          if (entry !== undefined && order === "release") queue.release(entry);
          if (entry !== undefined && order === "retry") queue.retryNow(entry);
          if (entry !== undefined && order === "bounce") queue.bounce(entry);
          notifier.refuses = refusals[i % refusals.length] ?? false;
          await new Promise((resolve) => setImmediate(resolve));
          clock.advance(30_000);
        }
        notifier.refuses = false;
        for (const entry of [...queue.entries()]) queue.release(entry);
        for (let i = 0; i < 12 && queue.figures().total > 0; i++) {
          await settle();
          await settle();
          clock.advance(60_000);
        }
        assert.deepEqual([...ledger.settled].sort(), expected.sort());
        const { total, active, deferred, hold } = queue.figures();
        assert.deepEqual([total, active, deferred, hold, queue.running], [0, 0, 0, 0, 0]);
      },
    ),
    { numRuns: 60 },
  );
});
