import assert from "node:assert/strict";
import { after, test } from "node:test";

import { makeTestHost, startPlugins } from "../../testing/native-plugins.ts";
import { until } from "../../testing/until.ts";
import type { LoadedPlugin } from "./inspect.ts";
import type { NativeMessage, Wire } from "./native.ts";

const plugins = makeTestHost();
const { host, queue, intake } = plugins;
await startPlugins(plugins, { queue: {}, pickup: {}, deliver: {}, inject: {} });
after(() => host.cleanup());

const message: NativeMessage = {
  transactionid: "t-1",
  queueid: 7,
  transportid: "out",
  localip: "10.0.0.1",
  remoteip: "192.0.2.1",
  remotemx: "mx.example.net",
  recipientdomain: "example.net",
  jobid: "now",
  grouping: "&g",
  tenantid: "acme",
};
const fields = [
  "t-1",
  "out",
  "10.0.0.1",
  "192.0.2.1",
  "mx.example.net",
  "example.net",
  "later",
  "&g",
  "acme",
];

test("every order to the queue is judged at once and arrives in sequence, from a thread that holds a lock", async () => {
  const { text } = host.runCommand("queue", []);
  assert.equal(
    text.trim(),
    "+suspend +delete -delete-again +suspend2 +suspend5 -suspend-bad-ttl -suspend-odd " +
      "+policy +update +update2 +update3 +update4 +policy-delete -update-gone +policy3 +policy4 +policy6 " +
      "-policy-bad-fields -policy-no-interval +divide -divide-by-zero " +
      "-item-before-list +list +item +item-delete +reload",
  );
  const orders = await until(
    () => queue.orders,
    (all) => all.at(-1) === "list reload null null",
  );
  assert.deepEqual(orders, [
    "suspend",
    "unsuspend first",
    "suspend",
    "suspend",
    "policy dynamic localip+grouping",
    "update first 5",
    "update first 6",
    "update first 7",
    "update first 10",
    "delete first",
    "policy dynamic localip+grouping",
    "policy dynamic localip+grouping",
    "policy warmup localip+grouping",
    "divide 3",
    "list add localip warm",
    "list add-item localip warm 10.0.0.1",
    "list delete-item localip warm 10.0.0.1",
    "list reload null null",
  ]);
});

test("suspensions and policies carry whose they are, what they match and their limits", () => {
  const none = {
    transportid: null,
    localip: null,
    remoteip: null,
    remotemx: null,
    recipientdomain: null,
    jobid: null,
    grouping: null,
    tenantid: null,
  };
  assert.deepEqual(queue.suspensions[2], {
    id: "own-id",
    plugin: "queue",
    match: { ...none, tenantid: "tenant" },
    tag: "tag",
    properties: new Map([
      ["colour", "red"],
      ["size", "2"],
    ]),
    ttlSeconds: 0,
  });
  assert.deepEqual(queue.policies[3], {
    id: "own-policy",
    plugin: "queue",
    type: "warmup",
    fields: ["localip", "grouping"],
    match: { ...none, localip: "10.0.0.1" },
    limits: {
      concurrency: 0,
      tokens: 10,
      intervalSeconds: 1,
      algorithm: "fixedwindow",
      connectIntervalSeconds: 0,
      tag: "tag",
      properties: new Map([["colour", "red"]]),
      stop: false,
      cluster: true,
      ttlSeconds: 0,
    },
  });
});

test("a plugin narrows the local addresses to some of the message's own, or refuses with a value", () => {
  assert.deepEqual(host.hooks.ask("insert", message, ["10.0.0.1", "10.0.0.2"]), {
    kind: "accepted",
    localIps: ["10.0.0.1"],
  });
  assert.deepEqual(
    host.hooks.ask("insert", { ...message, recipientdomain: "refuse.example" }, ["10.0.0.1"]),
    {
      kind: "refused",
      plugin: "queue",
      ret: ["error", "REFUSED"],
    },
  );
});

test("a plugin is told everything at the pick-up and may give the message back", () => {
  assert.equal(host.hooks.ask("pickup", message, ["10.0.0.1"]).kind, "accepted");
  const answer = host.hooks.ask("pickup", { ...message, jobid: "later" }, ["10.0.0.1"]);
  assert.ok(answer.kind === "refused");
  assert.deepEqual(
    (answer.ret as Wire[]).filter((_, index) => index % 2 === 1),
    fields,
  );
});

test("the first forms of both hooks refuse too", () => {
  const refused = { kind: "refused", plugin: "pickup", ret: null };
  assert.deepEqual(host.hooks.ask("insert", { ...message, jobid: "refused by preadd" }, []), refused);
  assert.deepEqual(host.hooks.ask("pickup", { ...message, jobid: "refused by pickup" }, []), refused);
});

const deliver = (how: string, code = 250) =>
  host.deliveries.deliver(host.plugins.find(({ id }) => id === "deliver") as LoadedPlugin, {
    message,
    file: [Buffer.from("Subject: x\r\n\r\nhello")],
    args: ["how", how, "code", code],
  });

test("a delivery ends within the call or from a thread, with code, reason, trace and return value", async () => {
  const result = {
    code: 250,
    reason: "t-1",
    error: null,
    trace: ["read and done"],
    ret: ["content", "Subject: x\r\n\r\nhello"],
  };
  assert.deepEqual(await deliver("now"), result);
  assert.deepEqual(await deliver("thread", 550), { ...result, code: 550 });
  assert.equal(host.deliveries.underWay, 0);
});

test("a plugin's error, its silence and its exception are each an outcome", async () => {
  const outcomes = await Promise.all(["error", "silent", "throw"].map((how) => deliver(how)));
  assert.deepEqual(
    outcomes.map(({ code, error }) => [code, error]),
    [
      [null, "no route"],
      [null, "the plugin ended the attempt without a result"],
      [null, "the plugin threw a C++ exception: no"],
    ],
  );
});

test("ending a delivery twice is reported and harms no other", async () => {
  const [first, second] = await Promise.all([deliver("twice"), deliver("thread")]);
  assert.deepEqual([first.code, second.code], [250, 250]);
  await until(
    () => plugins.lines,
    (lines) => lines.includes("plugin-misuse deliver done-twice ended a delivery that was over"),
  );
});

test("many deliveries at once each end with their own result", async () => {
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, index) => deliver("thread", 200 + (index % 50))),
  );
  assert.ok(results.every(({ code }, index) => code === 200 + (index % 50)));
});

test("injected mail arrives whole and its answer goes back to the plugin", async () => {
  assert.deepEqual(host.runCommand("inject", ["inside", "hello"]), { ok: true, text: "injected" });
  const mails = await until(
    () => intake.mails,
    ({ length }) => length > 0,
  );
  assert.deepEqual(mails, [
    {
      plugin: "inject",
      serverId: "inside",
      sender: { localpart: "alice", domain: "example.com" },
      recipients: [
        { localpart: "bob", domain: "example.net" },
        { localpart: "postmaster", domain: null },
      ],
      metadata: ["source", "test"],
      message: Buffer.from("Subject: x\r\n\r\nhello"),
    },
  ]);
  await until(
    () => host.runCommand("inject", ["codes"]).text,
    (text) => text === "code=250 ",
  );
});

test("mail for an unknown server, or longer than the server takes, is refused to the plugin", () => {
  assert.equal(host.runCommand("inject", ["nowhere", "hello"]).text, "refused");
  assert.equal(host.runCommand("inject", ["inside", "x".repeat(2000)]).text, "refused");
  assert.equal(intake.mails.length, 1);
});
