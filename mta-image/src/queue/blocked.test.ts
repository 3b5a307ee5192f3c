/** What a rule holds back, as figures: no reason for more engines. */
import assert from "node:assert/strict";
import { test } from "node:test";

import type { QueueMatch } from "#contract/queue-fields.ts";

import { makeMessage, makeState } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import type { EntryState } from "../spool/spool.ts";

type Rig = ReturnType<typeof setUp>;

function suspend({ queue }: Rig, id: string, match: QueueMatch): void {
  queue.rules.suspend({ id, origin: "api", match, tag: null, properties: {}, ttlMs: 0 });
}

function send({ queue }: Rig, ...addresses: string[]): void {
  for (const address of addresses) queue.add(makeMessage({ recipients: [address] }));
}

test("what a rule holds back is told apart from what only waits for its turn", async () => {
  const rig = setUp();
  rig.courier.hold();
  suspend(rig, "s", { recipientdomain: "a.net" });
  send(rig, ...["a1@a.net", "a2@a.net", "a3@a.net", "b1@b.net"]);
  await settle();
  rig.clock.advance(5000);
  const { active, blocked, oldestDueSeconds, oldestFreeSeconds } = rig.queue.figures();
  assert.deepEqual(
    { active, blocked, oldestDueSeconds, oldestFreeSeconds },
    {
      active: 4,
      blocked: 3,
      oldestDueSeconds: 5,
      oldestFreeSeconds: 0,
    },
  );
});

test("the oldest of all lines is what the figures tell", async () => {
  const rig = setUp({ maxRunning: 1 });
  rig.courier.hold();
  send(rig, "running@x.net");
  const at = (seconds: number): EntryState => makeState({ dueAt: rig.clock.now() - seconds * 1000 });
  for (const [domain, seconds] of [
    ["a.net", 5],
    ["b.net", 9],
    ["c.net", 7],
  ] as const)
    rig.queue.add(makeMessage({ recipients: [`u@${domain}`], states: [at(seconds)] }));
  assert.equal(rig.queue.figures().oldestDueSeconds, 9);
  assert.equal(rig.queue.figures().oldestFreeSeconds, 9);
});

test("entries that leave a line that is held back are not counted in it any more", async () => {
  const rig = setUp();
  suspend(rig, "s", {});
  send(rig, ...["u1@a.net", "u2@a.net", "u3@a.net", "u4@a.net"]);
  await settle();
  const [first, second, third, fourth] = [...rig.queue.entries()];
  assert.ok(first !== undefined && second !== undefined && third !== undefined && fourth !== undefined);
  rig.queue.hold(first);
  rig.queue.withdraw(second.message.id);
  rig.queue.bounce(third);
  assert.equal(rig.queue.figures().blocked, 1);
  assert.ok(rig.queue.move(fourth, { transportId: "other" }));
  rig.queue.release(first);
  assert.equal(rig.queue.figures().blocked, 2);
  rig.queue.rules.unsuspend("s");
  await settle();
  assert.equal(rig.queue.figures().blocked, 0);
});

test("a recipient that was held and freed while its line stood still is tried once", async () => {
  const rig = setUp();
  suspend(rig, "s", {});
  rig.queue.add(makeMessage({ recipients: ["u1@a.net", "u2@a.net"] }));
  await settle();
  const entries = [...rig.queue.entries()];
  for (const entry of entries) assert.ok(rig.queue.hold(entry));
  for (const entry of entries) assert.ok(rig.queue.release(entry));
  rig.queue.rules.unsuspend("s");
  await settle();
  assert.deepEqual(
    rig.courier.attempts.map(({ recipients }) => recipients),
    [[0, 1]],
  );
  assert.equal(rig.queue.figures().total, 0);
});
