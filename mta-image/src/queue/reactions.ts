/**
 * Learns from replies: what was said about a source and a destination becomes, for a time, a suspension or a policy of
 * type `backoff`, so that waiting, explaining and taking back are those of all rules. The dispatcher tells each attempt's
 * outcomes; administrators set and clear by hand. Bounded: beyond `MOST_COMBINATIONS` those without a rule that are
 * quiet for longest are forgotten. Lives as long as the process. Never fails.
 */
import type { Clock } from "#base/clock.ts";
import type { ReactionConfig } from "#contract/reactions-config.ts";

import type { Outcome } from "./courier.ts";
import type { DynamicRules } from "./dynamic-rules.ts";
import type { Facts } from "./matching.ts";
import { limitsOf } from "./policy.ts";
import { type Reaction, combinationOf, compileReaction } from "./reaction.ts";
import type { Classify } from "./reply-class.ts";
import type { Rulebook } from "./rulebook.ts";

export interface ReactionsOptions {
  readonly clock: Clock;
  readonly rules: DynamicRules;
  readonly rulebook: Rulebook;
}

/** What is known of one combination; times are monotonic. */
export interface Learned {
  readonly reaction: Reaction;
  readonly match: NonNullable<ReturnType<typeof combinationOf>>;
  /** Of the rule that was made. */
  readonly ruleId: string;
  hits: number[];
  /** 0: no rule is in force. */
  endsAt: number;
  since: number;
  reply: string;
}

const MOST_COMBINATIONS = 20_000;

export class Reactions {
  readonly #options: ReactionsOptions;
  #reactions: readonly Reaction[] = [];
  /** In order of last use. */
  readonly #learned = new Map<string, Learned>();
  /** How often each came into force, by id. */
  readonly counters = new Map<string, number>();

  constructor(options: ReactionsOptions) {
    this.#options = options;
  }

  get isListening(): boolean {
    return this.#reactions.length > 0;
  }

  /** What is learned by reactions that stay as they are is kept; the rules of all others end. */
  configure(configs: readonly ReactionConfig[], classify: Classify): void {
    const { rulebook } = this.#options;
    const before = new Map(this.#reactions.map(({ config }) => [config.id, JSON.stringify(config)]));
    const kept = configs.filter((config) => before.get(config.id) === JSON.stringify(config));
    for (const learned of this.#learned.values())
      if (!kept.some(({ id }) => id === learned.reaction.config.id)) this.#end(learned);
    this.#reactions = configs.map((config) =>
      compileReaction(config, (field, name) => rulebook.lists.find(field, name), classify),
    );
    rulebook.watch(
      "reactions",
      configs.flatMap(({ if: match, per }) => [...(Object.keys(match) as (keyof Facts)[]), ...per]),
    );
    for (const { id } of configs) this.counters.set(id, this.counters.get(id) ?? 0);
  }

  /** What became of one attempt. */
  hear(facts: Facts, outcomes: readonly Outcome[]): void {
    const isDelivered = outcomes.some(({ kind }) => kind === "delivered");
    for (const reaction of this.#reactions) {
      if (!reaction.matcher.matches(facts)) continue;
      const hit = outcomes.find((outcome) => reaction.counts(outcome, facts));
      if (hit !== undefined) this.#hit(reaction, facts, hit.reply);
      else if (isDelivered && reaction.config.action.untildelivered) this.#calm(reaction, facts);
    }
  }

  /** How long mail that is put off now waits for its next attempt; null: as its schedule says. */
  retryAfter(facts: Facts): number | null {
    const now = this.#options.clock.monotonic();
    for (const reaction of this.#reactions) {
      const { per, action } = reaction.config;
      const match = action.retry === undefined ? null : combinationOf(per, facts);
      const learned = match === null ? undefined : this.#learned.get(ruleIdOf(reaction, match));
      if (learned !== undefined && learned.endsAt > now) return action.retry ?? null;
    }
    return null;
  }

  /** As though the replies had come. False: there is no such reaction, or a fact that it goes by is missing. */
  set(id: string, facts: Partial<Facts>, ttlMs: number | null): boolean {
    const reaction = this.#reactions.find(({ config }) => config.id === id);
    const learned = reaction === undefined ? null : this.#learn(reaction, facts);
    if (learned === null) return false;
    this.#begin(learned, "set by an administrator", ttlMs ?? learned.reaction.config.action.for);
    return true;
  }

  /** Ends all that a reaction has made; how many that were. */
  clear(id: string): number {
    const mine = this.active().filter(({ reaction }) => reaction.config.id === id);
    for (const learned of mine) this.#end(learned);
    return mine.length;
  }

  /** What is in force. */
  active(): readonly Learned[] {
    const now = this.#options.clock.monotonic();
    return [...this.#learned.values()].filter(({ endsAt }) => endsAt > now);
  }

  ids(): readonly string[] {
    return this.#reactions.map(({ config }) => config.id);
  }

  #hit(reaction: Reaction, facts: Facts, reply: string): void {
    const learned = this.#learn(reaction, facts);
    if (learned === null) return;
    const { after, action } = reaction.config;
    const now = this.#options.clock.monotonic();
    const isActive = learned.endsAt > now;
    learned.hits = [...learned.hits, now].filter((at) => at > now - after.within).slice(-after.count);
    if (isActive || learned.hits.length >= after.count) this.#begin(learned, reply, action.for);
  }

  #calm(reaction: Reaction, facts: Facts): void {
    const match = combinationOf(reaction.config.per, facts);
    const learned = match === null ? undefined : this.#learned.get(ruleIdOf(reaction, match));
    if (learned !== undefined) this.#end(learned);
  }

  #learn(reaction: Reaction, facts: Partial<Facts>): Learned | null {
    const match = combinationOf(reaction.config.per, facts);
    if (match === null) return null;
    const ruleId = ruleIdOf(reaction, match);
    const known = this.#learned.get(ruleId);
    const learned = known ?? { reaction, match, ruleId, hits: [], endsAt: 0, since: 0, reply: "" };
    this.#learned.delete(ruleId);
    this.#learned.set(ruleId, learned);
    this.#forgetQuiet();
    return learned;
  }

  #begin(learned: Learned, reply: string, forMs: number): void {
    const { rules, clock } = this.#options;
    const { reaction, match, ruleId: id } = learned;
    const { id: tag, per, action } = reaction.config;
    const now = clock.monotonic();
    if (learned.endsAt <= now) {
      learned.since = now;
      this.counters.set(tag, (this.counters.get(tag) ?? 0) + 1);
    }
    learned.endsAt = now + forMs;
    learned.reply = reply;
    const common = { id, origin: "reaction", match, ttlMs: forMs };
    const properties = { reply };
    const { concurrency, rate, connectinterval } = action;
    const limits = { concurrency, rate, connectinterval, tag, properties, stop: false, cluster: false };
    const isTaken = action.suspend
      ? rules.suspend({ ...common, tag, properties })
      : rules.addPolicy({ ...common, type: "backoff", fields: per, limits: limitsOf(limits, "tokenbucket") });
    // There are too many rules already: the next reply tries again.
    if (!isTaken) learned.endsAt = 0;
  }

  #end({ reaction, ruleId }: Learned): void {
    const { rules } = this.#options;
    this.#learned.delete(ruleId);
    if (reaction.config.action.suspend) rules.unsuspend(ruleId);
    else rules.deletePolicy(ruleId);
  }

  #forgetQuiet(): void {
    if (this.#learned.size <= MOST_COMBINATIONS) return;
    const now = this.#options.clock.monotonic();
    for (const [key, { endsAt }] of this.#learned) {
      if (endsAt > now && this.#learned.size <= 2 * MOST_COMBINATIONS) continue;
      this.#learned.delete(key);
      return;
    }
  }
}

function ruleIdOf({ config }: Reaction, match: Learned["match"]): string {
  return [config.id, ...Object.values(match)].join(" ");
}
