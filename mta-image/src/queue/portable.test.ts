/** Which due mail may be handed to another engine while this one goes on serving. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { QueueLimits } from "#contract/queue-fields.ts";

import { makeMessage, makeState } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { limitsOf } from "./policy.ts";
import { choosePortable, countPortable, type PortableBounds } from "./portable.ts";

type Rig = ReturnType<typeof setUp>;

const wide: PortableBounds = { messages: 500, recipients: 500, bytes: 8_000_000 };

/** The first recipient of each message that may go. */
function choose({ queue }: Rig, bounds: Partial<PortableBounds> = {}): readonly string[] {
  const chosen = choosePortable(queue.lines, (id) => queue.find(id), { ...wide, ...bounds });
  return chosen.map((id) => queue.find(id)[0]?.message.envelope.recipients[0] ?? "");
}

function send({ queue }: Rig, ...messages: readonly string[]): void {
  for (const recipients of messages) queue.add(makeMessage({ recipients: recipients.split(" ") }));
}

/** One attempt at a time is under way and does not end. */
function busyRig(): Rig {
  const rig = setUp();
  rig.courier.hold();
  rig.courier.attemptsPerDestination = 1;
  return rig;
}

test("what is being tried, on hold or not due yet stays, with all recipients of its message", async () => {
  const rig = busyRig();
  send(rig, "tried@a.net", "due@a.net", "held@a.net", "tried@b.net due2@a.net");
  const later = makeState({ dueAt: rig.clock.now() + 60_000, attempts: 1 });
  rig.queue.add(makeMessage({ recipients: ["some@a.net", "later@a.net"], states: [makeState(), later] }));
  await settle();
  for (const entry of rig.queue.entries())
    if (entry.message.envelope.recipients[0] === "held@a.net") rig.queue.hold(entry);
  assert.deepEqual(choose(rig), ["due@a.net"]);
});

test("what a suspension or a limit learned here holds back stays; what a limit of the files holds back may go", async () => {
  const suspended = setUp();
  const suspension = { id: "s", origin: "reaction", tag: null, properties: {}, ttlMs: 0 };
  suspended.queue.rules.suspend({ ...suspension, match: { recipientdomain: "a.net" } });
  send(suspended, "one@a.net", "two@a.net");
  await settle();
  assert.deepEqual([choose(suspended), countPortable(suspended.queue.lines)], [[], 0]);

  const underLimit = async (type: "backoff" | "warmup"): Promise<readonly string[]> => {
    const rig = setUp();
    rig.courier.hold();
    const limits = limitsOf(QueueLimits.parse({ concurrency: 1 }), "fixedwindow");
    rig.queue.rules.addPolicy({ id: "p", type, origin: "api", fields: [], match: {}, limits, ttlMs: 0 });
    send(rig, "one@a.net", "two@a.net");
    await settle();
    assert.equal(rig.queue.figures().blocked, 1);
    return choose(rig);
  };
  assert.deepEqual(await underLimit("backoff"), []);
  assert.deepEqual(await underLimit("warmup"), ["two@a.net"]);
});

test("mail that a doorkeeper has bound to source addresses stays", async () => {
  const rig = setUp({
    sourcesFor: () => ["10.0.0.1", "10.0.0.2"],
    doorkeeper: {
      isAsked: (door) => door === "insert",
      ask: (_, { message }) => {
        const isBound = message.envelope.recipients[0]?.startsWith("bound") === true;
        return { kind: "accepted", localIps: isBound ? ["10.0.0.1"] : ["10.0.0.1", "10.0.0.2"] };
      },
    },
  });
  rig.courier.hold();
  rig.courier.attemptsPerDestination = 0;
  send(rig, "bound@a.net", "free@a.net");
  await settle();
  assert.deepEqual([choose(rig), countPortable(rig.queue.lines)], [["free@a.net"], 1]);
});

test("each destination gives its part, the earliest first, and no bound is passed", async () => {
  const rig = busyRig();
  rig.courier.attemptsPerDestination = 0;
  send(rig, ..."123456".split("").map((n) => `u${n}@a.net`), "u1@b.net", "u2@b.net u3@b.net");
  await settle();
  assert.equal(countPortable(rig.queue.lines), 9);
  assert.deepEqual(choose(rig, { recipients: 3 }), ["u1@a.net", "u2@a.net", "u1@b.net"]);
  assert.deepEqual(choose(rig, { recipients: 1 }), ["u1@a.net"]);
  assert.deepEqual(choose(rig, { bytes: 250 }), ["u1@a.net", "u2@a.net"]);
  assert.equal(choose(rig).length, 8);
});

test("a message for several destinations counts once, and one that fits exactly goes", async () => {
  const rig = busyRig();
  rig.courier.attemptsPerDestination = 0;
  send(rig, "both@a.net both@b.net", "other@b.net");
  await settle();
  assert.deepEqual(choose(rig, { bytes: 200 }), ["both@a.net", "other@b.net"]);
  assert.deepEqual(choose(rig, { bytes: 100 }), ["both@a.net"]);
  assert.deepEqual(choose(rig, { recipients: 2 }), ["both@a.net"]);
  assert.deepEqual(choose(rig, { recipients: 3 }), ["both@a.net", "other@b.net"]);
  assert.deepEqual(choose(rig, { recipients: 1 }), ["other@b.net"]);
});
