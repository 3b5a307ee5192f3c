/** Attempts under way that wait for a connection: how long, by which rules, and what is said of them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { QueueLimits } from "#contract/queue-fields.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { noGroupings } from "./grouping.ts";
import { compilePolicy, limitsOf } from "./policy.ts";

type Rig = ReturnType<typeof setUp>;

const spaced = (seconds: number): ReturnType<typeof limitsOf> =>
  limitsOf(QueueLimits.parse({ connectinterval: seconds, tag: "pace" }), "fixedwindow");

function policy({ queue }: Rig, seconds: number): void {
  const match = { recipientdomain: "a.net" };
  const limits = spaced(seconds);
  queue.rules.addPolicy({ id: "p", type: "dynamic", origin: "api", fields: [], match, limits, ttlMs: 0 });
}

function ofFile({ queue }: Rig, seconds: number): void {
  const found = compilePolicy(
    {
      id: "config",
      type: "config",
      fields: ["recipientdomain"],
      conditions: [],
      fallback: seconds === 0 ? null : spaced(seconds),
    },
    () => undefined,
  );
  queue.rulebook.configure({ policies: [found], suspensions: [], grouping: noGroupings });
}

/** Two attempts under way, of which the first has just connected: what the second hears when it asks. */
async function second(rig: Rig): Promise<() => number> {
  rig.courier.hold();
  for (const name of ["u", "v"]) rig.queue.add(makeMessage({ recipients: [`${name}@a.net`] }));
  await settle();
  const [first, next] = rig.courier.attempts.map(({ terms }) => terms?.connect);
  assert.equal(first?.(), 0);
  assert.ok(next);
  return next;
}

test("a courier hears how long to wait before it connects, each combination for itself", async () => {
  const rig = setUp();
  ofFile(rig, 5);
  const ask = await second(rig);
  rig.queue.add(makeMessage({ recipients: ["u@b.net"] }));
  await settle();
  const other = rig.courier.attempts[2]?.terms?.connect;
  assert.equal(ask(), 1000, "rules may change meanwhile");
  rig.clock.advance(2000);
  assert.deepEqual([other?.(), ask()], [0, 1000]);
  rig.clock.advance(2900);
  assert.equal(ask(), 100);
  rig.clock.advance(100);
  assert.equal(ask(), 0);
});

describe("an attempt that waits for a connection goes by the rules as they are now", () => {
  const changes: [string, (rig: Rig) => void, (rig: Rig) => void, number][] = [
    ["a policy that goes", (rig) => policy(rig, 3600), ({ queue }) => queue.rules.deletePolicy("p"), 0],
    ["a policy that is changed", (rig) => policy(rig, 3600), (rig) => policy(rig, 10), 10],
    ["one of the file that goes", (rig) => ofFile(rig, 3600), (rig) => ofFile(rig, 0), 0],
    ["one of the file that is changed", (rig) => ofFile(rig, 3600), (rig) => ofFile(rig, 10), 10],
    ["another that goes", (rig) => policy(rig, 10), ({ queue }) => queue.rules.deletePolicy("q"), 10],
  ];
  for (const [name, before, change, seconds] of changes)
    test(name, async () => {
      const rig = setUp();
      before(rig);
      const ask = await second(rig);
      change(rig);
      for (let waited = 0; waited < seconds; waited++) {
        assert.ok(ask() > 0, `after ${waited} s`);
        rig.clock.advance(1000);
      }
      assert.equal(ask(), 0);
    });
});

test("what is under way is said to wait while new connections are kept apart, and no longer", async () => {
  const rig = setUp();
  policy(rig, 60);
  await second(rig);
  const [, entry] = [...rig.queue.entries()];
  assert.ok(entry);
  rig.clock.advance(20_000);
  const { reason, obstacles } = rig.queue.explain(entry);
  assert.equal(reason, "it is being tried, and waits where it needs a new connection");
  const detail = "new connections are 60 s apart";
  const until = rig.clock.now() + 40_000;
  assert.deepEqual(obstacles, [{ kind: "policy", id: "p", tag: "pace", source: "", detail, until }]);
  const wait = { kind: "connection", detail: "no place" } as const;
  rig.courier.waitOf = (id, recipient) => (id === entry.message.id && recipient === 0 ? wait : null);
  const waiting = rig.queue.explain(entry);
  assert.equal(waiting.reason, "it is being tried, and waits for a connection");
  assert.deepEqual(waiting.obstacles, [
    ...obstacles,
    { kind: "connection", id: "", tag: null, source: "", detail: "no place", until: null },
  ]);
  rig.courier.waitOf = () => null;
  rig.clock.advance(40_000);
  assert.deepEqual(rig.queue.explain(entry), { entry, reason: "it is being tried", obstacles: [] });
});
