/** Policies that come while the engine runs: what is changed of them, and the part that one engine of a cluster has. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { QueueLimits } from "#contract/queue-fields.ts";

import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { limitsOf } from "./policy.ts";

type Rig = ReturnType<typeof setUp>;

function policy({ queue }: Rig, limits: Parameters<typeof QueueLimits.parse>[0], ttlMs = 0): void {
  const parsed = limitsOf(QueueLimits.parse(limits), "fixedwindow");
  queue.rules.addPolicy({
    id: "p",
    type: "dynamic",
    origin: "api",
    fields: [],
    match: {},
    limits: parsed,
    ttlMs,
  });
}

test("of a rate of the cluster an engine gives its part in each interval, to large messages too", async () => {
  const rig = setUp();
  rig.queue.rulebook.divide({ n: 1, of: 4, place: "none" });
  policy(rig, { rate: "8/60", cluster: true });
  rig.queue.add(makeMessage({ recipients: Array.from({ length: 5 }, (_, n) => `u${n}@a.net`) }));
  for (const tried of [2, 4, 5]) {
    await settle();
    assert.deepEqual([rig.courier.tried().length, rig.queue.figures().blocked], [tried, 5 - tried]);
    rig.clock.advance(60_000);
  }
});

test("a change of limits without a new time keeps the end, one with it moves the end", async () => {
  for (const [ttlMs, ends] of [
    [undefined, 10_000],
    [3000, 9000],
    [0, Number.POSITIVE_INFINITY],
  ] as const) {
    const rig = setUp();
    const { queue, clock, courier } = rig;
    courier.hold();
    policy(rig, { concurrency: 5 }, 10_000);
    clock.advance(6000);
    const change = { limits: { concurrency: 1 }, ...(ttlMs === undefined ? {} : { ttlMs }) };
    assert.equal(queue.rules.updatePolicy("p", change), true);
    for (let n = 0; n < 2; n++) queue.add(makeMessage());
    await settle();
    assert.equal(courier.attempts.length, 1);
    const left = Math.min(ends - 6000, 86_400_000);
    clock.advance(left - 1);
    assert.equal(queue.rules.hasPolicy("p"), true);
    clock.advance(1);
    assert.equal(queue.rules.hasPolicy("p"), ends === Number.POSITIVE_INFINITY);
    await settle();
    assert.equal(courier.attempts.length, ends === Number.POSITIVE_INFINITY ? 1 : 2);
  }
});

test("a policy that is not there is not changed into one", () => {
  const { queue } = setUp();
  assert.equal(queue.rules.updatePolicy("p", { limits: { concurrency: 1 } }), false);
  assert.equal(queue.rules.hasPolicy("p"), false);
});
