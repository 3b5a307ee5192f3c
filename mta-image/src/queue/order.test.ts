/** What scripts order about another try, and that a restart keeps it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { outcome } from "../../testing/fake-courier.ts";
import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft, makeMessage } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { recovered } from "../../testing/spool-contract.ts";
import type { Outcome, RetryOrder } from "./courier.ts";
import type { Entry } from "./entry.ts";
import type { Queue } from "./queue.ts";

const ordered = (order: Partial<RetryOrder>): Outcome => ({
  ...outcome("deferred"),
  order: { kind: "retry", delayMs: null, ...order },
});
const only = (queue: Queue): Entry => {
  const [entry] = queue.entries();
  assert.ok(entry);
  return entry;
};

test("a try that is not counted waits as after the first one, and never comes to the end of the schedule", async () => {
  const { queue, courier, clock } = setUp();
  courier.answer = () => ordered({ counted: "same" });
  queue.add(makeMessage());
  for (let tries = 1; tries <= 5; tries++) {
    await settle();
    assert.equal(courier.attempts.length, tries);
    assert.deepEqual([only(queue).attempts, only(queue).dueAt - clock.now()], [0, 60_000]);
    clock.advance(60_000);
  }
});

test("the count begins again", async () => {
  const { queue, courier, clock, notifier } = setUp();
  courier.answer = () => outcome("deferred");
  queue.add(makeMessage());
  await settle();
  courier.answer = () => ordered({ counted: "none" });
  clock.advance(60_000);
  await settle();
  assert.equal(only(queue).attempts, 0);
  courier.answer = () => outcome("deferred");
  for (let more = 1; more <= 3; more++) {
    assert.equal(queue.figures().total, 1, "the schedule has a first try and two more");
    clock.advance(60_000);
    await settle();
  }
  assert.equal(queue.figures().total, 0);
  assert.equal(notifier.notices.length, 1);
});

test("a script goes on beyond the schedule: by the last wait, or when it says", async () => {
  const { queue, courier, clock, notifier } = setUp();
  for (const [delayMs, waits] of [
    [null, 60_000],
    [5000, 5000],
  ] as const) {
    courier.answer = () => ordered({ delayMs });
    queue.add(makeMessage());
    await settle();
    for (let tries = 2; tries <= 6; tries++) {
      assert.equal(only(queue).dueAt - clock.now(), waits);
      clock.advance(waits);
      await settle();
      assert.equal(only(queue).attempts, tries);
    }
    queue.drop(only(queue));
  }
  assert.equal(notifier.asked, 0);
});

test("a recipient that a script lets go is settled, and nobody is told", async () => {
  const { queue, courier, notifier, ledger } = setUp();
  courier.answer = (address) => ({
    ...outcome(address === "a@one.example" ? "failed" : "deferred"),
    order: { kind: "delete" },
  });
  const message = makeMessage({ recipients: ["a@one.example", "b@two.example"] });
  queue.add(message);
  await settle();
  assert.deepEqual(ledger.settled.toSorted(), [`${message.id}/0`, `${message.id}/1`]);
  assert.deepEqual([queue.figures().total, notifier.asked], [0, 0]);
});

test("what a script keeps with a recipient is there at the next try, and stays when none says more", async () => {
  const { queue, courier, clock, ledger } = setUp();
  const metadata = { seen: "1" };
  courier.answer = () => ({ ...outcome("deferred"), metadata });
  const message = makeMessage();
  queue.add(message);
  await settle();
  courier.answer = () => outcome("deferred");
  clock.advance(60_000);
  await settle();
  assert.deepEqual(courier.attempts.at(-1)?.metadata, [metadata]);
  assert.deepEqual(ledger.states.get(`${message.id}/0`)?.metadata, metadata);
});

test("a recipient on hold is tried when it is freed, the other one goes on", async () => {
  const { queue, courier } = setUp();
  courier.answer = (address) =>
    address === "a@one.example" ? ordered({ isHeld: true }) : outcome("delivered");
  const message = makeMessage({ recipients: ["a@one.example", "b@two.example"] });
  queue.add(message);
  await settle();
  assert.deepEqual([queue.figures().hold, queue.figures().total], [1, 1]);
  const [held] = queue.find(message.id) as [Entry];
  assert.deepEqual([held.phase, held.attempts], ["hold", 1]);
  courier.answer = () => outcome("delivered");
  assert.equal(queue.release(held), true);
  await settle();
  assert.deepEqual([queue.figures().hold, queue.figures().total], [0, 0]);
});

test("another transport takes over with its own schedule, and what there was of lines is forgotten", async () => {
  const asked: string[] = [];
  const { queue, courier, clock } = setUp({
    scheduleFor: (transportId) => {
      asked.push(transportId);
      const delayMs = transportId === "slow" ? 3_600_000 : 60_000;
      return { count: 2, intervals: [{ delayMs, notify: false }] };
    },
  });
  courier.answer = () => ordered({ transportId: "slow" });
  queue.add(makeMessage());
  await settle();
  assert.equal(only(queue).dueAt - clock.now(), 3_600_000);
  assert.deepEqual(asked, ["slow"]);
  assert.deepEqual(
    [...queue.lines].map(({ transportId, running }) => [transportId, running]),
    [["slow", 0]],
  );
  courier.answer = () => outcome("delivered");
  clock.advance(3_600_000);
  await settle();
  assert.deepEqual(
    courier.attempts.map(({ destination }) => destination.transportId),
    ["out", "slow"],
  );
  assert.deepEqual([...queue.lines], []);
});

test("hold, count and transport outlive a crash", async () => {
  const files = new FaultyFiles();
  const clock = new ManualClock();
  const spool = await openSpool(files, clock);
  const { queue, courier } = setUp({ spool, clock });
  courier.answer = (address) =>
    ordered(address === "a@one.example" ? { isHeld: true, transportId: "other" } : { counted: "none" });
  const message = await spool.commit(
    makeDraft({ envelope: { recipients: ["a@one.example", "b@two.example"] } }),
  );
  queue.add(message);
  await settle();
  await spool.flush();

  const again = setUp({ clock });
  for (const found of await recovered(await openSpool(files.afterCrash(), clock))) again.queue.add(found);
  await settle();
  const facts = [...again.queue.entries()].map(({ phase, attempts, destination }) => [
    phase,
    attempts,
    destination.transportId,
  ]);
  assert.deepEqual(facts, [
    ["hold", 1, "other"],
    ["waiting", 0, "out"],
  ]);
  assert.equal(again.courier.attempts.length, 0);
  assert.equal(again.queue.figures().hold, 1);
});
