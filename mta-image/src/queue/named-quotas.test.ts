import assert from "node:assert/strict";
import { test } from "node:test";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { NamedQuotas } from "./named-quotas.ts";

test("mail counts under its names while it is queued, also while it waits for another attempt", async () => {
  const { queue, courier, clock } = setUp();
  courier.answer = () => outcome("deferred");
  const used = () => ["a", "b", "c"].map((name) => queue.quotas.named.usedBy(name));
  const recipients = ["ann@example.net", "bob@example.org"];
  queue.add(makeMessage({ recipients, sizeBytes: 100, envelope: { quotas: ["a", "b"] } }));
  queue.add(makeMessage({ sizeBytes: 7, envelope: { quotas: ["b"] } }));
  queue.add(makeMessage({ sizeBytes: 1 }));
  await settle();
  const all = [
    { count: 2, bytes: 200 },
    { count: 3, bytes: 207 },
    { count: 0, bytes: 0 },
  ];
  assert.deepEqual(used(), all);
  courier.answer = (address) => outcome(address === recipients[0] ? "delivered" : "deferred");
  clock.advance(60_000);
  await settle();
  assert.deepEqual(used()[0], { count: 1, bytes: 100 });
});

test("mail that is handed over counts no more, and again when it comes back", () => {
  const { queue, courier } = setUp();
  courier.hold();
  const message = makeMessage({
    recipients: ["ann@example.net", "bob@example.org"],
    sizeBytes: 10,
    states: [0, 1].map(() => ({
      status: "hold",
      attempts: 0,
      dueAt: 0,
      lastReply: "",
      delayNotices: 0,
    })),
    envelope: { quotas: ["a"] },
  });
  queue.add(message);
  assert.deepEqual(queue.quotas.named.usedBy("a"), { count: 2, bytes: 20 });
  const away = queue.withdraw(message.id);
  assert.deepEqual(queue.quotas.named.usedBy("a"), { count: 0, bytes: 0 });
  assert.ok(away !== null);
  queue.add(away);
  assert.deepEqual(queue.quotas.named.usedBy("a"), { count: 2, bytes: 20 });
});

test("a recipient that is settled costs no look at all others of its message", () => {
  const named = new NamedQuotas();
  const message = {
    quotas: ["a"],
    sizeBytes: 5,
    get line(): never {
      throw new Error("looked at the domains of all");
    },
  };
  named.enter(message, 3);
  named.leave(message, 1);
  assert.deepEqual(named.usedBy("a"), { count: 2, bytes: 10 });
});
