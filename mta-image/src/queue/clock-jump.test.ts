import assert from "node:assert/strict";
import { test } from "node:test";

import { makeId } from "#base/ids.ts";
import { QueueLimits } from "#contract/queue-fields.ts";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { settle, setUp } from "../../testing/queue-rig.ts";
import { limitsOf } from "./policy.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const intervals = [{ delayMs: HOUR, notify: false }];

function deferring(): ReturnType<typeof setUp> {
  const rig = setUp({ scheduleFor: () => ({ count: 9, intervals }) });
  rig.courier.answer = () => outcome("deferred");
  return rig;
}

test("a clock that is set forward is noticed within a minute: what is due by it is tried once", async () => {
  const { queue, courier, clock } = deferring();
  queue.add(makeMessage());
  await settle();
  clock.setWall(DAY);
  clock.advance(60_000);
  await settle();
  assert.equal(courier.attempts.length, 2);
  clock.advance(HOUR - 1);
  await settle();
  assert.equal(courier.attempts.length, 2, "its next time is an hour from then");
  clock.advance(1);
  await settle();
  assert.equal(courier.attempts.length, 3);
});

test("a clock that is set back makes nothing early, nothing twice and loses nothing: due times are of the wall", async () => {
  const { queue, courier, clock } = deferring();
  queue.add(makeMessage());
  await settle();
  clock.setWall(-DAY);
  clock.advance(DAY + HOUR - 60_000);
  await settle();
  assert.equal(courier.attempts.length, 1);
  const fresh = makeMessage({ receivedAt: clock.now() });
  queue.add(fresh);
  await settle();
  assert.equal(courier.attempts.length, 2, "new mail goes at once");
  clock.advance(60_000);
  await settle();
  assert.equal(courier.attempts.length, 3);
  assert.equal(queue.figures().total, 2);
});

test("rates count by a clock that nobody sets", async () => {
  const { queue, courier, clock } = setUp();
  const limits = limitsOf(QueueLimits.parse({ rate: "1/3600" }), "fixedwindow");
  queue.rules.addPolicy({
    id: "slow",
    type: "dynamic",
    origin: "api",
    fields: [],
    match: {},
    ttlMs: 0,
    limits,
  });
  for (let n = 0; n < 3; n++) queue.add(makeMessage());
  await settle();
  const before = courier.attempts.length;
  clock.setWall(DAY);
  clock.advance(1000);
  await settle();
  assert.equal(courier.attempts.length, before);
  clock.setWall(-2 * DAY);
  clock.advance(HOUR);
  await settle();
  assert.equal(courier.attempts.length, before + 1);
});

test("ids stay apart when the clock goes back and forth", () => {
  const times = Array.from({ length: 3000 }, (_, n) => 1_800_000_000_000 + ((n * 7919) % 5) * DAY);
  assert.equal(new Set(times.map(makeId)).size, times.length);
});
