import assert from "node:assert/strict";
import { test } from "node:test";

import { Turnstile } from "./turnstile.ts";

test("so many run at once, others in the order in which they came, also those that come as a place is freed", async () => {
  const turnstile = new Turnstile(2);
  const end = Promise.withResolvers<void>();
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const enter = (n: number): Promise<void> =>
    turnstile.pass(async () => {
      order.push(n);
      most = Math.max(most, ++running);
      await end.promise;
      running--;
    });
  const all = [0, 1, 2, 3].map(enter);
  assert.equal(turnstile.waiting, 2);
  end.resolve();
  // One more comes at each step from here on: before a place is given on, while it is, and after.
  for (let n = 4; n < 10; n++) {
    all.push(enter(n));
    await Promise.resolve();
  }
  await Promise.all(all);
  assert.deepEqual([order, most, running], [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 2, 0]);
  assert.equal(turnstile.waiting, 0);
});

test("who fails gives the place on and keeps the failure", async () => {
  const turnstile = new Turnstile(1);
  const failing = turnstile.pass(() => Promise.reject(new Error("mine")));
  const throwing = turnstile.pass(() => {
    throw new Error("at once");
  });
  const last = turnstile.pass(async () => "served");
  await assert.rejects(failing, /mine/);
  await assert.rejects(throwing, /at once/);
  assert.equal(await last, "served");
});
