/** Orders of plugins: from a thread through the addon into the rules of a real queue, and what each does there. */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { FakeIntake, FakeLog, addonPath, buildNative, testPlugin } from "../../testing/native-plugins.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { makeMessage } from "../../testing/messages.ts";
import { until } from "../../testing/until.ts";
import { takePluginOrders } from "./plugin-orders.ts";
import { openPlugins } from "../plugins/open.ts";
import type { Match, Policy, PolicyLimits, QueuePort } from "../plugins/ports.ts";
import type { Queue } from "../queue/queue.ts";

buildNative();
const rig = setUp();
const { log, lines } = new FakeLog();
const port = takePluginOrders({ queue: rig.queue, log, algorithm: () => "tokenbucket" });
const host = await openPlugins({
  addonPath,
  folder: "/nowhere",
  program: "smtpd",
  configured: [{ id: "queue", path: testPlugin("queue"), config: null }],
  appConfigs: new Map(),
  log,
  queue: port,
  inject: new FakeIntake(),
  blockedMs: 5000,
  servers: [],
});
assert.ok(host !== null);
host.init();
after(() => host.cleanup());

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

function quietPort(queue: Queue): QueuePort {
  return takePluginOrders({ queue, log: silentLog, algorithm: () => "fixedwindow" });
}

test("a plugin's policies and suspensions are in force, as it left them", async () => {
  host.runCommand("queue", []);
  // The orders come together, by way of the loop.
  const policy = await until(
    () => rig.queue.rulebook.findPolicy("own-policy"),
    (found) => found !== undefined,
  );
  assert.deepEqual(policy?.order, {
    id: "own-policy",
    type: "warmup",
    origin: "queue",
    fields: ["localip", "grouping"],
    match: { localip: "10.0.0.1" },
    limits: {
      concurrency: Number.POSITIVE_INFINITY,
      rate: { tokens: 10, intervalMs: 1000, algorithm: "fixedwindow" },
      connectIntervalMs: 0,
      properties: { colour: "red" },
      tag: "tag",
      stop: false,
      cluster: true,
    },
    ttlMs: 0,
  });
  assert.equal(rig.queue.rules.unsuspend("own-id"), true);
  assert.deepEqual(lines, []);
});

test("an update changes what it says and keeps the rest", () => {
  const none = { concurrency: 3, tokens: 0, intervalSeconds: 0, tag: "new", ttlSeconds: 0 };
  port.updatePolicy("own-policy", none);
  const limits = rig.queue.rulebook.findPolicy("own-policy")?.order.limits;
  assert.deepEqual([limits?.concurrency, limits?.rate, limits?.tag, limits?.cluster], [3, null, "new", true]);
});

test("a list that a suspension names counts after its reload, and mail goes on when it is taken back", async () => {
  const held = { ...anything, recipientdomain: "@held" };
  port.changeList({ kind: "add", field: "recipientdomain", list: "held" });
  port.changeList({ kind: "add-item", field: "recipientdomain", list: "held", item: "a.net" });
  port.changeList({ kind: "reload", field: null, list: null });
  port.suspend({ id: "s", plugin: "queue", match: held, tag: null, properties: new Map(), ttlSeconds: 0 });
  rig.queue.add(makeMessage({ recipients: ["u@a.net"] }));
  rig.queue.add(makeMessage({ recipients: ["u@b.net"] }));
  await settle();
  const tried = (): string[] => rig.courier.attempts.flatMap(({ message }) => message.envelope.recipients);
  assert.deepEqual(tried(), ["u@b.net"]);
  port.unsuspend("s");
  await settle();
  assert.deepEqual(tried(), ["u@b.net", "u@a.net"]);
});

test("an order that the queue cannot take is logged with the plugin, not thrown", () => {
  const match = { ...anything, recipientdomain: "/(/" };
  port.suspend({ id: "bad", plugin: "queue", match, tag: null, properties: new Map(), ttlSeconds: 0 });
  port.updatePolicy("unknown", { tokens: 1 });
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? "", /^plugin-order-refused queue/);
});

test("a plugin's policy bounds, its update changes only what it names, its removal frees", async () => {
  const rig = setUp();
  const port = quietPort(rig.queue);
  port.addPolicy(policy("p", { concurrency: 2, tokens: 4, intervalSeconds: 60 }));
  assert.equal(await triedOf5(rig, "a.net"), 2);
  port.updatePolicy("p", { concurrency: 0 });
  await settle();
  assert.equal(rig.courier.attempts.length, 4);
  port.deletePolicy("p");
  await settle();
  assert.equal(rig.courier.attempts.length, 5);
});

test("zero everywhere bounds nothing, and what is unknown can be taken back", async () => {
  const rig = setUp();
  const port = quietPort(rig.queue);
  port.addPolicy(policy("p", {}));
  port.deletePolicy("q");
  port.unsuspend("q");
  assert.equal(await triedOf5(rig, "a.net"), 5);
});

test("only limits of the cluster are divided", async () => {
  const rig = setUp();
  const port = quietPort(rig.queue);
  port.addPolicy(policy("c", { concurrency: 4, cluster: true }, { recipientdomain: "a.net" }));
  port.addPolicy(policy("e", { concurrency: 4 }, { recipientdomain: "b.net" }));
  port.divideLimits(2);
  assert.deepEqual([await triedOf5(rig, "a.net"), await triedOf5(rig, "b.net")], [2, 4]);
});
