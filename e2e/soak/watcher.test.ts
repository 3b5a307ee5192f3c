import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { Watcher } from "./watcher.ts";

const NOBODY = "no pod has a name like this-";

async function watched(busiest: () => Promise<number>, budget: number | null): Promise<Watcher> {
  const watcher = new Watcher({ pods: NOBODY, sink: { busiest } });
  watcher.budget = budget;
  while (watcher.samples === 0 && watcher.violations.length === 0) await wait(20);
  await watcher.stop();
  return watcher;
}

test("more transactions than the budget are a violation, as many are none", async () => {
  const over = await watched(() => Promise.resolve(9), 8);
  assert.match(over.violations.join(), /9 transactions at once, 8 are allowed/);
  const even = await watched(() => Promise.resolve(8), 8);
  assert.deepEqual([even.violations, even.mostTransactions], [[], 8]);
});

test("where no budget is said there is none to exceed", async () => {
  assert.deepEqual((await watched(() => Promise.resolve(900), null)).violations, []);
});

test("a second in which it could not be looked is a violation", async () => {
  const blind = await watched(() => Promise.reject(new Error("the sink is gone")), null);
  assert.match(blind.violations.join(), /could not be looked: Error: the sink is gone/);
});
