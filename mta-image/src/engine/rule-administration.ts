/** What the admin API may ask about scheduling, over the queue's rules. Thin: nothing is decided here. */
import type { Clock } from "#base/clock.ts";
import type {
  Explanations,
  PolicyAdd,
  PolicyList,
  QuotaAdd,
  QuotaList,
  Shares,
  SuspensionAdd,
  SuspensionList,
} from "#contract/rules-api.ts";
import type { SessionTraceView } from "#contract/trace-api.ts";

import type { RuleDoor } from "../admin/rule-routes.ts";
import { wholeShare, writeShares } from "../config/shares.ts";
import { entryId } from "../queue/entry.ts";
import type { Explanation } from "../queue/explain.ts";
import { limitsOf } from "../queue/policy.ts";
import type { Queue } from "../queue/queue.ts";
import type { QuotaCount } from "../queue/quotas.ts";
import type { DynamicPolicy } from "../queue/rulebook.ts";

export class RuleAdministration implements RuleDoor {
  readonly #queue: Queue;
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #samplesOf: (messageId: string) => SessionTraceView[];
  #shares = wholeShare;

  constructor(
    queue: Queue,
    options: {
      readonly clock: Clock;
      readonly folder: string;
      readonly samplesOf: (messageId: string) => SessionTraceView[];
    },
  ) {
    this.#queue = queue;
    this.#clock = options.clock;
    this.#folder = options.folder;
    this.#samplesOf = options.samplesOf;
  }

  policies(): PolicyList {
    return { policies: [...this.#queue.rulebook.policies].map((policy) => this.#describe(policy)) };
  }

  addPolicy(id: string, { fields, if: match, algorithm, ttl, ...limits }: PolicyAdd): boolean {
    return this.#queue.rules.addPolicy({
      id,
      type: "dynamic",
      origin: "api",
      fields,
      match,
      limits: limitsOf(limits, algorithm),
      ttlMs: ttl * 1000,
    });
  }

  deletePolicy(id: string): boolean {
    return this.#queue.rules.deletePolicy(id);
  }

  suspensions(): SuspensionList {
    const suspensions = this.#queue.rulebook.suspensions.map(
      ({ facts: { id, origin, match, tag, endsAt } }) => ({
        id,
        origin,
        if: match,
        tag,
        endsAt: this.#wallClock(endsAt),
      }),
    );
    return { suspensions };
  }

  suspend(id: string, { if: match, tag, properties, ttl }: SuspensionAdd): boolean {
    return this.#queue.rules.suspend({
      id,
      origin: "api",
      match,
      tag: tag ?? null,
      properties,
      ttlMs: ttl * 1000,
    });
  }

  unsuspend(id: string): boolean {
    return this.#queue.rules.unsuspend(id);
  }

  quotas(): QuotaList {
    const quotas = this.#queue.quotas.list().map(({ order, endsAt, refused, counts }) => ({
      id: order.id,
      origin: order.origin,
      fields: [...order.fields],
      refused,
      counts: fullest([...counts.values()]),
      endsAt: this.#wallClock(endsAt),
    }));
    return { quotas };
  }

  addQuota(id: string, { fields, if: match, recipients, ttl }: QuotaAdd): boolean {
    const conditions = [{ if: match, limits: { recipients } }];
    return this.#queue.quotas.add({
      id,
      origin: "api",
      fields,
      conditions,
      fallback: null,
      ttlMs: ttl * 1000,
    });
  }

  deleteQuota(id: string): boolean {
    return this.#queue.quotas.delete(id);
  }

  shares(): Shares {
    return this.#shares;
  }

  async setShares(shares: Shares): Promise<Shares> {
    await writeShares(this.#folder, shares);
    this.useShares(shares);
    return shares;
  }

  /** Takes them as they were kept. */
  useShares(shares: Shares): void {
    this.#shares = shares;
    this.#queue.rulebook.divide(shares.shares.n / shares.shares.of);
  }

  explain(messageId: string, recipient: number | null): Explanations {
    const entries = this.#queue
      .find(messageId)
      .filter((entry) => recipient === null || entry.recipient === recipient)
      .slice(0, 1000);
    return {
      entries: entries.map((entry) => describeExplanation(this.#queue.explain(entry))),
      traces: entries.length === 0 ? [] : this.#samplesOf(messageId),
    };
  }

  #describe({ order, endsAt }: DynamicPolicy): PolicyList["policies"][number] {
    const { id, type, origin, fields, match, limits } = order;
    const { concurrency, rate, connectIntervalMs, tag, stop, cluster } = limits;
    return {
      id,
      type,
      origin,
      fields: [...fields],
      if: match,
      concurrency: concurrency === Number.POSITIVE_INFINITY ? null : concurrency,
      rate: rate && { tokens: rate.tokens, seconds: rate.intervalMs / 1000, algorithm: rate.algorithm },
      connectinterval: connectIntervalMs / 1000,
      tag,
      stop,
      cluster,
      endsAt: this.#wallClock(endsAt),
    };
  }

  #wallClock(monotonic: number): string | null {
    if (monotonic === Number.POSITIVE_INFINITY) return null;
    return new Date(this.#clock.now() + monotonic - this.#clock.monotonic()).toISOString();
  }
}

const SHOWN_COUNTS = 100;

function fullest(counts: readonly QuotaCount[]): QuotaList["quotas"][number]["counts"] {
  return counts
    .map(({ values, used, limit }) => ({ values: [...values], used, limit }))
    .sort((a, b) => b.used / b.limit - a.used / a.limit)
    .slice(0, SHOWN_COUNTS);
}

function describeExplanation({ entry, reason, obstacles }: Explanation): Explanations["entries"][number] {
  return {
    id: entryId(entry),
    recipient: entry.message.envelope.recipients[entry.recipient] ?? "",
    reason,
    attempts: entry.attempts,
    dueAt: new Date(entry.dueAt).toISOString(),
    lastReply: entry.lastReply,
    obstacles: obstacles.map(({ until, ...obstacle }) => ({
      ...obstacle,
      until: until === null ? null : new Date(until).toISOString(),
    })),
  };
}
