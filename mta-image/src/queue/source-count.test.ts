import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { makeMessage } from "../../testing/messages.ts";
import type { Attempt, Courier, Outcome, OutcomeKind } from "./courier.ts";
import { SourceCount, countSources } from "./source-count.ts";

const DAY = 86_400_000;

function outcome(kind: OutcomeKind): Outcome {
  return { kind, reply: "", status: "", remoteMta: "" };
}

function courierOf(kinds: readonly OutcomeKind[]): Courier {
  return {
    attemptsPerDestination: 3,
    deliver: async () => kinds.map(outcome),
    close: async () => {},
  };
}

function attemptFrom(source: string | null): Attempt {
  const destination = { key: "k", transportId: "out", domain: "a.test" };
  const attempt = { destination, message: makeMessage({ recipients: ["u@a.test"] }), recipients: [0] };
  return source === null ? attempt : { ...attempt, terms: { source, connect: null } };
}

test("recipients are counted by the address that rules chose and the day of UTC", async () => {
  const clock = new ManualClock();
  const count = new SourceCount(clock);
  const courier = countSources(courierOf(["delivered", "deferred", "delivered", "unclear"]), count);
  await courier.deliver(attemptFrom("192.0.2.1"));
  await courier.deliver(attemptFrom("192.0.2.1"));
  await courier.deliver(attemptFrom("192.0.2.2"));
  for (const nobody of [null, ""]) await courier.deliver(attemptFrom(nobody));
  const first = new Date(clock.now()).toISOString().slice(0, 10);
  assert.deepEqual(count.counts(), [
    { ip: "192.0.2.1", date: first, tried: 8, delivered: 4 },
    { ip: "192.0.2.2", date: first, tried: 4, delivered: 2 },
  ]);
  clock.advance(DAY);
  await courier.deliver(attemptFrom("192.0.2.1"));
  assert.deepEqual(
    count.counts().map(({ tried }) => tried),
    [8, 4, 4],
  );
  assert.equal(courier.attemptsPerDestination, 3);
});

test("what is kept is bounded: the oldest day goes first, then the address that came first", () => {
  const clock = new ManualClock();
  const count = new SourceCount(clock, 3);
  for (const ip of ["a", "b"]) count.note(ip, [outcome("failed")]);
  clock.advance(DAY);
  for (const ip of ["a", "b"]) count.note(ip, [outcome("failed")]);
  assert.deepEqual(
    count.counts().map(({ ip }) => ip),
    ["a", "b"],
  );
  for (const ip of ["c", "d"]) count.note(ip, [outcome("delivered")]);
  assert.deepEqual(
    count.counts().map(({ ip }) => ip),
    ["b", "c", "d"],
  );
});
