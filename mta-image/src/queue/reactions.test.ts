import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ReactionConfig } from "#contract/reactions-config.ts";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { DynamicRules, type SuspensionOrder } from "./dynamic-rules.ts";
import { Reactions } from "./reactions.ts";
import { makeClassifier } from "./reply-class.ts";

const classify = makeClassifier({ rules: [] });
const sources = ["192.0.2.1", "192.0.2.2"];

function rig(...reactions: object[]): ReturnType<typeof setUp> {
  const rigged = setUp({ sourcesFor: () => sources });
  const configs = reactions.map((reaction) => ReactionConfig.parse(reaction));
  rigged.queue.reactions.configure(configs, classify);
  return rigged;
}

const to = (domain: string): ReturnType<typeof makeMessage> => makeMessage({ recipients: [`u@${domain}`] });
const throttled = outcome("deferred", "421 4.7.0 [TSS04] deferred due to user complaints", "4.7.0");

test("a reply that says so suspends its source toward its destination, and nothing else", async () => {
  const { queue, courier, clock } = rig({
    id: "tss",
    when: { class: ["rate-limited"] },
    action: { suspend: true, for: "10m" },
  });
  courier.answer = () => throttled;
  queue.add(to("a.net"));
  await settle();
  const [learned] = queue.reactions.active();
  const used = courier.attempts[0]?.terms?.source ?? "";
  assert.deepEqual(learned?.match, { localip: used, recipientdomain: "a.net" });
  courier.answer = () => outcome("delivered");
  for (const domain of ["a.net", "a.net", "b.net"]) queue.add(to(domain));
  await settle();
  const toward = courier.attempts.slice(1).filter(({ destination }) => destination.domain === "a.net");
  assert.deepEqual(
    toward.map(({ terms }) => terms?.source),
    Array.from({ length: 2 }, () => sources.find((ip) => ip !== used)),
  );
  clock.advance(600_000);
  await settle();
  assert.deepEqual(queue.reactions.active(), []);
  assert.deepEqual(queue.rulebook.suspensions, []);
});

test("so many failures within a time put a destination into back-off, which says why and ends with a delivery", async () => {
  const { queue, courier, clock } = rig({
    id: "down",
    when: { class: ["no-answer"] },
    after: { count: 3, within: "1m" },
    per: ["recipientdomain"],
    action: { concurrency: 1, rate: "1/60", untildelivered: true, for: "1h" },
  });
  courier.answer = () => outcome("deferred", "Connection refused", "4.4.1");
  for (let i = 0; i < 2; i++) queue.add(to("a.net"));
  await settle();
  assert.deepEqual(queue.reactions.active(), []);
  queue.add(to("a.net"));
  await settle();
  assert.equal(queue.reactions.active().length, 1);
  const tried = courier.attempts.length;
  courier.hold();
  const late = [to("a.net"), to("a.net")];
  for (const message of late) queue.add(message);
  await settle();
  assert.equal(courier.attempts.length, tried + 1, "one at a time");
  const [waiting] = queue.find(late[1]?.id ?? "");
  assert.ok(waiting);
  const [obstacle] = queue.explain(waiting).obstacles;
  assert.deepEqual([obstacle?.kind, obstacle?.tag], ["policy", "down"]);
  assert.match(obstacle?.detail ?? "", /since a host said: Connection refused/);
  courier.answer = () => outcome("delivered");
  courier.release();
  await settle();
  assert.deepEqual(queue.reactions.active(), []);
  assert.equal(courier.attempts.length, tried + 2, "both went when it ended");
  clock.advance(1);
});

test("failures that are too far apart or of another kind change nothing", async () => {
  const { queue, courier, clock } = rig({
    id: "r",
    if: { recipientdomain: "a.net" },
    when: { outcome: ["deferred"], status: "4.7.*", reply: "tss04" },
    after: { count: 2, within: "10s" },
    action: { suspend: true },
  });
  courier.answer = () => throttled;
  queue.add(to("a.net"));
  await settle();
  clock.advance(10_000);
  queue.add(to("a.net"));
  queue.add(to("b.net"));
  queue.add(to("b.net"));
  await settle();
  courier.answer = () => outcome("failed", "550 5.7.1 [TSS04]", "5.7.1");
  queue.add(to("a.net"));
  await settle();
  assert.deepEqual(queue.reactions.active(), []);
});

test("administrators set and clear it, and a configuration without it ends it", async () => {
  const config = { id: "r", when: { class: ["spam"] }, per: ["recipientdomain"], action: { suspend: true } };
  const { queue, courier } = rig(config);
  assert.equal(queue.reactions.set("other", { recipientdomain: "a.net" }, null), false);
  assert.equal(queue.reactions.set("r", { localip: "192.0.2.1" }, null), false, "the fact is missing");
  assert.equal(queue.reactions.set("r", { recipientdomain: "a.net" }, 60_000), true);
  queue.add(to("a.net"));
  await settle();
  assert.equal(courier.attempts.length, 0);
  assert.equal(queue.reactions.clear("r"), 1);
  await settle();
  assert.equal(courier.attempts.length, 1);
  queue.reactions.set("r", { recipientdomain: "a.net" }, null);
  queue.reactions.configure([ReactionConfig.parse(config)], classify);
  assert.equal(queue.reactions.active().length, 1);
  queue.reactions.configure([], classify);
  assert.deepEqual(queue.rulebook.suspensions, []);
  assert.equal(queue.rulebook.isEmpty, true);
});

test("where there are too many rules already nothing is in force, and the next reply tries again", () => {
  const { queue, clock } = setUp();
  const rules = new (class extends DynamicRules {
    isFull = true;

    override suspend(order: SuspensionOrder): boolean {
      return !this.isFull && super.suspend(order);
    }
  })(queue.rulebook, clock);
  const reactions = new Reactions({ clock, rules, rulebook: queue.rulebook });
  const action = { suspend: true, retry: "5m" };
  const config = ReactionConfig.parse({ id: "r", when: { class: ["rate-limited"] }, action });
  reactions.configure([config], classify);
  const unknown = { transportid: "", remoteip: "", remotemx: "", jobid: "", grouping: "", tenantid: "" };
  const facts = { ...unknown, localip: "192.0.2.1", recipientdomain: "a.net" };
  reactions.hear(facts, [throttled]);
  assert.deepEqual([reactions.active(), reactions.retryAfter(facts)], [[], null]);
  rules.isFull = false;
  reactions.hear(facts, [throttled]);
  assert.deepEqual([reactions.active().length, reactions.retryAfter(facts)], [1, 300_000]);
  assert.equal(queue.rulebook.suspensions.length, 1);
});

test("a name of a stranger that looks like a pattern is held against itself alone", async () => {
  const config = { id: "r", when: { class: ["policy"] }, per: ["jobid"], action: { suspend: true } };
  const { queue, courier } = rig(config);
  courier.answer = () => outcome("deferred", "450 4.7.1 no", "4.7.1");
  queue.add(makeMessage({ envelope: { jobId: "/.*/" } }));
  await settle();
  courier.answer = () => outcome("delivered");
  for (const jobId of ["other", "/.*/"]) {
    queue.add(makeMessage({ envelope: { jobId } }));
  }
  await settle();
  assert.deepEqual(
    courier.attempts.map(({ destination }) => destination.jobId),
    ["/.*/", "other"],
  );
});

test("what the suppression list kept back is no reply", async () => {
  const { queue, courier } = rig({ id: "r", when: { outcome: ["failed"] }, action: { suspend: true } });
  courier.answer = () =>
    outcome("failed", "The recipient is suppressed since 2026-01-01 (api: asked)", "5.7.1");
  queue.add(to("a.net"));
  await settle();
  assert.deepEqual(queue.reactions.active(), []);
  courier.answer = () => outcome("failed");
  queue.add(to("a.net"));
  await settle();
  assert.equal(queue.reactions.active().length, 1);
});

describe("the interval of a back-off", () => {
  const down = {
    id: "down",
    when: { class: ["no-answer"] },
    after: { count: 2 },
    per: ["recipientdomain"],
    action: { concurrency: 1, retry: "10m", for: "1h", untildelivered: true },
  };
  const refused = outcome("deferred", "Connection refused", "4.4.1");
  const dueIn = ({ queue, clock }: ReturnType<typeof setUp>, id: string): number =>
    ((queue.find(id)[0]?.dueAt ?? 0) - clock.now()) / 1000;

  test("takes the place of the schedule's from the reply on that began it, for that destination alone", async () => {
    const rigged = rig(down);
    const { queue, courier } = rigged;
    courier.answer = () => refused;
    const mail = ["a.net", "a.net", "b.net"].map(to);
    for (const message of mail) {
      queue.add(message);
      await settle();
    }
    assert.deepEqual(
      mail.map(({ id }) => dueIn(rigged, id)),
      [60, 600, 60],
    );
  });

  test("ends with the back-off, and counts as an attempt of the schedule", async () => {
    const rigged = rig(down);
    const { queue, courier, clock, notifier } = rigged;
    courier.answer = () => refused;
    for (const message of [to("a.net"), to("a.net")]) queue.add(message);
    await settle();
    const last = to("a.net");
    queue.add(last);
    await settle();
    for (const wait of [600_000, 600_000]) {
      assert.equal(dueIn(rigged, last.id), wait / 1000);
      clock.advance(wait);
      await settle();
    }
    assert.equal(
      notifier.notices.filter(({ kind }) => kind === "failed").length,
      3,
      "two retries, and no more",
    );
    queue.reactions.clear("down");
    const other = to("a.net");
    queue.add(other);
    await settle();
    assert.equal(dueIn(rigged, other.id), 60);
  });

  test("needs no limit, may go with a suspension, and is at least a second", async () => {
    const rigged = rig({ ...down, after: { count: 1 }, action: { retry: "5m" } });
    const { queue, courier } = rigged;
    courier.answer = () => refused;
    const mail = to("a.net");
    queue.add(mail);
    await settle();
    assert.equal(dueIn(rigged, mail.id), 300);
    const parses = (action: object): boolean => ReactionConfig.safeParse({ ...down, action }).success;
    assert.deepEqual(
      [{ retry: "0s" }, { suspend: true, retry: "1m" }, { suspend: true, concurrency: 1 }, { for: "1h" }].map(
        parses,
      ),
      [false, true, false, false],
    );
  });

  test("gives way to what a script orders", async () => {
    const rigged = rig({ ...down, after: { count: 1 } });
    const { queue, courier } = rigged;
    courier.answer = () => ({ ...refused, order: { kind: "retry", delayMs: 5000 } });
    const mail = to("a.net");
    queue.add(mail);
    await settle();
    assert.equal(dueIn(rigged, mail.id), 5);
  });
});
