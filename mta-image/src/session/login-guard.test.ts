import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { LoginGuard } from "./login-guard.ts";

function failing(guard: LoginGuard, ip: (i: number) => string, times = 10): void {
  for (let i = 0; i < times; i++) guard.failed(ip(i));
}

test("an IPv6 client is its /64, in whatever form the address comes", () => {
  const guard = new LoginGuard(new ManualClock());
  failing(guard, (i) => `2001:db8:0:1::${i}`);
  assert.equal(guard.isBarred("2001:0db8:0:1:ffff::1"), true);
  assert.equal(guard.isBarred("2001:db8:0:2::1"), false);
  assert.equal(guard.isBarred("2001:db8:0:1:5:6:7:8"), true);
  assert.equal(guard.isBarred("2001:db8:0:10:5:6:7:8"), false);
  failing(guard, (i) => `::1:0:0:${i}`);
  assert.equal(guard.isBarred("0:0:0:0:9::"), true);
  failing(guard, (i) => `::7:0:0:0:${i}`);
  assert.equal(guard.isBarred("0:0:0:7:9::"), true);
});

test("who failed ten times is barred for ten minutes, and begins anew afterwards", () => {
  const clock = new ManualClock();
  const guard = new LoginGuard(clock);
  failing(guard, () => "192.0.2.1", 9);
  clock.advance(599_999);
  assert.equal(guard.isBarred("192.0.2.1"), false);
  guard.failed("192.0.2.1");
  clock.advance(599_999);
  assert.equal(guard.isBarred("192.0.2.1"), true);
  clock.advance(1);
  assert.equal(guard.isBarred("192.0.2.1"), false);
  failing(guard, () => "192.0.2.1", 9);
  assert.equal(guard.isBarred("192.0.2.1"), false, "none of the ten counts any more");
});

test("a login that works wipes the slate", () => {
  const guard = new LoginGuard(new ManualClock());
  failing(guard, () => "192.0.2.1", 9);
  guard.succeeded("192.0.2.1");
  failing(guard, () => "192.0.2.1", 9);
  assert.equal(guard.isBarred("192.0.2.1"), false);
  guard.failed("192.0.2.1");
  assert.equal(guard.isBarred("192.0.2.1"), true);
});

test("a hundred thousand clients do not fill the memory: the first ones are forgotten", () => {
  const guard = new LoginGuard(new ManualClock());
  const others = (from: number, to: number): void => {
    for (let i = from; i < to; i++) guard.failed(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  };
  failing(guard, () => "192.0.2.1");
  failing(guard, () => "192.0.2.2");
  others(0, 30_000);
  guard.failed("192.0.2.2");
  others(30_000, 60_000);
  assert.equal(guard.isBarred("192.0.2.1"), false);
  assert.equal(guard.isBarred("192.0.2.2"), true, "whoever goes on is none of the first ones");
});
