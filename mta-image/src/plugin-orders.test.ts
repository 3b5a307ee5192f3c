/** A plugin's orders, from its thread through the addon into the rules of a real queue. */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { FakeIntake, FakeLog, addonPath, buildNative, testPlugin } from "../testing/native-plugins.ts";
import { setUp, settle } from "../testing/queue-rig.ts";
import { makeMessage } from "../testing/messages.ts";
import { takePluginOrders } from "./plugin-orders.ts";
import { openPlugins } from "./plugins/open.ts";

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

test("a plugin's policies and suspensions are in force, as it left them", async () => {
  host.runCommand("queue", []);
  await new Promise(setImmediate);
  const { rulebook } = rig.queue;
  const policy = rulebook.findPolicy("own-policy");
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
  const nothing = {
    transportid: null,
    localip: null,
    remoteip: null,
    remotemx: null,
    jobid: null,
    grouping: null,
    tenantid: null,
  };
  const held = { ...nothing, recipientdomain: "@held" };
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
  const match = {
    transportid: null,
    localip: null,
    remoteip: null,
    remotemx: null,
    recipientdomain: "/(/",
    jobid: null,
    grouping: null,
    tenantid: null,
  };
  port.suspend({ id: "bad", plugin: "queue", match, tag: null, properties: new Map(), ttlSeconds: 0 });
  port.updatePolicy("unknown", { tokens: 1 });
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? "", /^plugin-order-refused queue/);
});
