import assert from "node:assert/strict";
import { test } from "node:test";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage, makeState } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import type { SpooledMessage } from "../spool/spool.ts";
import { queryQueue, searchQueue, selectEntries } from "./query.ts";
import type { Queue } from "./queue.ts";

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

test("what is released before the time that its sender named waits for it, unless it is retried", async () => {
  const { queue, courier, clock, ledger } = setUp();
  const holdUntil = clock.now() + 600_000;
  for (let i = 0; i < 2; i++)
    queue.add(makeMessage({ envelope: { holdUntil }, states: [makeState({ dueAt: holdUntil })] }));
  const [entry, other] = [...queue.entries()];
  assert.ok(entry && other);
  for (const held of [entry, other]) assert.ok(queue.hold(held) && queue.release(held));
  assert.equal(ledger.states.get(`${entry.message.id}/0`)?.status, "queued");
  assert.deepEqual([queue.figures().hold, queue.figures().deferred], [0, 2]);
  assert.equal(queue.retryNow(other), true);
  clock.advance(599_999);
  await settle();
  assert.equal(courier.attempts.length, 1);
  clock.advance(1);
  await settle();
  assert.equal(courier.attempts.length, 2);
  const late = makeMessage({
    envelope: { holdUntil },
    states: [makeState({ dueAt: holdUntil, status: "hold" })],
  });
  clock.advance(5000);
  queue.add(late);
  const [waited] = queue.find(late.id);
  courier.hold();
  assert.ok(waited && queue.release(waited));
  assert.equal(waited.dueAt, clock.now(), "it is due since it was set free");
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

test("a search finds addresses and ids in any case, whether messages rest or not, and pages follow the ids", async () => {
  const { queue, courier, clock } = setUp();
  courier.answer = () => outcome("deferred");
  const messages = ["User.1@Shop.Example", "user.2@shop.example", `"a@b"@other.test`].map((to, n) =>
    makeMessage({ recipients: [to], sender: "Boss@Corp.Test", receivedAt: clock.now() + n }),
  );
  // Not in the order of their ids.
  for (const message of messages.toReversed()) queue.add(message);
  const search = (text: string): string[] =>
    searchQueue(queue, { filter: { text }, limit: 10 }, clock.now()).entries.map(
      ({ recipient }) => recipient,
    );
  const all = messages.map(({ envelope }) => envelope.recipients[0] ?? "");
  for (let look = 0; look < 2; look++) {
    assert.deepEqual(search("user.1@SHOP"), all.slice(0, 1));
    assert.deepEqual(search("shop.example"), all.slice(0, 2));
    assert.deepEqual(search("@other"), all.slice(2));
    assert.deepEqual(search(`A@B"@`), all.slice(2));
    assert.deepEqual(search("boss@"), all);
    assert.deepEqual(search(messages[1]?.id.toLowerCase() ?? ""), all.slice(1, 2));
    assert.deepEqual(search("nobody"), []);
    const ids = messages.map(({ id }) => id);
    const seen: string[] = [];
    let after: string | undefined;
    for (let page = 0; page < 3; page++) {
      const query = { filter: {}, limit: 1, ...(after === undefined ? {} : { after }) };
      const { entries, matched } = searchQueue(queue, query, clock.now());
      assert.equal(matched, 3);
      seen.push(...entries.map(({ messageId }) => messageId));
      after = entries[0]?.id;
    }
    assert.deepEqual(seen, ids.toSorted());
    await settle();
    for (const message of messages) message.rest();
  }
});
