import assert from "node:assert/strict";
import { describe, test } from "node:test";

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
  queue.quotas.configure([quota("all", 2)]);
  const reserve = (): Reservation => queue.quotas.reserve(makeEnvelope());
  const [first, ...others] = [reserve(), reserve(), reserve()];
  assert.deepEqual(others.map(isFull), [false, true]);
  assert.ok(first?.kind === "reserved");
  first.release();
  first.release();
  assert.deepEqual([reserve(), reserve()].map(isFull), [false, true], "the second one is held all the time");
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

describe("quotas by facts of the way", () => {
  const google = { hosts: ["mx.google.test"], ips: ["192.0.2.1"] };
  const grouped = { id: "google", remotemx: ["*.google.test"], remoteip: [], recipientdomain: [] };

  /** A queue whose mail is not tried, to domains of which those in a.* are at one provider. */
  function located(): ReturnType<typeof setUp> {
    const rig = setUp({
      locator: {
        locate: async ({ domain }) =>
          domain.startsWith("a") ? google : { hosts: [`mx.${domain}`], ips: ["192.0.2.9"] },
      },
    });
    rig.queue.rulebook.configure({
      policies: [],
      suspensions: [],
      grouping: { default: "recipientdomain", groupings: [grouped] },
    });
    rig.courier.hold();
    return rig;
  }
  const counts = ({ queue }: ReturnType<typeof setUp>): unknown =>
    queue.quotas
      .list()
      .flatMap(({ counts: all }) => [...all.values()].map(({ values, used }) => [...values, used]));
  const to = (...recipients: string[]) => makeEnvelope({ recipients });

  test("count mail once its hosts are known, and measure new mail to the domain from then on", async () => {
    const rig = located();
    const { queue } = rig;
    queue.quotas.configure([quota("providers", 2, { fields: ["grouping"] })]);
    // Nobody knows yet that both are at one provider.
    assert.equal(isFull(queue.quotas.reserve(to("x@a.net", "x@a.org", "y@a.org"))), false);
    queue.add(makeMessage({ envelope: to("x@a.net", "x@b.net") }));
    queue.add(makeMessage({ envelope: to("x@a.org") }));
    await settle();
    assert.deepEqual(counts(rig), [
      ["&google", 2],
      ["b.net", 1],
    ]);
    assert.deepEqual(queue.quotas.reserve(to("y@a.org")), { kind: "full", id: "providers" });
    assert.equal(isFull(queue.quotas.reserve(to("y@b.net"))), false);
    rig.courier.release();
    await settle();
    assert.equal(isFull(queue.quotas.reserve(to("y@a.org"))), false);
  });

  test("go by host, address and condition; hosts that nobody knows are under none of them", async () => {
    const rig = located();
    const { queue } = rig;
    const conditions = [{ if: { remoteip: "192.0.2.0/29" }, limits: { recipients: 1 } }];
    queue.quotas.configure([
      quota("hosts", 9, { fields: ["remotemx"] }),
      quota("net", 9, { fields: ["remoteip"], conditions }),
    ]);
    queue.add(makeMessage({ envelope: to("x@a.net", "x@b.net") }));
    await settle();
    assert.deepEqual(counts(rig), [
      ["mx.google.test", 1],
      ["mx.b.net", 1],
      ["192.0.2.1", 1],
      ["192.0.2.9", 1],
    ]);
    assert.deepEqual(queue.quotas.reserve(to("y@a.net")), { kind: "full", id: "net" });
    assert.equal(isFull(queue.quotas.reserve(to("y@a.other"))), false);
  });

  test("go by the source address where mail can leave from one alone", () => {
    const { queue, courier } = setUp({
      sourcesFor: (id) => (id === "two" ? ["10.0.0.1", "10.0.0.2"] : ["10.0.0.1"]),
    });
    courier.attemptsPerDestination = 0;
    queue.quotas.configure([quota("sources", 1, { fields: ["localip"] })]);
    queue.add(makeMessage());
    assert.equal(isFull(queue.quotas.reserve(makeEnvelope())), true);
    assert.equal(isFull(queue.quotas.reserve(makeEnvelope({ transportId: "two" }))), false);
  });

  test("a quota that comes later finds the hosts, and the last one that goes needs them no more", async () => {
    const rig = located();
    const { queue } = rig;
    rig.courier.attemptsPerDestination = 1;
    for (let i = 0; i < 3; i++) queue.add(makeMessage({ envelope: to("x@a.net") }));
    await settle();
    assert.equal(queue.rulebook.isEmpty, true);
    queue.quotas.add(quota("late", 3, { fields: ["grouping"] }));
    queue.add(makeMessage({ envelope: to("x@a.net") }));
    rig.courier.release({ count: 1, thenHold: true });
    await settle();
    assert.deepEqual(counts(rig), [["&google", 3]]);
    assert.equal(isFull(queue.quotas.reserve(to("y@a.net"))), true);
    queue.quotas.delete("late");
    assert.equal(queue.rulebook.isEmpty, true);
  });
});
