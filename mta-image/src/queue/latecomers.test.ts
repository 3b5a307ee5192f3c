/** Mail whose sender's time comes while its line stands still (DELIVERBY, RFC 2852). */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeCourier, outcome } from "../../testing/fake-courier.ts";
import { makeLogLines } from "../../testing/log-lines.ts";
import { makeMessage, makeState } from "../../testing/messages.ts";
import { settle, setUp } from "../../testing/queue-rig.ts";
import type { DeliverBy, Envelope } from "../message/envelope.ts";
import type { LiveMail } from "../spool/spool.ts";
import type { Attempt, Outcome } from "./courier.ts";
import type { QueueOptions } from "./queue-options.ts";

type Rig = ReturnType<typeof setUp> & { readonly turn: (seconds: number) => Promise<void> };

/** Nothing of example.net is tried. */
function suspended(change: Partial<QueueOptions> = {}): Rig {
  const rig = setUp(change);
  const match = { recipientdomain: "example.net" };
  rig.queue.rules.suspend({ id: "s", origin: "api", match, tag: null, properties: {}, ttlMs: 0 });
  const turn = async (seconds: number): Promise<void> => {
    await settle();
    rig.clock.advance(seconds * 1000);
    await settle();
  };
  return { ...rig, turn };
}

/** Wanted by 90 seconds from now. */
function timed(
  { clock }: Pick<Rig, "clock">,
  change: Partial<DeliverBy> = {},
  recipients = ["ann"],
): LiveMail {
  const deliverBy = { at: clock.now() + 90_000, mode: "return" as const, trace: false, ...change };
  return makeMessage({
    recipients: recipients.map((name) => `${name}@example.net`),
    envelope: { deliverBy },
    states: recipients.map(() => makeState({ dueAt: clock.now() })),
  });
}

function onLook(message: LiveMail, look: () => void): void {
  const { envelope } = message;
  const get = (): Envelope => {
    look();
    return envelope;
  };
  Object.defineProperty(message, "envelope", { get });
}

test("mail that is wanted back comes back at its time, though a suspension holds its line", async () => {
  const rig = suspended();
  const message = timed(rig, {}, ["ann", "bob"]);
  rig.queue.add(message);
  await rig.turn(89);
  assert.deepEqual(rig.notifier.lines(), []);
  await rig.turn(1);
  assert.deepEqual(rig.notifier.lines(), [`failed ${message.id}/0,1`]);
  assert.equal(rig.notifier.notices[0]?.recipients[0]?.outcome.status, "5.4.7");
  assert.deepEqual([rig.queue.figures().total, rig.courier.attempts.length], [0, 0]);
  assert.deepEqual(rig.ledger.settled, [`${message.id}/0`, `${message.id}/1`]);
});

test("so does what was put off before, and stands in line again when its time comes", async () => {
  const courier = new FakeCourier();
  courier.answer = () => outcome("deferred");
  const rig = suspended({ courier });
  rig.queue.rules.unsuspend("s");
  const message = timed(rig);
  rig.queue.add(message);
  await rig.turn(30);
  rig.queue.rules.suspend({
    ...{ id: "s", origin: "api", tag: null, properties: {}, ttlMs: 0 },
    match: {},
  });
  await rig.turn(60);
  assert.deepEqual(rig.notifier.lines(), [`failed ${message.id}/0`]);
  assert.equal(courier.attempts.length, 1);
});

test("a sender that only wants to know is told once, also over a restart, and the mail goes when its line does", async () => {
  const rig = suspended();
  const message = timed(rig, { mode: "notify" });
  rig.queue.add(message);
  await rig.turn(90);
  await rig.turn(3600);
  const told = [`delayed ${message.id}/0`];
  assert.deepEqual(rig.notifier.lines(), told);
  const [notice] = rig.notifier.notices;
  assert.deepEqual(
    [notice?.recipients[0]?.outcome.status, (notice?.retryUntil ?? 0) > rig.clock.now() - 3_600_000],
    ["4.4.7", true],
  );
  const state = rig.ledger.states.get(`${message.id}/0`);
  assert.ok(state?.delayNotices === 1);
  const next = suspended({ clock: rig.clock, notifier: rig.notifier });
  const { envelope } = message;
  next.queue.add(makeMessage({ recipients: ["ann@example.net"], envelope, states: [state] }));
  await rig.turn(3600);
  assert.deepEqual(rig.notifier.lines(), told);
  rig.queue.rules.unsuspend("s");
  await settle();
  assert.deepEqual([rig.queue.figures().total, rig.courier.attempts.length], [0, 1]);
});

test("an attempt behind the notice is not told of again as the first one past the time", async () => {
  const courier = new FakeCourier();
  courier.answer = () => outcome("deferred");
  const rig = suspended({ courier });
  const message = timed(rig, { mode: "notify" });
  rig.queue.add(message);
  await rig.turn(90);
  rig.queue.rules.unsuspend("s");
  await settle();
  assert.equal(courier.attempts.length, 1);
  assert.deepEqual(rig.notifier.lines(), [`delayed ${message.id}/0`]);
});

test("while the engine is fenced nobody is told, and afterwards everybody is", async () => {
  const rig = suspended();
  const message = timed(rig);
  rig.queue.add(message);
  rig.queue.isPaused = true;
  await rig.turn(600);
  assert.deepEqual([rig.notifier.lines(), rig.queue.figures().total], [[], 1]);
  rig.queue.isPaused = false;
  await rig.turn(1);
  assert.deepEqual(rig.notifier.lines(), [`failed ${message.id}/0`]);
});

test("what left its line is not told of: it was held, or it was delivered", async () => {
  const rig = suspended();
  const [held, gone] = [timed(rig), timed(rig)];
  for (const message of [held, gone]) rig.queue.add(message);
  await settle();
  const [entry] = rig.queue.find(held.id);
  assert.ok(entry !== undefined && rig.queue.hold(entry));
  rig.queue.rules.unsuspend("s");
  await rig.turn(600);
  assert.deepEqual([rig.notifier.lines(), rig.courier.tried()], [[], [`${gone.id}/0`]]);
  assert.ok(rig.queue.release(entry));
  await settle();
  assert.deepEqual(rig.notifier.lines(), [`failed ${held.id}/0`]);
});

for (const where of ["in a line that stands still", "in one that goes on"])
  test(`a sender that only wants to know hears of mail that was held past its time when it is freed ${where}`, async () => {
    const courier = new FakeCourier();
    courier.answer = () => outcome("deferred");
    const rig = suspended({ courier });
    const message = timed(rig, { mode: "notify" });
    rig.queue.add(message);
    const [entry] = rig.queue.find(message.id);
    assert.ok(entry !== undefined && rig.queue.hold(entry));
    if (where === "in one that goes on") rig.queue.rules.unsuspend("s");
    await rig.turn(600);
    for (let times = 0; times < 2; times++) {
      assert.ok(rig.queue.release(entry));
      await rig.turn(1);
      assert.deepEqual(rig.notifier.lines(), [`delayed ${message.id}/0`]);
      assert.ok(rig.queue.hold(entry));
    }
  });

test("a clock that was set back gives mail its time back", async () => {
  const rig = suspended();
  const message = timed(rig);
  rig.queue.add(message);
  rig.clock.setWall(-3_600_000);
  await rig.turn(600);
  assert.deepEqual(rig.notifier.lines(), []);
  await rig.turn(3600);
  assert.deepEqual(rig.notifier.lines(), [`failed ${message.id}/0`]);
});

test("a million of them would not be told at once, and the scripts behind attempts hear of each", async () => {
  const heard: Attempt[] = [];
  let underWay = 0;
  let most = 0;
  class Hearing extends FakeCourier {
    async expired(attempt: Attempt, tooLate: Outcome): Promise<readonly Outcome[]> {
      heard.push(attempt);
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      return attempt.recipients.map(() => tooLate);
    }
  }
  const rig = suspended({ courier: new Hearing() });
  for (let i = 0; i < 100; i++) rig.queue.add(timed(rig));
  await rig.turn(90);
  for (let i = 0; i < 20; i++) await settle();
  assert.deepEqual([heard.length, rig.notifier.notices.length, rig.queue.figures().total], [100, 100, 0]);
  assert.ok(most <= 20, `${most} at once`);
});

for (const [mode, kind] of [
  ["return", "failed"],
  ["notify", "delayed"],
] as const)
  test(`each of a message's many recipients is told of once, a hundred at a time: ${mode}`, async () => {
    const rig = suspended();
    const names = Array.from({ length: 302 }, (_, i) => `r${i}`);
    rig.queue.add(timed(rig, { mode }, names));
    await rig.turn(90);
    await rig.turn(3600);
    const told = rig.notifier.notices.flatMap(({ recipients }) => recipients.map(({ index }) => index));
    assert.deepEqual(
      told.toSorted((a, b) => a - b),
      names.map((_, i) => i),
    );
    assert.ok(
      rig.notifier.notices.every((notice) => notice.kind === kind && notice.recipients.length <= 100),
    );
  });

test("the envelope of a message of which one recipient rests is looked at once for a notice", async () => {
  const rig = suspended();
  const names = Array.from({ length: 100 }, (_, i) => `r${i}`);
  const message = timed(rig, { mode: "notify" }, names);
  let looks = 0;
  onLook(message, () => looks++);
  rig.queue.add(message);
  await settle();
  looks = 0;
  await rig.turn(90);
  assert.deepEqual([rig.notifier.notices[0]?.recipients.length, looks], [100, 1]);
});

test("where many come and none is to be told yet, others have their turn in between", async () => {
  const rig = suspended();
  rig.queue.isPaused = true;
  let looks = 0;
  for (let i = 0; i < 1500; i++) {
    const message = timed(rig);
    onLook(message, () => looks++);
    rig.queue.add(message);
  }
  await rig.turn(90);
  rig.clock.setWall(-3_600_000);
  rig.queue.isPaused = false;
  looks = 0;
  rig.clock.advance(1000);
  assert.equal(looks, 1000);
  await settle();
  assert.deepEqual([looks, rig.notifier.asked], [1500, 0]);
  rig.clock.advance(3_600_000);
  for (let i = 0; i < 100; i++) await settle();
  assert.deepEqual([rig.notifier.asked, rig.queue.figures().total], [1500, 0]);
});

test("a courier that fails over what comes back keeps nobody from it", async () => {
  class Failing extends FakeCourier {
    async expired(): Promise<readonly Outcome[]> {
      throw new Error("a bug");
    }
  }
  const { log, lines } = makeLogLines();
  const rig = suspended({ courier: new Failing(), log });
  for (let i = 0; i < 30; i++) rig.queue.add(timed(rig));
  await rig.turn(90);
  for (let i = 0; i < 10; i++) await settle();
  const statuses = rig.notifier.notices.map(({ recipients }) => recipients[0]?.outcome.status);
  assert.deepEqual([statuses, rig.queue.figures().total], [Array.from({ length: 30 }, () => "5.4.7"), 0]);
  assert.equal(lines.filter(({ msg }) => msg === "courier-bug").length, 30);
});

test("a notice that cannot be stored is tried again each minute, the rest of the mail in line with it", async () => {
  const rig = suspended();
  const names = Array.from({ length: 250 }, (_, i) => `r${i}`);
  const message = timed(rig, { mode: "notify" }, names);
  rig.queue.add(message);
  rig.notifier.refuses = true;
  await rig.turn(90);
  assert.equal(rig.notifier.asked, 3);
  const { delayNotices, dueAt } = rig.ledger.states.get(`${message.id}/249`) ?? {};
  assert.deepEqual([delayNotices, dueAt], [0, message.envelope.deliverBy?.at]);
  await rig.turn(60);
  assert.equal(rig.notifier.asked, 6);
  // What is left of a span stays the same.
  rig.clock.setWall(-10_000);
  rig.notifier.refuses = false;
  await rig.turn(60);
  await rig.turn(3600);
  const told = rig.notifier.notices.flatMap(({ recipients }) => recipients.map(({ index }) => index));
  assert.deepEqual([rig.notifier.asked, told.length, new Set(told).size], [9, 250, 250]);
  assert.equal(rig.ledger.states.get(`${message.id}/249`)?.delayNotices, 1);
});

test("mail whose late notice could not be stored is told of by the attempt that comes first, once", async () => {
  const courier = new FakeCourier();
  courier.answer = () => outcome("deferred");
  const rig = suspended({ courier });
  const message = timed(rig, { mode: "notify" });
  rig.queue.add(message);
  rig.notifier.refuses = true;
  await rig.turn(90);
  rig.notifier.refuses = false;
  rig.queue.rules.unsuspend("s");
  await rig.turn(30);
  assert.deepEqual([rig.notifier.lines(), courier.attempts.length], [[`delayed ${message.id}/0`], 1]);
  rig.queue.rules.suspend({
    ...{ id: "s", origin: "api", tag: null, properties: {}, ttlMs: 0 },
    match: {},
  });
  await rig.turn(3600);
  assert.equal(rig.notifier.notices.length, 1);
});
