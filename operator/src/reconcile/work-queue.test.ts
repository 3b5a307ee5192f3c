import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { Controller } from "./controller.ts";
import { differs, stamped } from "./differs.ts";
import { again, done, type Key } from "./result.ts";
import { WorkQueue } from "./work-queue.ts";

const key = (name: string): Key => ({ namespace: "n", name });
const turn = () => new Promise((resolve) => setImmediate(resolve));

function makeQueue() {
  const clock = new ManualClock();
  return { clock, queue: new WorkQueue({ clock, random: () => 1 }) };
}

describe("the work queue", () => {
  test("merges a key and serves keys in the order in which they came", async () => {
    const { queue } = makeQueue();
    for (const name of ["a", "b", "a", "a"]) queue.add(key(name));
    assert.equal((await queue.take())?.name, "a");
    assert.equal((await queue.take())?.name, "b");
    assert.equal(queue.depth, 0);
  });

  test("never hands out a key that is being worked on; it comes once more afterwards", async () => {
    const { queue } = makeQueue();
    queue.add(key("a"));
    await queue.take();
    queue.add(key("a"));
    queue.add(key("a"));
    assert.equal(queue.depth, 0);
    queue.done(key("a"));
    assert.equal(queue.depth, 1);
  });

  test("waits longer after each failure and starts anew after a success", async () => {
    const { queue, clock } = makeQueue();
    const delays: number[] = [];
    queue.add(key("a"));
    for (let i = 0; i < 4; i++) {
      await queue.take();
      delays.push(queue.failed(key("a")));
      clock.advance(delays.at(-1) ?? 0);
    }
    assert.deepEqual(delays, [200, 400, 800, 1600]);
    await queue.take();
    queue.done(key("a"));
    queue.add(key("a"));
    await queue.take();
    assert.equal(queue.failed(key("a")), 200);
    assert.equal(queue.failed(key("b"), 60_000), 60_000, "as long as the server asked for");
  });

  test("the earliest of several wishes counts, and an event comes before them all", async () => {
    const { queue, clock } = makeQueue();
    queue.addAfter(key("a"), 1000);
    queue.addAfter(key("a"), 5000);
    clock.advance(1000);
    assert.equal(queue.depth, 1);
    queue.addAfter(key("b"), 1000);
    queue.add(key("b"));
    assert.equal(queue.depth, 2);
    clock.advance(5000);
    assert.equal(queue.depth, 2);
  });

  test("closing lets go of those who wait", async () => {
    const { queue } = makeQueue();
    const taking = queue.take();
    queue.close();
    assert.equal(await taking, null);
    queue.add(key("a"));
    assert.equal(await queue.take(), null);
  });
});

describe("the controller", () => {
  test("a pass that fails is tried again and keeps nobody else waiting", async () => {
    const { queue, clock } = makeQueue();
    const seen: string[] = [];
    const outcomes: string[] = [];
    const controller = new Controller({
      name: "test",
      queue,
      workers: 1,
      clock,
      log: silentLog,
      onPass: ({ outcome }) => outcomes.push(outcome),
      reconcile: async ({ name }) => {
        seen.push(name);
        if (name === "bad") throw new TypeError("bug");
        return name === "later" ? again(1000, "why") : done;
      },
    });
    for (const name of ["bad", "good", "later"]) queue.add(key(name));
    controller.start();
    for (let i = 0; i < 20; i++) await turn();
    assert.deepEqual(seen, ["bad", "good", "later"]);
    assert.deepEqual(outcomes, ["failed", "done", "again"]);
    clock.advance(1000);
    for (let i = 0; i < 20; i++) await turn();
    assert.deepEqual(seen.slice(3).sort(), ["bad", "later"]);
    await controller.stop("test");
  });

  test("a pass that hangs loses its key at the deadline", async () => {
    const { queue, clock } = makeQueue();
    let aborted = false;
    const controller = new Controller({
      name: "test",
      queue,
      workers: 1,
      clock,
      log: silentLog,
      deadlineMs: 5000,
      reconcile: (_key, signal) => {
        signal.addEventListener("abort", () => (aborted = true));
        return new Promise(() => undefined);
      },
    });
    queue.add(key("stuck"));
    controller.start();
    await turn();
    clock.advance(5000);
    for (let i = 0; i < 5; i++) await turn();
    assert.equal(aborted, true);
    clock.advance(1000);
    for (let i = 0; i < 5; i++) await turn();
    assert.equal(queue.isIdle, true);
    await controller.stop("test");
  });
});

describe("what differs", () => {
  const wanted = stamped({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "a", labels: { x: "1" } },
    spec: { ports: [{ port: 25 }], selector: {} },
  } as never) as unknown as Record<string, object> & { metadata: object; spec: object };
  const live = (spec: object) => ({ ...wanted, spec: { ...wanted.spec, ...spec } }) as never;

  test("is nothing when the server only filled in", () => {
    const filled = live({ ports: [{ port: 25, protocol: "TCP" }], selector: undefined, type: "ClusterIP" });
    assert.equal(differs(filled, wanted as never), false);
  });

  test("is a changed value, a longer list, a missing object, and an intent that lost a field", () => {
    assert.equal(differs(live({ ports: [{ port: 26 }] }), wanted as never), true);
    assert.equal(differs(live({ ports: [{ port: 25 }, { port: 26 }] }), wanted as never), true);
    assert.equal(differs(null, wanted as never), true);
    const less = stamped({ apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec: {} } as never);
    assert.equal(differs(wanted as never, less), true);
  });
});
