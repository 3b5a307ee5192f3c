import assert from "node:assert/strict";
import { test } from "node:test";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import type { Caller, Door, DoorAnswer, Doorkeeper } from "./doorkeeper.ts";
import type { QueueOptions } from "./queue.ts";

/** Keeps who asked at which door; `answer` is the test's. */
class Porter implements Doorkeeper {
  readonly asked: string[] = [];
  readonly callers: Caller[] = [];
  readonly #answer: (door: Door, caller: Caller) => DoorAnswer | null;
  readonly #doors: readonly Door[];

  constructor(
    doors: readonly Door[],
    answer: (door: Door, caller: Caller) => DoorAnswer | null = () => null,
  ) {
    this.#doors = doors;
    this.#answer = answer;
  }

  isAsked(door: Door): boolean {
    return this.#doors.includes(door);
  }

  ask(door: Door, caller: Caller): DoorAnswer {
    this.asked.push(`${door} ${caller.message.envelope.recipients[caller.recipient]}`);
    this.callers.push(caller);
    return this.#answer(door, caller) ?? { kind: "accepted", localIps: caller.localIps };
  }
}

const sources = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
const rigWith = (doorkeeper: Doorkeeper, change: Partial<QueueOptions> = {}) =>
  setUp({ doorkeeper, sourcesFor: () => sources, ...change });

test("every recipient is asked for at both doors, in that order", async () => {
  const porter = new Porter(["insert", "pickup"]);
  const { queue, courier } = rigWith(porter);
  queue.add(makeMessage({ recipients: ["a@a.net", "b@a.net"] }));
  await settle();
  assert.deepEqual(porter.asked, ["insert a@a.net", "insert b@a.net", "pickup a@a.net", "pickup b@a.net"]);
  assert.equal(courier.attempts.length, 1);
});

test("at the pick-up it is known where the mail goes and from which address", async () => {
  const porter = new Porter(["pickup"]);
  const locator = { locate: async () => ({ hosts: ["mx.a.net"], ips: ["192.0.2.1"] }) };
  const { queue } = rigWith(porter, { locator, sourcesFor: () => ["10.0.0.9"] });
  queue.add(makeMessage({ recipients: ["a@a.net"], envelope: { jobId: "j" } }));
  await settle();
  const { remotemx, remoteip, jobid, recipientdomain } = porter.callers[0]?.facts ?? {};
  assert.deepEqual([remotemx, remoteip, jobid, recipientdomain], ["mx.a.net", "192.0.2.1", "j", "a.net"]);
});

test("who is refused at the first door waits for its next turn and is asked for again", async () => {
  let isOpen = false;
  const porter = new Porter(["insert"], () =>
    isOpen ? null : { kind: "refused", by: "geo", value: ["error", "NO"] },
  );
  const { queue, courier, clock, ledger } = rigWith(porter);
  const message = makeMessage({ recipients: ["a@a.net"] });
  queue.add(message);
  await settle();
  assert.equal(courier.attempts.length, 0);
  assert.equal(ledger.states.get(`${message.id}/0`)?.lastReply, "450 4.7.0 Plugin geo gave it back");
  isOpen = true;
  clock.advance(60_000);
  await settle();
  assert.equal(courier.attempts.length, 1);
});

test("of one message only the recipients that are let go are tried; the others never hold a place", async () => {
  const porter = new Porter(["pickup"], (_, { recipient }) =>
    recipient === 1 ? { kind: "refused", by: "p", value: null } : null,
  );
  const { queue, courier } = rigWith(porter);
  queue.rules.addPolicy({
    id: "one",
    type: "dynamic",
    origin: "test",
    fields: [],
    match: {},
    limits: {
      concurrency: 1,
      rate: null,
      connectIntervalMs: 0,
      properties: {},
      tag: null,
      stop: false,
      cluster: false,
    },
    ttlMs: 0,
  });
  queue.add(makeMessage({ recipients: ["a@a.net", "b@a.net", "c@a.net"] }));
  queue.add(makeMessage({ recipients: ["d@b.net"] }));
  await settle();
  assert.deepEqual(
    courier.attempts.map(({ recipients }) => recipients),
    [[0, 2], [0]],
  );
  assert.equal(queue.running, 0);
});

test("an attempt of which all recipients are refused is none, and they knock again", async () => {
  let isOpen = false;
  const porter = new Porter(["pickup"], () => (isOpen ? null : { kind: "refused", by: "p", value: null }));
  const { queue, courier, clock } = rigWith(porter);
  queue.add(makeMessage({ recipients: ["a@a.net", "b@a.net"] }));
  await settle();
  assert.deepEqual([courier.attempts.length, queue.running, queue.figures().deferred], [0, 0, 2]);
  isOpen = true;
  clock.advance(60_000);
  await settle();
  assert.deepEqual([courier.tried().length, queue.figures().total], [2, 0]);
});

test("a recipient that may use some source addresses only is sent from those, and others are as before", async () => {
  const porter = new Porter(["insert"], (_, { recipient, localIps }) =>
    recipient === 0 ? { kind: "accepted", localIps: localIps.slice(1, 2) } : null,
  );
  const { queue, courier } = rigWith(porter);
  queue.add(makeMessage({ recipients: ["a@a.net", "b@a.net"] }));
  await settle();
  const from = courier.attempts.map(({ recipients, terms }) => `${recipients} ${terms?.source ?? "any"}`);
  assert.deepEqual(from.toSorted(), ["0 10.0.0.2", "1 any"]);
});

test("a suspended source is not used, and mail that may use nothing else waits", async () => {
  const porter = new Porter(["insert"], () => ({ kind: "accepted", localIps: ["10.0.0.1"] }));
  const { queue, courier } = rigWith(porter);
  const order = { id: "s", origin: "t", match: { localip: "10.0.0.1" }, tag: null, properties: {}, ttlMs: 0 };
  queue.rules.suspend(order);
  queue.add(makeMessage({ recipients: ["a@a.net"] }));
  await settle();
  assert.equal(courier.attempts.length, 0);
  queue.rules.unsuspend("s");
  await settle();
  assert.equal(courier.attempts[0]?.terms?.source, "10.0.0.1");
});

test("what the courier makes of a refusal counts in place of the schedule", async () => {
  const porter = new Porter(["insert"], () => ({ kind: "refused", by: "geo", value: ["error", "NO"] }));
  const { queue, courier, notifier } = rigWith(porter);
  const told: unknown[] = [];
  courier.refused = async ({ message, recipients }, value) => {
    told.push([message.envelope.recipients[recipients[0] ?? -1], value]);
    return outcome("failed", "550 5.7.1 not at all");
  };
  queue.add(makeMessage({ recipients: ["a@a.net"] }));
  await settle();
  assert.deepEqual(told, [["a@a.net", ["error", "NO"]]]);
  assert.equal(notifier.notices.length, 1);
  assert.equal(courier.attempts.length, 0);
});
