/** The queue under policies and suspensions. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { type CountedField, QueueLimits, type QueueMatch } from "#contract/queue-fields.ts";
import { makeMessage, makeState } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { limitsOf } from "./policy.ts";

type Rig = ReturnType<typeof setUp>;

interface Given {
  readonly id?: string;
  readonly fields?: CountedField[];
  readonly match?: QueueMatch;
  readonly limits: Parameters<typeof QueueLimits.parse>[0];
  readonly algorithm?: "fixedwindow" | "tokenbucket";
  readonly type?: "dynamic" | "warmup";
  readonly ttlMs?: number;
}

function policy({ queue }: Rig, given: Given): void {
  const { id = "p", fields = [], match = {}, algorithm = "fixedwindow", type = "dynamic", ttlMs = 0 } = given;
  const limits = limitsOf(QueueLimits.parse(given.limits), algorithm);
  queue.rules.addPolicy({ id, type, origin: "api", fields, match, limits, ttlMs });
}

function suspend({ queue }: Rig, id: string, match: QueueMatch, ttlMs = 0, properties = {}): void {
  queue.rules.suspend({ id, origin: "api", match, tag: null, properties, ttlMs });
}

/** One message for each address. */
function send({ queue }: Rig, ...addresses: string[]): void {
  for (const address of addresses) queue.add(makeMessage({ recipients: [address] }));
}

const triedAddresses = ({ courier }: Rig): string[] =>
  courier.attempts.flatMap(({ message, recipients }) =>
    recipients.map((index) => message.envelope.recipients[index] ?? ""),
  );

test("a policy bounds the attempts of each combination, and a freed place goes on", async () => {
  const rig = setUp();
  policy(rig, { fields: ["recipientdomain"], limits: { concurrency: 2 } });
  rig.courier.hold();
  send(rig, ...["a1@a.net", "a2@a.net", "a3@a.net", "b1@b.net"]);
  await settle();
  assert.deepEqual(triedAddresses(rig), ["a1@a.net", "a2@a.net", "b1@b.net"]);
  rig.courier.release({ count: 1, thenHold: true });
  await settle();
  assert.deepEqual(triedAddresses(rig).slice(3), ["a3@a.net"]);
});

test("places that are freed together are all taken again", async () => {
  const rig = setUp();
  policy(rig, { limits: { concurrency: 3 } });
  rig.courier.hold();
  send(rig, ...Array.from({ length: 9 }, (_, i) => `u@${"abcdefghi"[i]}.net`));
  await settle();
  rig.courier.release({ count: 3, thenHold: true });
  await settle();
  assert.equal(rig.courier.running, 3);
});

test("a line that another rule stops passes a freed place on", async () => {
  const rig = setUp();
  policy(rig, { limits: { concurrency: 1 } });
  rig.courier.hold();
  send(rig, "u@a.net", "u@b.net", "u@c.net");
  await settle();
  policy(rig, { id: "b", match: { recipientdomain: "b.net" }, limits: { rate: "1/3600" } });
  rig.courier.release({ thenHold: true });
  await settle();
  send(rig, "v@b.net");
  rig.courier.release({ thenHold: true });
  await settle();
  assert.deepEqual(triedAddresses(rig), ["u@a.net", "u@b.net", "u@c.net"]);
});

test("lines that share a bounded place take turns", async () => {
  const rig = setUp();
  policy(rig, { limits: { concurrency: 1 } });
  rig.courier.hold();
  send(rig, ...["a1@a.net", "a2@a.net", "a3@a.net", "b1@b.net", "b2@b.net", "c1@c.net"]);
  for (let i = 0; i < 5; i++) {
    await settle();
    rig.courier.release({ thenHold: true });
  }
  await settle();
  assert.deepEqual(
    triedAddresses(rig).map((address) => address[0]),
    // The first line was there before the others when it came to wait.
    ["a", "a", "b", "c", "a", "b"],
  );
});

test("a rate lets its tokens through in each window, and splits a message that is larger", async () => {
  const rig = setUp();
  policy(rig, { limits: { rate: "3/60" } });
  rig.queue.add(makeMessage({ recipients: Array.from({ length: 5 }, (_, i) => `u${i}@a.net`) }));
  await settle();
  assert.deepEqual(
    rig.courier.attempts.map(({ recipients }) => recipients.length),
    [3],
  );
  rig.clock.advance(59_999);
  await settle();
  assert.equal(triedAddresses(rig).length, 3);
  rig.clock.advance(1);
  await settle();
  assert.equal(triedAddresses(rig).length, 5);
});

test("a suspension stops what it names and nothing else; its end or its removal frees it", async () => {
  const rig = setUp();
  suspend(rig, "s1", { recipientdomain: "a.net" });
  suspend(rig, "s2", { recipientdomain: "*.org" }, 10_000);
  send(rig, "u@a.net", "u@b.net", "u@c.org");
  await settle();
  assert.deepEqual(triedAddresses(rig), ["u@b.net"]);
  rig.clock.advance(10_000);
  await settle();
  assert.deepEqual(triedAddresses(rig), ["u@b.net", "u@c.org"]);
  assert.equal(rig.queue.rules.unsuspend("s1"), true);
  await settle();
  assert.deepEqual(triedAddresses(rig), ["u@b.net", "u@c.org", "u@a.net"]);
  assert.equal(rig.queue.rules.unsuspend("s1"), false);
});

test("a suspension that comes late leaves what is in flight alone", async () => {
  const rig = setUp();
  rig.courier.hold();
  send(rig, "u@a.net", "v@a.net");
  await settle();
  suspend(rig, "s", {});
  send(rig, "w@a.net");
  rig.courier.release();
  await settle();
  assert.deepEqual(rig.ledger.settled.length, 2);
  assert.equal(rig.queue.figures().active, 1);
});

const frees: Record<string, (rig: Rig) => void> = {
  removing: ({ queue }) => queue.rules.deletePolicy("p"),
  replacing: (rig) => policy(rig, { limits: { concurrency: 5 } }),
  widening: ({ queue }) => queue.rules.updatePolicy("p", { limits: { concurrency: 5 } }),
  outliving: ({ clock }) => clock.advance(30_000),
};

for (const [name, free] of Object.entries(frees)) {
  test(`${name} a policy wakes what it held`, async () => {
    const rig = setUp();
    policy(rig, { limits: { concurrency: 1 }, ttlMs: 30_000 });
    rig.courier.hold();
    send(rig, "u@a.net", "v@a.net", "w@b.net");
    await settle();
    assert.equal(triedAddresses(rig).length, 1);
    free(rig);
    await settle();
    assert.equal(triedAddresses(rig).length, 3);
  });
}

test("a larger share of the cluster wakes what a smaller one held", async () => {
  const rig = setUp();
  rig.queue.rulebook.divide({ n: 1, of: 4, place: "none" });
  policy(rig, { limits: { concurrency: 4, cluster: true } });
  rig.courier.hold();
  send(rig, "u@a.net", "v@a.net", "w@b.net");
  await settle();
  assert.equal(triedAddresses(rig).length, 1);
  rig.queue.rulebook.divide({ n: 1, of: 2, place: "none" });
  await settle();
  assert.equal(triedAddresses(rig).length, 2);
});

test("a change of limits keeps what was used of them", async () => {
  const rig = setUp();
  policy(rig, { limits: { rate: "2/60" } });
  send(rig, "u@a.net", "v@a.net", "w@a.net", "x@a.net");
  await settle();
  rig.queue.rules.updatePolicy("p", {
    limits: limitsOf(QueueLimits.parse({ rate: "3/60" }), "fixedwindow"),
  });
  await settle();
  assert.equal(triedAddresses(rig).length, 3);
});

test("the source is one that no rule holds back, and sources that are equal take turns", async () => {
  const rig = setUp({ sourcesFor: () => ["192.0.2.1", "192.0.2.2", "192.0.2.3"] });
  policy(rig, { fields: ["localip"], limits: { concurrency: 2 } });
  suspend(rig, "s", { localip: "192.0.2.2" });
  rig.courier.hold();
  send(rig, ...Array.from({ length: 6 }, (_, i) => `u${i}@a.net`));
  await settle();
  const sources = rig.courier.attempts.map(({ terms }) => terms?.source);
  assert.deepEqual(sources.sort(), ["192.0.2.1", "192.0.2.1", "192.0.2.3", "192.0.2.3"]);
  rig.queue.rules.unsuspend("s");
  await settle();
  assert.deepEqual(
    rig.courier.attempts.slice(4).map(({ terms }) => terms?.source),
    ["192.0.2.2", "192.0.2.2"],
  );
});

test("first tries take an address that warms up while its budget lasts, retries take a warm one", async () => {
  const rig = setUp({ sourcesFor: () => ["192.0.2.1", "192.0.2.2"] });
  policy(rig, { type: "warmup", match: { localip: "192.0.2.2" }, limits: { rate: "2/60" } });
  const states = [{ status: "queued", attempts: 1, dueAt: 0, lastReply: "", delayNotices: 0 } as const];
  rig.queue.add(makeMessage({ recipients: ["again@a.net"], states }));
  send(rig, "u1@a.net", "u2@b.net", "u3@c.net");
  await settle();
  assert.deepEqual(
    rig.courier.attempts.map(({ terms }) => terms?.source),
    ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.1"],
  );
});

test("domains of one group are counted together, and are located only when a rule needs it", async () => {
  const located: string[] = [];
  const rig = setUp({
    locator: {
      locate: async ({ domain }) => {
        located.push(domain);
        return domain === "c.net"
          ? { hosts: ["mx.c.net"], ips: [] }
          : { hosts: [`${domain}.mx.google.example`], ips: [] };
      },
    },
  });
  send(rig, "u@z.net");
  await settle();
  assert.deepEqual(located, []);
  const grouping = {
    default: "recipientdomain" as const,
    groupings: [{ id: "google", remotemx: ["*.google.example"], remoteip: [], recipientdomain: [] }],
  };
  rig.queue.rulebook.configure({ policies: [], suspensions: [], grouping });
  policy(rig, { fields: ["grouping"], match: { grouping: "&google" }, limits: { concurrency: 1 } });
  rig.courier.hold();
  send(rig, "u@a.net", "u@b.net", "u@c.net", "v@c.net");
  await settle();
  assert.deepEqual(triedAddresses(rig).slice(1).sort(), ["u@a.net", "u@c.net", "v@c.net"]);
  assert.deepEqual(located, ["a.net", "b.net", "c.net"]);
});

test("a grouping takes domains by their own names, whatever hosts they have", async () => {
  const rig = setUp({
    locator: { locate: async ({ domain }) => ({ hosts: [`mx.${domain}`], ips: [] }) },
  });
  const grouped = {
    id: "yahoo",
    remotemx: [],
    remoteip: [],
    recipientdomain: ["Yahoo.com", "*.yahoo.example"],
  };
  const grouping = { default: "recipientdomain" as const, groupings: [grouped] };
  rig.queue.rulebook.configure({ policies: [], suspensions: [], grouping });
  policy(rig, { fields: ["grouping"], match: { grouping: "&yahoo" }, limits: { concurrency: 1 } });
  rig.courier.hold();
  send(rig, "u@yahoo.com", "u@uk.yahoo.example", "u@other.net");
  await settle();
  assert.deepEqual(triedAddresses(rig).sort(), ["u@other.net", "u@yahoo.com"]);
});

test("attempts of the same rules ask one and the same, however many rules space their connections", async () => {
  const rig = setUp();
  policy(rig, { fields: ["recipientdomain"], limits: { connectinterval: 5 } });
  policy(rig, { id: "q", fields: ["transportid"], limits: { connectinterval: 2 } });
  rig.courier.hold();
  send(rig, "u@a.net", "v@a.net", "u@b.net");
  await settle();
  const [first, second, other] = rig.courier.attempts.map(({ terms }) => terms?.connect);
  assert.ok(first);
  assert.equal(second, first);
  assert.notEqual(other, first);
  assert.deepEqual([first(), other?.(), first()], [0, 1000, 1000]);
  rig.clock.advance(1900);
  assert.deepEqual([other?.(), first()], [100, 1000]);
});

test("notices are sent whatever is suspended", async () => {
  const rig = setUp();
  rig.courier.answer = () => ({ kind: "failed", reply: "550 no", status: "5.1.1", remoteMta: "mx" });
  rig.notifier.refuses = true;
  send(rig, "u@a.net");
  await settle();
  suspend(rig, "s", {});
  rig.notifier.refuses = false;
  rig.clock.advance(60_000);
  await settle();
  assert.equal(rig.notifier.notices.length, 1);
  assert.equal(rig.queue.figures().total, 0);
});

test("a line whose last entry is gone waits for nothing any more", async () => {
  const rig = setUp();
  suspend(rig, "s", {});
  for (let i = 0; i < 3; i++) {
    send(rig, "u@a.net");
    await settle();
    for (const entry of [...rig.queue.entries()]) rig.queue.bounce(entry);
    await settle();
  }
  assert.deepEqual(
    rig.queue.rulebook.suspensions.map(({ parked }) => parked.size),
    [0],
  );
});

test("counters that have nothing to remember are forgotten, those in use are not", async () => {
  const rig = setUp();
  policy(rig, { fields: ["recipientdomain"], limits: { concurrency: 1 } });
  rig.courier.hold();
  send(rig, "u@busy.net");
  await settle();
  rig.courier.release({ count: 0, thenHold: false });
  for (let i = 0; i < 3000; i++) send(rig, `u@d${i}.net`);
  await settle();
  rig.courier.hold();
  send(rig, "v@busy.net", "w@busy.net");
  await settle();
  assert.ok([...rig.queue.rulebook.counters].length < 2500);
  assert.equal(triedAddresses(rig).filter((address) => address.endsWith("@busy.net")).length, 1);
});

test("a policy that is changed keeps its place before those that came after it", async () => {
  const rig = setUp();
  policy(rig, { id: "first", limits: { concurrency: 3, stop: true } });
  policy(rig, { id: "second", limits: { concurrency: 1 } });
  policy(rig, { id: "first", limits: { concurrency: 2, stop: true } });
  rig.courier.hold();
  send(rig, "u@a.net", "v@a.net", "w@a.net");
  await settle();
  assert.equal(triedAddresses(rig).length, 2);
});

/** Short form: "reason | kind id source detail (until after s)". */
function explained({ queue, clock }: Rig): string[] {
  return [...queue.entries()].map((entry) => {
    const { reason, obstacles } = queue.explain(entry);
    const parts = obstacles.map(({ kind, id, source, detail, until }) => {
      const end = until === null ? "open" : `${(until - clock.now()) / 1000} s`;
      return [kind, id, source, detail, `(${end})`].filter((part) => part !== "").join(" ");
    });
    return [reason, ...parts].join(" | ");
  });
}

test("what holds an entry back is told: the rule, what is used of it, and when it ends", async () => {
  const rig = setUp({ sourcesFor: () => ["192.0.2.1", "192.0.2.2", "192.0.2.1"] });
  policy(rig, { id: "rate", match: { recipientdomain: "a.net" }, limits: { rate: "1/60", concurrency: 9 } });
  suspend(rig, "s1", { recipientdomain: "b.net", localip: "192.0.2.1" }, 30_000);
  const why = { ticket: 7, why: "maintenance" };
  suspend(rig, "s2", { recipientdomain: "b.net", localip: "192.0.2.2" }, 0, why);
  rig.courier.hold();
  send(rig, "u@a.net", "v@a.net", "u@b.net");
  await settle();
  rig.clock.advance(10_000);
  assert.deepEqual(explained(rig), [
    "it is being tried",
    "it is due and a rule holds it back" +
      " | policy rate 192.0.2.1 1 of 9 attempts under way; 1 of 1 recipients in 60 s; 1 lines wait (50 s)" +
      " | policy rate 192.0.2.2 1 of 9 attempts under way; 1 of 1 recipients in 60 s; 1 lines wait (50 s)",
    "it is due and a rule holds it back" +
      " | suspension s1 192.0.2.1 is suspended (20 s)" +
      " | suspension s2 192.0.2.2 is suspended; ticket: 7; why: maintenance (open)",
  ]);
});

test("without a rule the place, the time or the administrator is the reason", async () => {
  const rig = setUp({ maxRunning: 2 });
  rig.courier.attemptsPerDestination = 1;
  rig.courier.hold();
  send(rig, "u@a.net", "v@a.net");
  await settle();
  assert.match(explained(rig)[1] ?? "", /^it is due \| window 1 attempts of 1 are under way/);
  const [, second] = [...rig.queue.entries()];
  assert.ok(second);
  rig.queue.hold(second);
  assert.equal(explained(rig)[1], "an administrator holds it");
  rig.courier.answer = () => ({ kind: "deferred", reply: "451 later", status: "4.0.0", remoteMta: "mx" });
  rig.courier.release();
  await settle();
  assert.equal(explained(rig)[0], "it was deferred and waits for its next attempt");
  const dueAt = rig.clock.now() + 1000;
  const ofScripts = ["", "451 A script wants it so"].map((lastReply) => makeState({ dueAt, lastReply }));
  rig.queue.add(makeMessage({ recipients: ["w@b.net", "x@b.net"], states: ofScripts }));
  const reasons = ["its time has not come", "it was put off before an attempt that counts"];
  assert.deepEqual(explained(rig).slice(-2), reasons);
});
