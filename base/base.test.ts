import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";

import { pino } from "pino";

import { assert as promise, unreachable } from "./assert.ts";
import { sleep, systemClock } from "./clock.ts";
import { Failure, describe } from "./error.ts";
import { hostFor } from "./http-server.ts";
import { isId, makeId } from "./ids.ts";
import { REDACTION } from "./log.ts";
import { shuffled } from "./random.ts";
import { ManualClock } from "./testing/manual-clock.ts";

test("identifiers are distinct, well formed and sort by the time of their making", () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => makeId(1_800_000_000_000 + i));
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every(isId));
  assert.deepEqual([...ids].sort(), ids);
});

test("nothing but an identifier passes for one", () => {
  const id = makeId(0);
  for (const text of [
    "",
    `${id}x`,
    id.slice(1),
    id.toLowerCase(),
    `${id}\n`,
    `../${id.slice(3)}`,
    id.replace(/.$/, "U"),
  ]) {
    assert.equal(isId(text), false, JSON.stringify(text));
  }
});

test("where there is no IPv6, all addresses are those of IPv4", () => {
  const common = { netmask: "", mac: "", internal: true, cidr: null };
  const ipv4 = { ...common, family: "IPv4", address: "127.0.0.1" } as const;
  const ipv6 = { ...common, family: "IPv6", address: "::1", scopeid: 0 } as const;
  assert.equal(hostFor("::", { lo: [ipv4] }), "0.0.0.0");
  assert.equal(hostFor("::", { lo: [ipv4, ipv6] }), "::");
  assert.equal(hostFor("127.0.0.1", { lo: [ipv4] }), "127.0.0.1");
});

test("sleep ends with its time, or at once with its signal, and leaves no timer", async () => {
  const clock = new ManualClock();
  const slept = sleep(clock, 1000);
  clock.advance(1000);
  await slept;
  const stop = new AbortController();
  const stopped = sleep(clock, 1000, stop.signal);
  stop.abort();
  await stopped;
  await sleep(clock, 1000, stop.signal);
  assert.equal(clock.nextAt(), null);
});

test("a wait beyond what a timer can hold does not fire at once", async () => {
  let hasFired = false;
  const timer = systemClock.after(2 ** 40, () => (hasFired = true));
  await new Promise((resolve) => setTimeout(resolve, 5));
  timer.cancel();
  assert.equal(hasFired, false);
});

test("a shuffle keeps every item and follows the chance it is given", () => {
  const items = [1, 2, 3, 4, 5];
  assert.deepEqual([...shuffled(items, () => 0.3)].sort(), items);
  assert.deepEqual(
    shuffled(items, () => 0),
    [2, 3, 4, 5, 1],
  );
  assert.deepEqual(
    shuffled(items, () => 0.999),
    items,
  );
});

test("a failure carries code, patience and cause", () => {
  const cause = new Error("EACCES");
  const failure = new Failure("listen-failed", "cannot listen", { transient: false, cause });
  assert.deepEqual([failure.code, failure.transient, failure.cause], ["listen-failed", false, cause]);
  assert.equal(new Failure("x", "y").transient, true);
  assert.deepEqual([describe(failure), describe("text"), describe(null)], ["cannot listen", "text", "null"]);
});

test("secrets never reach a log line", () => {
  let text = "";
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const secrets = { authorization: "s3cret", token: "s3cret", password: "s3cret", key: "s3cret" };
  pino({ redact: REDACTION }, sink).info({ ...secrets, request: secrets, plain: "kept" }, "event");
  assert.doesNotMatch(text, /s3cret/);
  assert.match(text, /kept/);
});

test("a broken assertion says that it is a bug", () => {
  assert.throws(() => promise(false, "the queue is empty"), /^Error: bug: the queue is empty$/);
  assert.throws(() => unreachable("odd" as never), /bug: unexpected "odd"/);
});
