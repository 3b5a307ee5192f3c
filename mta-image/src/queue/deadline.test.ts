import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeCourier, outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { settle, setUp } from "../../testing/queue-rig.ts";
import type { DeliverBy } from "../message/envelope.ts";
import type { LiveMail } from "../spool/spool.ts";
import { withDeadline } from "./deadline.ts";

const NOW = 1_800_000_000_000;
const SLOW = { count: 30, intervals: [{ delayMs: 60_000, notify: false }] };

function timed(change: Partial<DeliverBy>): LiveMail {
  const deliverBy = { at: NOW + 150_000, mode: "return" as const, trace: false, ...change };
  return makeMessage({ recipients: ["ann@example.net"], envelope: { deliverBy } });
}

/** `left`: the seconds that each try had. */
function deferring(): ReturnType<typeof setUp> & { readonly left: (number | undefined)[] } {
  const courier = new FakeCourier();
  const left: (number | undefined)[] = [];
  courier.answer = (_, { deliverBy }) => {
    left.push(deliverBy?.seconds);
    return outcome("deferred");
  };
  return { ...setUp({ courier, scheduleFor: () => SLOW }), courier, left };
}

test("mail that is wanted back by a time is tried until then, and comes back at it", async () => {
  const { queue, left, notifier, clock } = deferring();
  const message = timed({});
  queue.add(message);
  await settle();
  for (let i = 0; i < 3; i++) {
    clock.advance(60_000);
    await settle();
  }
  assert.deepEqual(left, [150, 90, 30]);
  assert.deepEqual(notifier.lines(), [`failed ${message.id}/0`]);
  assert.equal(notifier.notices[0]?.recipients[0]?.outcome.status, "5.4.7");
  assert.equal(queue.figures().total, 0);
});

test("a sender that only wants to know is told once that the mail is late, and it is tried on", async () => {
  const { queue, courier, notifier, clock } = deferring();
  const message = timed({ mode: "notify" });
  queue.add(message);
  await settle();
  for (let i = 0; i < 5; i++) {
    clock.advance(60_000);
    await settle();
  }
  assert.deepEqual(notifier.lines(), [`delayed ${message.id}/0`]);
  assert.equal(queue.figures().total, 1);
  assert.ok(courier.attempts.length >= 5);
});

test("mail is late at its very time, and what is planned before it is planned for it at the latest", () => {
  const planned = { kind: "retry", dueAt: 9, notify: false, until: 20 } as const;
  const decide = (now: number, mode: DeliverBy["mode"], wasDueAt = now) =>
    withDeadline(planned, { deliverBy: { at: 5, mode, trace: false } }, { now, wasDueAt });
  assert.deepEqual(decide(4, "return"), { ...planned, dueAt: 5 });
  assert.deepEqual(decide(5, "return"), { kind: "give-up" });
  assert.deepEqual(decide(5, "notify"), { ...planned, notify: true });
  assert.deepEqual(decide(7, "notify", 6), planned, "it has been told already");
});

test("what is left of the time is what is left when it is asked for, since an attempt may wait", async () => {
  const { queue, courier, clock } = setUp();
  courier.hold();
  queue.add(timed({}));
  await settle();
  const left = courier.attempts[0]?.deliverBy;
  assert.equal(left?.seconds, 150);
  clock.advance(149_500);
  assert.equal(left.seconds, 1);
  clock.advance(500);
  assert.equal(left.seconds, 0);
});

test("mail without a time is nobody's haste", async () => {
  const { queue, courier } = deferring();
  queue.add(makeMessage({ recipients: ["ann@example.net"] }));
  await settle();
  assert.equal(courier.attempts[0]?.deliverBy, undefined);
});

test("with T its sender hears when the mail is passed on", async () => {
  const { queue, notifier } = setUp();
  const message = timed({ trace: true });
  queue.add(message);
  await settle();
  assert.deepEqual(notifier.lines(), [`relayed ${message.id}/0`]);
});

test("with T it hears so too where the next host reports success itself", async () => {
  const courier = new FakeCourier();
  courier.answer = () => ({ ...outcome("delivered"), success: "reported" });
  const { queue, notifier } = setUp({ courier });
  const followed = timed({ trace: true });
  queue.add(followed);
  queue.add(timed({}));
  await settle();
  assert.deepEqual(notifier.lines(), [`relayed ${followed.id}/0`]);
});
