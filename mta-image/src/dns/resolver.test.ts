import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeResolver, type FakeZone } from "../../testing/fake-resolver.ts";
import { CachingResolver } from "./resolver.ts";

function cached(
  zones: Readonly<Record<string, FakeZone>>,
  maxEntries = 10,
): {
  clock: ManualClock;
  inner: FakeResolver;
  resolver: CachingResolver;
} {
  const clock = new ManualClock();
  const inner = new FakeResolver(zones);
  return { clock, inner, resolver: new CachingResolver(inner, { clock, maxEntries }) };
}

test("an answer is kept for its time to live, whatever the case of the name", async () => {
  const { clock, inner, resolver } = cached({ "example.net": { a: ["192.0.2.1"] } });
  await resolver.a("example.net");
  await resolver.a("EXAMPLE.net");
  assert.equal(inner.asked.length, 1);
  clock.advance(60_001);
  await resolver.a("example.net");
  assert.equal(inner.asked.length, 2);
});

test("that a name is not there is kept for a minute, trouble for seconds", async () => {
  const { clock, inner, resolver } = cached({ "broken.example": { failed: true } });
  await resolver.mx("nowhere.example");
  await resolver.mx("broken.example");
  clock.advance(6_000);
  await resolver.mx("nowhere.example");
  await resolver.mx("broken.example");
  assert.deepEqual(inner.asked, ["mx nowhere.example", "mx broken.example", "mx broken.example"]);
});

test("what several want at once is asked once", async () => {
  const { inner, resolver } = cached({ "example.net": { a: ["192.0.2.1"] } });
  await Promise.all([resolver.a("example.net"), resolver.a("example.net"), resolver.aaaa("example.net")]);
  assert.deepEqual(inner.asked, ["a example.net", "aaaa example.net"]);
});

test("the cache never grows beyond its size, and what was used last stays", async () => {
  const { inner, resolver } = cached({}, 2);
  for (const name of ["a", "b", "a", "c", "a"]) await resolver.a(name);
  assert.equal(resolver.size, 2);
  assert.deepEqual(inner.asked, ["a a", "a b", "a c"]);
});
