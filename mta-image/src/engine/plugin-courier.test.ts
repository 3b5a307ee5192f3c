import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeCourier } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { settle } from "../../testing/queue-rig.ts";
import { PluginCourier } from "./plugin-courier.ts";
import type { PluginAttempt, PluginResult } from "../plugins/delivery.ts";
import type { PluginHost } from "../plugins/host.ts";
import type { Attempt } from "../queue/courier.ts";
import type { Content } from "../spool/spool.ts";

const destination = { key: "out a.net", transportId: "out", domain: "a.net" };
const attempt = (recipients: readonly string[]): Attempt => ({
  destination,
  message: makeMessage({ recipients }),
  recipients: [...recipients.keys()],
});
const good: PluginResult = { code: 250, reason: "OK", error: null, trace: [], ret: null };

/** A courier whose plugin "p" delivers all; the test ends its deliveries. */
function setUp(content: Content = { kind: "memory", bytes: Buffer.from("x") }) {
  const begun: { what: PluginAttempt; end: (result: PluginResult) => void }[] = [];
  const host = {
    plugins: [{ id: "p" }],
    deliveries: {
      deliver: (_: unknown, what: PluginAttempt) =>
        new Promise<PluginResult>((resolve) => begun.push({ what, end: resolve })),
    },
  } as unknown as PluginHost;
  const clock = new ManualClock();
  const courier = new PluginCourier({
    smtp: new FakeCourier(),
    host: () => host,
    orderOf: (id) => (id === "out" ? { id: "p", args: { to: "{recipient}" }, timeoutMs: 1000 } : undefined),
    read: async () => content,
    clock,
    log: silentLog,
  });
  return { courier, clock, begun };
}

test("each recipient is a delivery of its own, with its own outcome", async () => {
  const { courier, begun } = setUp();
  const outcomes = courier.deliver(attempt(["a@a.net", "b@a.net", "c@a.net"]));
  await settle();
  assert.deepEqual(
    begun.map(({ what }) => [what.message.queueid, what.args]),
    [
      [1, ["to", "a%40a.net"]],
      [2, ["to", "b%40a.net"]],
      [3, ["to", "c%40a.net"]],
    ],
  );
  begun[0]?.end(good);
  begun[1]?.end({ ...good, code: 452, reason: "later" });
  begun[2]?.end({ ...good, code: 99 });
  assert.deepEqual(
    (await outcomes).map(({ kind, reply, success }) => [kind, reply, success]),
    [
      ["delivered", "250 OK", "final"],
      ["deferred", "452 later", undefined],
      ["deferred", "Plugin p: the code 99 means nothing", undefined],
    ],
  );
});

test("an error beside a code that refuses makes it a refusal for now, and outranks one that does not", async () => {
  const { courier, begun } = setUp();
  const outcomes = courier.deliver(attempt(["a@a.net", "b@a.net", "c@a.net"]));
  await settle();
  begun[0]?.end({ ...good, code: 500, reason: "HTTP", error: "Internal Server Error" });
  begun[1]?.end({ ...good, code: 550, reason: null, error: "busy" });
  begun[2]?.end({ ...good, error: "busy" });
  assert.deepEqual(
    (await outcomes).map(({ kind, status, reply, lines }) => [kind, status, reply, lines]),
    [
      ["deferred", "4.3.0", "500 HTTP: Internal Server Error", ["HTTP"]],
      ["deferred", "4.3.0", "550 busy", [""]],
      ["deferred", "4.3.0", "Plugin p: busy", undefined],
    ],
  );
});

test("what a script orders goes before the transport, with its own arguments as they are", async () => {
  const { courier, begun } = setUp();
  const plugin = { id: "p", args: ["raw", "{recipient}"], timeoutMs: 1000 };
  void courier.deliver({
    ...attempt(["a@a.net"]),
    destination: { ...destination, transportId: "other" },
    plugin,
  });
  await settle();
  assert.deepEqual(begun[0]?.what.args, ["raw", "{recipient}"]);
});

test("a large message is handed over as a file, which is closed again", async () => {
  const events: string[] = [];
  const { courier, begun } = setUp({
    kind: "file",
    chunks: () => assert.fail("not read into memory"),
    open: async () => ({
      fd: 7,
      size: async () => 99,
      read: async () => Buffer.alloc(0),
      close: async () => void events.push("closed"),
    }),
  });
  const outcomes = courier.deliver(attempt(["a@a.net"]));
  await settle();
  assert.deepEqual(begun[0]?.what.file, [{ fd: 7, offset: 0, length: 99 }]);
  begun[0]?.end(good);
  await outcomes;
  assert.deepEqual(events, ["closed"]);
});

test("going down waits for a delivery until the patience is over, and then calls it unclear", async () => {
  const { courier, clock, begun } = setUp();
  const outcomes = courier.deliver(attempt(["a@a.net", "b@a.net"]));
  await settle();
  const closed = courier.close(500);
  begun[0]?.end(good);
  await settle();
  clock.advance(500);
  await closed;
  assert.deepEqual(
    (await outcomes).map(({ kind }) => kind),
    ["delivered", "unclear"],
  );
});
