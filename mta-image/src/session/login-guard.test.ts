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
  failing(guard, (i) => `::1:0:0:${i}`);
  assert.equal(guard.isBarred("0:0:0:0:9::"), true);
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
  failing(guard, () => "192.0.2.1");
  for (let i = 0; i < 60_000; i++) guard.failed(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  assert.equal(guard.isBarred("192.0.2.1"), false);
});
