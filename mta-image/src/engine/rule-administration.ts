/** What the admin API may ask about scheduling, over the queue's rules. Thin: nothing is decided here. */
import type { Clock } from "#base/clock.ts";
import type {
  Explanations,
  PolicyAdd,
  PolicyList,
  QuotaAdd,
  QuotaList,
  ReactionList,
  ReactionSet,
  ShareOrder,
  ShareState,
  SuspensionAdd,
  SuspensionList,
} from "#contract/rules-api.ts";
import type { SessionTraceView } from "#contract/trace-api.ts";

import type { RuleDoor } from "../admin/rule-routes.ts";
import { type KeptShare, type SharePlace, readShare, wholeShare, writeShare } from "../config/shares.ts";
import { entryId } from "../queue/entry.ts";
import type { Explanation } from "../queue/explain.ts";
import { limitsOf } from "../queue/policy.ts";
import type { Queue } from "../queue/queue.ts";
import type { Learned } from "../queue/reactions.ts";
import type { QuotaCount } from "../queue/quotas.ts";
import type { DynamicPolicy } from "../queue/rulebook.ts";

export class RuleAdministration implements RuleDoor {
  readonly #queue: Queue;
  readonly #clock: Clock;
  readonly #place: SharePlace;
  readonly #samplesOf: (messageId: string) => SessionTraceView[];
  #share = wholeShare;
  /** Orders are taken one after the other. */
  #sharing: Promise<unknown> = Promise.resolve();

  constructor(
    queue: Queue,
    options: {
      readonly clock: Clock;
      /** Where the share is kept. */
      readonly place: SharePlace;
      readonly samplesOf: (messageId: string) => SessionTraceView[];
    },
  ) {
    this.#queue = queue;
    this.#clock = options.clock;
    this.#place = options.place;
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

  reactions(): ReactionList {
    const { reactions } = this.#queue;
    const active = reactions.active();
    const describe = (learned: Learned): ReactionList["reactions"][number]["active"][number] => ({
      rule: learned.ruleId,
      if: learned.match,
      reply: learned.reply,
      since: this.#wallClock(learned.since),
      endsAt: this.#wallClock(learned.endsAt),
    });
    return {
      reactions: reactions.ids().map((id) => {
        const mine = active.filter(({ reaction }) => reaction.config.id === id);
        const count = reactions.counters.get(id) ?? 0;
        return { id, count, active: mine.slice(0, SHOWN_COUNTS).map(describe) };
      }),
    };
  }

  setReaction(id: string, { facts, ttl }: ReactionSet): boolean {
    return this.#queue.reactions.set(id, facts, ttl === undefined ? null : ttl * 1000);
  }

  clearReaction(id: string): number {
    return this.#queue.reactions.clear(id);
  }

  shares(): ShareState {
    const { held, isStarved } = this.#queue.rulebook;
    return { ...this.#share, held, isStarved };
  }

  setShares(order: ShareOrder): Promise<boolean> {
    const taken = this.#sharing.then(() => this.#takeShare(order));
    this.#sharing = taken.catch(() => undefined);
    return taken;
  }

  async #takeShare({ after, ...share }: ShareOrder): Promise<boolean> {
    const { version } = this.#share;
    if (after !== undefined && after !== version) return false;
    const kept = { ...share, version: version + 1 };
    await writeShare(this.#place, kept);
    this.#useShare(kept);
    return true;
  }

  /** As it was kept, and as if it were gained now: what this engine used of rates before it started is not known. */
  async beginShare(): Promise<void> {
    this.#useShare(this.#place.initial);
    this.#useShare(await readShare(this.#place));
  }

  #useShare(share: KeptShare): void {
    this.#share = share;
    const place = share.place === undefined ? null : (share.place ?? "none");
    this.#queue.rulebook.divide({ ...share.shares, place });
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
    delayNotices: entry.delayNotices,
    obstacles: obstacles.map(({ until, ...obstacle }) => ({
      ...obstacle,
      until: until === null ? null : new Date(until).toISOString(),
    })),
  };
}
