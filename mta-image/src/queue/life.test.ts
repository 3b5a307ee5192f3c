/** Whole lives of entries under random outcomes, refusing notifiers and administrators who interfere. */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";

type Rig = ReturnType<typeof setUp>;
type Order = "hold" | "release" | "retryNow" | "bounce" | "none";

/** From now on the courier takes its time, and every attempt that must not be is noted in the result. */
function watchAttempts({ courier, ledger }: Rig): string[] {
  const wrong: string[] = [];
  const underWay = new Set<string>();
  const deliver = courier.deliver.bind(courier);
  courier.deliver = async (attempt) => {
    const keys = attempt.recipients.map((index) => `${attempt.message.id}/${index}`);
    for (const key of keys) {
      if (underWay.has(key)) wrong.push(`${key} is tried twice at once`);
      if (ledger.settled.includes(key)) wrong.push(`${key} is tried although settled`);
      underWay.add(key);
    }
    await new Promise((resolve) => setImmediate(resolve));
    for (const key of keys) underWay.delete(key);
    return deliver(attempt);
  };
  return wrong;
}

/** Adds one message per size over two domains; the names of all entries. */
function addMessages({ queue }: Rig, sizes: readonly number[]): string[] {
  return sizes.flatMap((size, i) => {
    const recipients = Array.from({ length: size }, (_, k) => `u${k}@d${(i + k) % 2}.example`);
    const message = makeMessage({ recipients });
    queue.add(message);
    return recipients.map((_, k) => `${message.id}/${k}`);
  });
}

async function interfere(rig: Rig, orders: readonly Order[], refusals: readonly boolean[]): Promise<void> {
  for (const [i, order] of orders.entries()) {
    const entry = [...rig.queue.entries()][i % Math.max(1, rig.queue.figures().total)];
    if (entry !== undefined && order !== "none") rig.queue[order](entry);
    rig.notifier.refuses = refusals[i % refusals.length] ?? false;
    await new Promise((resolve) => setImmediate(resolve));
    rig.clock.advance(30_000);
  }
}

async function runToTheEnd({ queue, notifier, clock }: Rig): Promise<void> {
  notifier.refuses = false;
  const waiting = Array.from(queue.entries());
  for (const entry of waiting) queue.release(entry);
  for (let i = 0; i < 12 && queue.figures().total > 0; i++) {
    await settle();
    await settle();
    clock.advance(60_000);
  }
  // A last notice may be durable, and the queue empty, a turn before the place of its attempt is given back.
  await settle();
}

test("whatever happens, every entry is settled exactly once and never tried twice at once", async () => {
  const kind = fc.constantFrom(
    "delivered" as const,
    "deferred" as const,
    "failed" as const,
    "unclear" as const,
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 });
  const kinds = fc.array(kind, { minLength: 1, maxLength: 40 });
  const refusals = fc.array(fc.boolean(), { minLength: 1, maxLength: 10 });
  const order = fc.constantFrom<Order[]>("hold", "release", "retryNow", "bounce", "none");
  const property = fc.asyncProperty(
    sizes,
    kinds,
    refusals,
    fc.array(order, { maxLength: 20 }),
    async (...[size, outcomes, refused, orders]) => {
      const rig = setUp({ maxRunning: 3 });
      rig.courier.attemptsPerDestination = 2;
      let turn = 0;
      rig.courier.answer = () => outcome(outcomes[turn++ % outcomes.length] ?? "delivered");
      const wrong = watchAttempts(rig);
      const expected = addMessages(rig, size);
      await interfere(rig, orders, refused);
      await runToTheEnd(rig);
      assert.deepEqual(wrong, []);
      assert.deepEqual([...rig.ledger.settled].sort(), expected.sort());
      const { total, active, deferred, hold } = rig.queue.figures();
      assert.deepEqual([total, active, deferred, hold, rig.queue.running], [0, 0, 0, 0, 0]);
    },
  );
  // Once its notices went out a turn before their places were given back, which a test that looked then took for a leak.
  const example: [number[], ["failed"], boolean[], Order[]] = [
    [1, 2, 1, 2, 2, 2],
    ["failed"],
    [false, false, true, false],
    ["hold", "hold", "hold", "hold"],
  ];
  await fc.assert(property, { numRuns: 60, examples: [example] });
});
