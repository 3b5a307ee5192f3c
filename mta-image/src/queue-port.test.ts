import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { makeMessage } from "../testing/messages.ts";
import { setUp, settle } from "../testing/queue-rig.ts";
import type { Match, Policy, PolicyLimits } from "./plugins/ports.ts";
import { makeQueuePort } from "./queue-port.ts";

const anything: Match = {
  transportid: null,
  localip: null,
  remoteip: null,
  remotemx: null,
  recipientdomain: null,
  jobid: null,
  grouping: null,
  tenantid: null,
};

function policy(id: string, limits: Partial<PolicyLimits>, match: Partial<Match> = {}): Policy {
  return {
    id,
    plugin: "warmup",
    type: "dynamic",
    fields: ["recipientdomain"],
    match: { ...anything, ...match },
    limits: {
      concurrency: 0,
      tokens: 0,
      intervalSeconds: 0,
      algorithm: "default",
      connectIntervalSeconds: 0,
      tag: null,
      properties: new Map(),
      stop: false,
      cluster: false,
      ttlSeconds: 0,
      ...limits,
    },
  };
}

/** How many of five messages for a domain are tried at once. */
async function triedOf5(rig: ReturnType<typeof setUp>, domain: string): Promise<number> {
  const before = rig.courier.attempts.length;
  rig.courier.hold();
  for (let i = 0; i < 5; i++) rig.queue.add(makeMessage({ recipients: [`u${i}@${domain}`] }));
  await settle();
  return rig.courier.attempts.length - before;
}

test("a plugin's policy bounds, its update changes only what it names, its removal frees", async () => {
  const rig = setUp();
  const port = makeQueuePort(rig.queue, silentLog);
  port.addPolicy(policy("p", { concurrency: 2, tokens: 4, intervalSeconds: 60 }));
  assert.equal(await triedOf5(rig, "a.net"), 2);
  port.updatePolicy("p", { concurrency: 0 });
  await settle();
  assert.equal(rig.courier.attempts.length, 4);
  port.deletePolicy("p");
  await settle();
  assert.equal(rig.courier.attempts.length, 5);
});

test("zero everywhere bounds nothing, and orders about unknown rules do nothing", async () => {
  const rig = setUp();
  const port = makeQueuePort(rig.queue, silentLog);
  port.addPolicy(policy("p", {}));
  port.updatePolicy("q", { concurrency: 1 });
  port.deletePolicy("q");
  port.unsuspend("q");
  assert.equal(await triedOf5(rig, "a.net"), 5);
});

test("only limits of the cluster are divided", async () => {
  const rig = setUp();
  const port = makeQueuePort(rig.queue, silentLog);
  port.addPolicy(policy("c", { concurrency: 4, cluster: true }, { recipientdomain: "a.net" }));
  port.addPolicy(policy("e", { concurrency: 4 }, { recipientdomain: "b.net" }));
  port.divideLimits(2);
  assert.deepEqual([await triedOf5(rig, "a.net"), await triedOf5(rig, "b.net")], [2, 4]);
});

test("items of a list count once it is reloaded", async () => {
  const rig = setUp();
  const port = makeQueuePort(rig.queue, silentLog);
  port.changeList({ kind: "add", field: "recipientdomain", list: "slow" });
  port.suspend({
    id: "s",
    plugin: "x",
    match: { ...anything, recipientdomain: "@slow" },
    tag: null,
    properties: new Map(),
    ttlSeconds: 0,
  });
  port.changeList({ kind: "add-item", field: "recipientdomain", list: "slow", item: "a.net" });
  assert.equal(await triedOf5(rig, "a.net"), 5);
  port.changeList({ kind: "reload", field: null, list: null });
  assert.equal(await triedOf5(rig, "a.net"), 0);
  port.changeList({ kind: "delete-item", field: "recipientdomain", list: "slow", item: "a.net" });
  port.changeList({ kind: "reload", field: "recipientdomain", list: "slow" });
  await settle();
  assert.equal(rig.courier.attempts.length, 10);
});
