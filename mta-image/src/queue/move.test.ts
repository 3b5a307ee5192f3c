import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { outcome } from "../../testing/fake-courier.ts";
import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft, makeMessage } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { recovered } from "../../testing/spool-contract.ts";
import type { Entry } from "./entry.ts";
import { describeEntry } from "./query.ts";

const first = (entries: Iterable<Entry>): Entry => {
  const [entry] = entries;
  assert.ok(entry);
  return entry;
};

test("a due entry that is moved leaves its line and is tried once, by the new transport", async () => {
  const { queue, courier } = setUp();
  courier.attemptsPerDestination = 1;
  courier.hold();
  const [blocking, moved] = [makeMessage(), makeMessage()];
  queue.add(blocking);
  queue.add(moved);
  assert.equal(queue.move(first(queue.find(blocking.id)), { transportId: "other" }), false, "it is running");
  assert.equal(queue.move(first(queue.find(moved.id)), { transportId: "other" }), true);
  queue.pump();
  courier.release();
  await settle();
  assert.deepEqual(
    courier.attempts.map(({ message, destination }) => [message.id, destination.transportId]),
    [
      [blocking.id, blocking.envelope.transportId],
      [moved.id, "other"],
    ],
  );
  assert.equal(queue.figures().total, 0);
});

test("a waiting entry keeps its time, and a held one stays held", async () => {
  const { queue, courier, clock, ledger } = setUp();
  courier.answer = () => outcome("deferred");
  const message = makeMessage({ recipients: ["a@one.example", "b@two.example"] });
  queue.add(message);
  await settle();
  const [waiting, held] = queue.find(message.id) as [Entry, Entry];
  queue.hold(held);
  const { dueAt } = waiting;
  for (const entry of [waiting, held]) assert.equal(queue.move(entry, { transportId: "other" }), true);
  assert.deepEqual(ledger.states.get(`${message.id}/1`)?.moved, { transportId: "other" });
  const after = queue.find(message.id);
  assert.deepEqual(
    after.map((entry) => [
      entry.phase,
      entry.attempts,
      entry.dueAt === dueAt,
      describeEntry(entry).transportId,
    ]),
    [
      ["waiting", 1, true, "other"],
      ["hold", 1, true, "other"],
    ],
  );
  assert.equal(queue.figures().hold, 1);
  clock.advance(60_000);
  await settle();
  assert.deepEqual(courier.attempts.at(-1)?.destination.transportId, "other");
  queue.release(first(after.filter(({ phase }) => phase === "hold")));
  await settle();
  assert.equal(queue.figures().hold, 0);
});

test("a group that an administrator gave is what policies count by", async () => {
  const { queue, courier } = setUp();
  courier.answer = () => outcome("deferred");
  queue.rules.suspend({
    id: "s",
    origin: "api",
    match: { grouping: "&slow" },
    tag: null,
    properties: {},
    ttlMs: 0,
  });
  const message = makeMessage();
  queue.add(message);
  await settle();
  queue.move(first(queue.find(message.id)), { grouping: "&slow" });
  queue.retryNow(first(queue.find(message.id)));
  await settle();
  assert.equal(courier.attempts.length, 1);
  assert.equal(queue.figures().blocked, 1);
  queue.move(first(queue.find(message.id)), { grouping: "" });
  queue.pump();
  await settle();
  assert.equal(courier.attempts.length, 2);
});

test("a move outlives a restart, and a second one adds to it", async () => {
  const files = new FaultyFiles();
  const clock = new ManualClock();
  const spool = await openSpool(files, clock);
  const { queue, courier } = setUp({ spool, clock });
  courier.answer = () => outcome("deferred");
  const message = await spool.commit(makeDraft());
  queue.add(message);
  await settle();
  queue.move(first(queue.find(message.id)), { transportId: "other", jobId: "j" });
  queue.move(first(queue.find(message.id)), { jobId: "k", tenantId: "t" });
  await spool.flush();

  const again = setUp({ clock });
  for (const found of await recovered(await openSpool(files.afterCrash(), clock))) again.queue.add(found);
  const { destination } = first(again.queue.entries());
  const { transportId, jobId, tenantId } = destination;
  assert.deepEqual([transportId, jobId, tenantId], ["other", "k", "t"]);
});
