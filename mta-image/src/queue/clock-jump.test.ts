import assert from "node:assert/strict";
import { test } from "node:test";

import { calmClock } from "#base/calm-clock.ts";
import { makeId } from "#base/ids.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { QueueLimits } from "#contract/queue-fields.ts";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage, makeState } from "../../testing/messages.ts";
import { settle, setUp } from "../../testing/queue-rig.ts";
import { limitsOf } from "./policy.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
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

for (const back of [HOUR, DAY, 10 * YEAR]) {
  test(`a clock that is set back by ${back} ms makes nothing early and nothing late: what is left of a wait stays`, async () => {
    const { queue, courier, clock } = deferring();
    queue.add(makeMessage());
    await settle();
    clock.advance(60_000);
    clock.setWall(-back);
    clock.advance(HOUR - 60_001);
    await settle();
    assert.equal(courier.attempts.length, 1);
    const fresh = makeMessage({ receivedAt: clock.now() });
    queue.add(fresh);
    await settle();
    assert.equal(courier.attempts.length, 2, "new mail goes at once");
    clock.advance(1);
    await settle();
    assert.equal(courier.attempts.length, 3);
    assert.equal(queue.figures().total, 2);
  });
}

test("mail that is put off before it is noticed that the clock was set back waits its whole time", async () => {
  const { queue, courier, clock } = deferring();
  queue.add(makeMessage());
  await settle();
  clock.setWall(-DAY);
  queue.add(makeMessage({ receivedAt: clock.now() }));
  await settle();
  for (let minute = 1; minute < 60; minute++) {
    clock.advance(60_000);
    await settle();
    assert.equal(courier.attempts.length, 2, `in minute ${minute}`);
  }
  clock.advance(60_000);
  await settle();
  assert.equal(courier.attempts.length, 4);
});

test("mail that was put off or taken while the clock was ten years ahead does not wait for that year", async () => {
  const { queue, courier, clock } = deferring();
  queue.add(makeMessage());
  await settle();
  clock.setWall(10 * YEAR);
  clock.advance(60_000);
  await settle();
  const taken = makeMessage({ receivedAt: clock.now() + 60_000 });
  clock.setWall(-10 * YEAR);
  queue.add(taken);
  await settle();
  assert.equal(courier.attempts.length, 3, "what was taken is due when it comes");
  clock.advance(HOUR);
  await settle();
  assert.equal(courier.attempts.length, 5);
});

test("a due time of a year that is far away, found on disk, is not believed; one within a year is", async () => {
  const { queue, courier, clock } = deferring();
  const put = (dueAt: number, envelope = {}): void =>
    queue.add(makeMessage({ envelope, states: [makeState({ attempts: 1, dueAt })] }));
  put(clock.now() + 10 * YEAR);
  put(clock.now() + 30 * DAY);
  await settle();
  assert.equal(courier.attempts.length, 1);
  assert.equal(queue.figures().deferred, 2);
});

test("mail that is held until a time is held until that time, also when the clock is set back", async () => {
  const { queue, courier, clock } = deferring();
  const holdUntil = clock.now() + 2 * HOUR;
  queue.add(makeMessage({ envelope: { holdUntil }, states: [makeState({ dueAt: holdUntil })] }));
  clock.setWall(-HOUR);
  clock.advance(3 * HOUR - 1);
  await settle();
  assert.equal(courier.attempts.length, 0);
  clock.advance(1);
  await settle();
  assert.equal(courier.attempts.length, 1);
  assert.equal(clock.now(), holdUntil);
});

test("a clock that is ten years ahead for a second tries no mail and gives none up that was to arrive in time", async () => {
  const inner = new ManualClock();
  const { queue, courier, notifier } = setUp({
    clock: calmClock(inner),
    scheduleFor: () => ({ count: 9, intervals }),
  });
  courier.answer = () => outcome("deferred");
  queue.add(makeMessage());
  await settle();
  inner.setWall(10 * YEAR);
  const deliverBy = { at: 1_800_000_000_000 + DAY, mode: "return", trace: false } as const;
  queue.add(makeMessage({ envelope: { deliverBy } }));
  inner.advance(1000);
  await settle();
  inner.setWall(-10 * YEAR);
  inner.advance(60_000);
  await settle();
  assert.equal(courier.attempts.length, 2);
  assert.deepEqual(notifier.notices, []);
  inner.advance(HOUR - 60_000);
  await settle();
  assert.equal(courier.attempts.length, 4);
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
