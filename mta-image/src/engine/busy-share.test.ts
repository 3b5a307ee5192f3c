import assert from "node:assert/strict";
import { test } from "node:test";

import { BusyShare } from "./busy-share.ts";

test("the busy share is that of the last whole window, however often it is asked for", () => {
  let now = 0;
  let active = 0;
  const figures = () => ({ active, idle: now - active, utilization: now === 0 ? 0 : active / now });
  const share = new BusyShare(
    () => now,
    (from) => {
      const all = figures();
      if (from === undefined) return all;
      const [busy, idle] = [all.active - from.active, all.idle - from.idle];
      return { active: busy, idle, utilization: busy + idle === 0 ? 0 : busy / (busy + idle) };
    },
  );
  [now, active] = [1000, 500];
  assert.equal(share.share, 0.5, "since start");
  [now, active] = [5000, 4500];
  assert.equal(share.share, 0.9);
  [now, active] = [6000, 4500];
  assert.equal(share.share, 0.9, "the window is not over");
  [now, active] = [10_000, 4500];
  assert.equal(share.share, 0);
});

test("of a process that does something it is a share", () => {
  const end = Date.now() + 20;
  while (Date.now() < end);
  const { share } = new BusyShare(() => Date.now());
  assert.ok(share >= 0 && share <= 1);
});
