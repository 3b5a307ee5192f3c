import assert from "node:assert/strict";
import { test } from "node:test";

import { makeEnvelope, makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import type { QuotaOrder, Reservation } from "./quotas.ts";

function quota(id: string, recipients: number, change: Partial<QuotaOrder> = {}): QuotaOrder {
  return { id, origin: "api", fields: [], conditions: [], fallback: { recipients }, ttlMs: 0, ...change };
}

const isFull = (room: Reservation): boolean => room.kind === "full";

test("each combination of the fields has its own room, and what is delivered makes room again", async () => {
  const { queue, courier } = setUp();
  courier.hold();
  queue.quotas.configure([quota("tenants", 2, { fields: ["tenantid"] })]);
  const acme = makeEnvelope({ tenantId: "acme", recipients: ["a@x.net", "b@y.net"] });
  queue.add(makeMessage({ envelope: acme }));
  assert.deepEqual(queue.quotas.reserve(acme), { kind: "full", id: "tenants" });
  assert.equal(isFull(queue.quotas.reserve({ ...acme, tenantId: "other" })), false);
  assert.equal(queue.quotas.refused, 1);
  courier.release();
  await settle();
  assert.equal(isFull(queue.quotas.reserve(acme)), false);
});

test("clients that come at the same moment do not pass together; what is given up makes room", () => {
  const { queue } = setUp();
  queue.quotas.configure([quota("all", 1)]);
  const first = queue.quotas.reserve(makeEnvelope());
  assert.equal(isFull(queue.quotas.reserve(makeEnvelope())), true);
  assert.ok(first.kind === "reserved");
  first.release();
  first.release();
  assert.equal(isFull(queue.quotas.reserve(makeEnvelope())), false);
});

test("a quota that comes later counts what is queued already, and follows mail that is moved", () => {
  const { queue, courier } = setUp();
  courier.attemptsPerDestination = 0;
  const messages = [makeMessage(), makeMessage()];
  for (const message of messages) queue.add(message);
  queue.quotas.add(quota("transports", 5, { fields: ["transportid"] }));
  const used = (): unknown =>
    queue.quotas
      .list()
      .flatMap(({ counts }) => [...counts.values()].map(({ values, used: n }) => [...values, n]));
  const own = messages[0]?.envelope.transportId;
  assert.deepEqual(used(), [[own, 2]]);
  const [entry] = queue.find(messages[0]?.id ?? "");
  assert.ok(entry);
  queue.move(entry, { transportId: "other" });
  assert.deepEqual(used(), [
    [own, 1],
    ["other", 1],
  ]);
  assert.equal(queue.quotas.usedBy("transports"), 2);
  assert.equal(queue.quotas.usedBy("nobody"), null);
});

test("a quota ends with its time, and combinations that hold nothing are forgotten", () => {
  const { queue, clock } = setUp();
  queue.quotas.add(quota("domains", 0, { fields: ["recipientdomain"], ttlMs: 1000 }));
  for (let i = 0; i < 50; i++)
    assert.equal(isFull(queue.quotas.reserve(makeEnvelope({ recipients: [`a@d${i}.net`] }))), true);
  assert.equal(queue.quotas.list()[0]?.counts.size, 0);
  clock.advance(1000);
  assert.equal(isFull(queue.quotas.reserve(makeEnvelope())), false);
  assert.deepEqual(queue.quotas.list(), []);
});

test("the first condition that matches gives the limit, and a message too large for all its recipients is refused whole", () => {
  const { queue } = setUp();
  const conditions = [{ if: { recipientdomain: "big.net" }, limits: { recipients: 3 } }];
  queue.quotas.configure([quota("domains", 1, { fields: ["recipientdomain"], conditions })]);
  const to = (recipients: string[]): Reservation => queue.quotas.reserve(makeEnvelope({ recipients }));
  assert.equal(isFull(to(["a@big.net", "b@big.net", "c@big.net"])), false);
  assert.equal(isFull(to(["a@small.net", "b@small.net"])), true);
  assert.equal(isFull(to(["a@small.net"])), false);
});
