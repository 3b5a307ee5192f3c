/** A provider that puts off all mail for a while, and gets it all again at one moment. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";

const MESSAGES = 500;

test("a storm of 4xx holds up no other mail, never grows beyond its connections, and ends with each message delivered once", async () => {
  const schedule = { count: 10, intervals: [{ delayMs: 60_000, notify: false }] };
  const { queue, courier, clock, ledger } = setUp({ scheduleFor: () => schedule });
  let isStormy = true;
  const delivered: string[] = [];
  courier.answer = (address, { message }) => {
    if (address.endsWith("@stormy.example") && isStormy) return outcome("deferred");
    delivered.push(message.id);
    return outcome("delivered");
  };
  const all = Array.from({ length: MESSAGES }, () => makeMessage({ recipients: ["ann@stormy.example"] }));
  for (const message of all) queue.add(message);
  const untilQuiet = async (): Promise<void> => {
    for (let before = -1; before !== courier.attempts.length; ) {
      before = courier.attempts.length;
      await settle();
    }
  };
  for (let round = 1; round <= 3; round++) {
    await untilQuiet();
    assert.equal(courier.attempts.length, MESSAGES * round, "each once a round");
    clock.advance(60_000);
  }
  courier.hold();
  await settle();
  const other = makeMessage({ recipients: ["bob@calm.example"] });
  queue.add(other);
  await settle();
  assert.ok(courier.tried().includes(`${other.id}/0`), "it is tried while the storm goes on");
  isStormy = false;
  courier.release();
  await untilQuiet();
  clock.advance(60_000);
  await untilQuiet();
  assert.deepEqual([...delivered].sort(), [other.id, ...all.map(({ id }) => id)].sort());
  assert.equal(ledger.settled.length, MESSAGES + 1);
  assert.equal(queue.figures().total, 0);
  assert.ok(Math.max(...courier.mostRunning.values()) <= courier.attemptsPerDestination);
});
