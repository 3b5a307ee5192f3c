/** Random mail under random rules: no limit is ever exceeded, and nothing waits for ever. */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { type CountedField, type QueueMatch, QueueLimits } from "#contract/queue-fields.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { limitsOf } from "./policy.ts";

type Rig = ReturnType<typeof setUp>;
type Algorithm = "fixedwindow" | "tokenbucket";

interface Rule {
  readonly fields: CountedField[];
  readonly concurrency: number;
  /** 0: no rate. */
  readonly tokens: number;
  readonly seconds: number;
  readonly algorithm: Algorithm;
}

const sources = ["192.0.2.1", "192.0.2.2"];
const domains = ["a.net", "b.net", "c.net"];

const rule: fc.Arbitrary<Rule> = fc.record({
  fields: fc.uniqueArray(fc.constantFrom<CountedField>("localip", "recipientdomain"), { maxLength: 2 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  tokens: fc.constantFrom(0, 0, 1, 2, 3, 6),
  seconds: fc.integer({ min: 1, max: 8 }),
  algorithm: fc.constantFrom<Algorithm>("fixedwindow", "tokenbucket"),
});
const match: fc.Arbitrary<QueueMatch> = fc.oneof(
  fc.constant({}),
  fc.constantFrom(...domains).map((recipientdomain) => ({ recipientdomain })),
  fc.constantFrom(...sources).map((localip) => ({ localip })),
);

type Step =
  | { readonly kind: "send"; readonly domain: string; readonly recipients: number }
  | { readonly kind: "end"; readonly count: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "rule"; readonly id: string; readonly rule: Rule; readonly ttlMs: number }
  | { readonly kind: "suspend"; readonly id: string; readonly match: QueueMatch; readonly ttlMs: number }
  | { readonly kind: "drop"; readonly id: string };

const id = fc.constantFrom("t1", "t2");
const ttlMs = fc.constantFrom(0, 500, 3000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      domain: fc.constantFrom(...domains),
      recipients: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("end" as const), count: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 4000 }) }),
  },
  fc.record({ kind: fc.constant("rule" as const), id, rule, ttlMs }),
  fc.record({ kind: fc.constant("suspend" as const), id, match, ttlMs }),
  fc.record({ kind: fc.constant("drop" as const), id }),
);

function addRule({ queue }: Rig, name: string, { fields, ...given }: Rule, ttl: number): void {
  const { concurrency, tokens, seconds, algorithm } = given;
  const rate = tokens === 0 ? {} : { rate: `${tokens}/${seconds}` };
  const limits = limitsOf(QueueLimits.parse({ concurrency, ...rate }), algorithm);
  queue.rules.addPolicy({ id: name, type: "dynamic", origin: "api", fields, match: {}, limits, ttlMs: ttl });
}

interface Start {
  readonly at: number;
  readonly recipients: number;
}

/** Watches from outside: attempts under way and starts, by the combination that each rule counts. */
function watch(rig: Rig, rules: readonly Rule[]): string[] {
  const wrong: string[] = [];
  const running = new Map<string, number>();
  const starts = new Map<string, Start[]>();
  const deliver = rig.courier.deliver.bind(rig.courier);
  rig.courier.deliver = async (attempt) => {
    const keys = rules.map(({ fields }, i) => {
      const values = { localip: attempt.terms?.source, recipientdomain: attempt.destination.domain };
      return [i, ...fields.map((field) => values[field as keyof typeof values])].join(" ");
    });
    for (const [i, key] of keys.entries()) {
      const one = rules[i] as Rule;
      running.set(key, (running.get(key) ?? 0) + 1);
      if ((running.get(key) ?? 0) > one.concurrency)
        wrong.push(`${key}: more than ${one.concurrency} at once`);
      const list = starts.get(key) ?? [];
      list.push({ at: rig.clock.monotonic(), recipients: attempt.recipients.length });
      starts.set(key, list);
      if (isExceeded(one, list)) wrong.push(`${key}: over the rate at ${JSON.stringify(list)}`);
    }
    const outcomes = await deliver(attempt);
    for (const key of keys) running.set(key, (running.get(key) ?? 0) - 1);
    return outcomes;
  };
  return wrong;
}

function isExceeded({ tokens, seconds, algorithm }: Rule, list: readonly Start[]): boolean {
  if (tokens === 0) return false;
  if (algorithm === "tokenbucket") {
    const end = list.at(-1)?.at ?? 0;
    return list.some(({ at }, from) => {
      const sum = list.slice(from).reduce((total, { recipients }) => total + recipients, 0);
      return sum > tokens * (1 + (end - at) / (seconds * 1000)) + 1e-3;
    });
  }
  let window = { at: Number.NEGATIVE_INFINITY, used: 0 };
  return list.some(({ at, recipients }) => {
    if (at >= window.at + seconds * 1000) window = { at, used: 0 };
    window.used += recipients;
    return window.used > tokens;
  });
}

async function play(rig: Rig, steps: readonly Step[]): Promise<number> {
  let sent = 0;
  for (const one of steps) {
    switch (one.kind) {
      case "send":
        sent += one.recipients;
        rig.queue.add(
          makeMessage({
            recipients: Array.from({ length: one.recipients }, (_, i) => `u${i}@${one.domain}`),
          }),
        );
        break;
      case "end":
        rig.courier.release({ count: one.count, thenHold: true });
        break;
      case "wait":
        rig.clock.advance(one.ms);
        break;
      case "rule":
        addRule(rig, one.id, one.rule, one.ttlMs);
        break;
      case "suspend":
        rig.queue.rules.suspend({ ...one, origin: "api", tag: null, properties: {} });
        break;
      case "drop":
        rig.queue.rules.deletePolicy(one.id);
        rig.queue.rules.unsuspend(one.id);
        break;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return sent;
}

/** Everything must be gone within the time that the rules in force need for it. */
async function runOut(rig: Rig): Promise<void> {
  for (const name of ["t1", "t2"]) rig.queue.rules.unsuspend(name);
  rig.courier.release();
  for (let i = 0; i < 2000 && rig.queue.figures().total > 0; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    rig.clock.advance(1000);
  }
  await settle();
}

test("no limit is ever exceeded, and all that is sent is tried once what suspends it has gone", async () => {
  const rules = fc.array(rule, { minLength: 1, maxLength: 3 });
  const steps = fc.array(step, { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(rules, steps, fc.constantFrom([], sources), async (permanent, played, pool) => {
      const rig = setUp({ sourcesFor: () => pool });
      rig.courier.attemptsPerDestination = 3;
      for (const [i, one] of permanent.entries()) addRule(rig, `p${i}`, one, 0);
      const wrong = watch(
        rig,
        pool.length > 0 ? permanent : permanent.filter(({ fields }) => !fields.includes("localip")),
      );
      rig.courier.hold();
      const sent = await play(rig, played);
      await runOut(rig);
      assert.deepEqual(wrong, []);
      assert.equal(rig.ledger.settled.length, sent);
      assert.equal(rig.queue.running, 0);
    }),
    { numRuns: 100 },
  );
});
