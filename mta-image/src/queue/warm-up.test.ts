import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { available, take } from "./rate.ts";
import { WarmUp, type WarmUpConfig, budgetOn, planWarmUp, showWarmUp, spread } from "./warm-up.ts";

const DAY = 86_400_000;
const added = Date.parse("2026-03-01");
const config: WarmUpConfig = {
  schedules: [
    {
      class: "new",
      fields: [],
      schedule: [
        { day: 1, messages: 50 },
        { day: 2, messages: 100 },
        { day: 5, messages: 1000 },
      ],
      days: 7,
    },
  ],
  ips: [{ ip: "192.0.2.1", class: "new", added: "2026-03-01" }],
};

test("a row counts until the next one, and after the last day the address is warm", () => {
  const [schedule] = config.schedules;
  assert.ok(schedule);
  const budgets = [1, 2, 3, 4, 5, 6, 7, 8].map((day) => budgetOn(schedule, day));
  assert.deepEqual(budgets, [50, 100, 100, 100, 1000, 1000, 1000, null]);
});

test("days begin at midnight UTC, and before the first the first counts", () => {
  const rate = (now: number): unknown => planWarmUp(config, now)[0]?.limits.rate;
  assert.deepEqual(rate(added - DAY), spread(50));
  assert.deepEqual(rate(added + DAY - 1), spread(50));
  assert.deepEqual(rate(added + DAY), spread(100));
  assert.deepEqual(planWarmUp(config, added + 7 * DAY), []);
});

test("whoever takes all there is gets at most the budget on any day, and at least nine tenths of it", () => {
  const budget = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 3000, max: 5_000_000 }));
  fc.assert(
    fc.property(budget, fc.integer({ min: 0, max: DAY }), (most, start) => {
      const rate = spread(most);
      const use = { at: 0, used: 0 };
      const days = [0, 0, 0];
      // Half of each window's tokens late in it, so that some fall behind midnight.
      for (let now = start; now < 3 * DAY; now += rate.intervalMs / 2) {
        const free = available(rate, use, Math.ceil(now));
        const count = free === rate.tokens ? Math.ceil(free / 2) : free;
        if (count === 0) continue;
        take(rate, use, Math.ceil(now), count);
        const day = Math.floor(Math.ceil(now) / DAY);
        if (day < 3) days[day] = (days[day] ?? 0) + count;
      }
      for (const sum of days) assert.ok(sum <= most, `${sum} of ${most}`);
      const isSmall = most < 289;
      if (isSmall || most >= 3000)
        assert.ok((days[1] ?? 0) >= Math.floor(most * 0.9) - 1, `${days[1]} of ${most}`);
    }),
    { numRuns: 60 },
  );
});

test("mail over the budget takes another address, and the next day has a larger one", async () => {
  const rig = setUp({ sourcesFor: () => ["192.0.2.1", "192.0.2.2"] });
  const today = new Date(rig.clock.now()).toISOString().slice(0, 10);
  const warmUp = new WarmUp(rig.queue.rules, rig.clock);
  warmUp.configure({ ...config, ips: [{ ip: "192.0.2.1", class: "new", added: today }] });
  const send = async (): Promise<(string | undefined)[]> => {
    const before = rig.courier.attempts.length;
    for (let i = 0; i < 3; i++) rig.queue.add(makeMessage({ recipients: [`u${i}@a.net`] }));
    await settle();
    return rig.courier.attempts.slice(before).map(({ terms }) => terms?.source);
  };
  assert.deepEqual(await send(), ["192.0.2.1", "192.0.2.2", "192.0.2.2"]);
  rig.clock.advance(5 * DAY);
  assert.deepEqual(await send(), ["192.0.2.1", "192.0.2.1", "192.0.2.1"]);
  assert.equal([...rig.queue.rulebook.policies].length, 1);
  warmUp.configure(null);
  assert.equal(rig.queue.rulebook.isEmpty, true);
});

test("people see the plan in order and where each address is in it", () => {
  const { today, schedules, addresses } = showWarmUp(config, added + 4 * DAY + 1);
  assert.equal(today, "2026-03-05");
  assert.deepEqual(
    schedules[0]?.rows.map(({ day }) => day),
    [1, 2, 5],
  );
  assert.equal(schedules[0]?.days, 7);
  assert.deepEqual(addresses, [{ ip: "192.0.2.1", class: "new", added: "2026-03-01", day: 5, budget: 1000 }]);
  assert.equal(showWarmUp(config, added + 7 * DAY).addresses[0]?.budget, null);
  assert.deepEqual(showWarmUp(null, added), { today: "2026-03-01", schedules: [], addresses: [] });
});
