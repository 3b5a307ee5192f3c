/**
 * Quotas: how many recipients may be queued at once, for each combination of the facts that a quota counts by. Lines
 * are counted, not entries, so a quota costs nothing per recipient; without quotas nothing is counted at all. Intake
 * reserves before it stores, so that clients that come at the same moment do not pass together; mail that is made
 * here is counted and never refused. Quotas of the file are replaced by the next; those added while the engine runs
 * end with their time or the process. Bounded: one too many is refused with `false`.
 *
 * A quota says nothing of mail of which it misses a fact. Hosts are looked up with the first turn of a line, and from then
 * on its entries are counted, and new mail to that domain is measured.
 */
import type { Clock } from "#base/clock.ts";
import type { CountedField, QueueMatch } from "#contract/queue-fields.ts";

import type { Envelope } from "../message/envelope.ts";
import type { Facts } from "./matching.ts";
import { type Policy, applyPolicy, compilePolicy } from "./policy.ts";
import { NamedQuotas } from "./named-quotas.ts";
import { type KnownLine, QuotaFacts } from "./quota-facts.ts";
import type { Rulebook } from "./rulebook.ts";

export interface QuotaLimits {
  /** Recipients in the queue. */
  readonly recipients: number;
}

export interface QuotaOrder {
  readonly id: string;
  /** "config" or who gave it. */
  readonly origin: string;
  readonly fields: readonly CountedField[];
  readonly conditions: readonly { readonly if: QueueMatch; readonly limits: QuotaLimits }[];
  readonly fallback: QuotaLimits | null;
  /** 0: no end. */
  readonly ttlMs: number;
}

export interface Quota {
  readonly order: QuotaOrder;
  readonly policy: Policy<QuotaLimits>;
  /** Monotonic milliseconds. */
  readonly endsAt: number;
  /** Messages refused since it came. */
  refused: number;
  readonly counts: Map<string, QuotaCount>;
}

/** What is queued of one combination. */
export interface QuotaCount {
  readonly quota: Quota;
  readonly key: string;
  /** The facts that it stands for, in the order of the quota's fields. */
  readonly values: readonly string[];
  limit: number;
  used: number;
}

/** What a line is counted with. */
export interface CountedLine extends KnownLine {
  readonly entries: number;
  quotas: readonly QuotaCount[];
}

/** Ends once. */
export type Reservation =
  | { readonly kind: "reserved"; readonly release: () => void }
  | { readonly kind: "full"; readonly id: string };

const MOST_QUOTAS = 10_000;
const nothing: Reservation = { kind: "reserved", release: () => {} };
const uncounted: readonly QuotaCount[] = [];
/** They are never "" once they are known. */
const ofTheWay: readonly (keyof Facts)[] = ["localip", "grouping", "remoteip", "remotemx"];
const ofHosts = ofTheWay.filter((field) => field !== "localip");

export class Quotas {
  /** Under names of scripts, which bound nothing. */
  readonly named = new NamedQuotas();
  readonly #clock: Clock;
  readonly #rulebook: Rulebook;
  readonly #facts: QuotaFacts;
  #watched = "";
  readonly #lines: () => Iterable<CountedLine>;
  #fromFile = new Map<string, Quota>();
  readonly #added = new Map<string, Quota>();
  #all: readonly Quota[] = [];
  refused = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly rulebook: Rulebook;
    /** Source addresses of a transport. */
    readonly sourcesFor: (transportId: string) => readonly string[];
    readonly lines: () => Iterable<CountedLine>;
  }) {
    this.#clock = options.clock;
    const { rulebook, sourcesFor } = options;
    this.#rulebook = rulebook;
    this.#facts = new QuotaFacts({ grouping: () => rulebook.grouping, sourcesFor });
    this.#lines = options.lines;
  }

  /** Every quota in force, the file's first. */
  list(): readonly Quota[] {
    const now = this.#clock.monotonic();
    for (const [id, quota] of this.#added) if (quota.endsAt <= now) this.#added.delete(id);
    if (this.#all.length !== this.#fromFile.size + this.#added.size) this.#recount();
    return this.#all;
  }

  configure(orders: readonly QuotaOrder[]): void {
    const before = this.#fromFile;
    this.#fromFile = new Map(orders.map((order) => [order.id, this.#compile(order, before.get(order.id))]));
    this.#recount();
  }

  add(order: QuotaOrder): boolean {
    const known = this.#added.get(order.id);
    if (known === undefined && this.list().length >= MOST_QUOTAS) return false;
    this.#added.set(order.id, this.#compile(order, known));
    this.#recount();
    return true;
  }

  delete(id: string): boolean {
    const isKnown = this.#added.delete(id);
    if (isKnown) this.#recount();
    return isKnown;
  }

  /** Recipients that are queued under a quota; null when there is none of that name. */
  usedBy(id: string): number | null {
    const found = this.list().filter(({ order }) => order.id === id);
    if (found.length === 0) return null;
    return Math.max(
      ...found.map(({ counts }) => [...counts.values()].reduce((sum, { used }) => sum + used, 0)),
    );
  }

  /** A new line: from now on its entries are counted. */
  follow(line: CountedLine): void {
    line.quotas = this.#isEmpty ? uncounted : this.#countsFor(this.#facts.ofLine(line));
  }

  /** The hosts of a line have been looked up, maybe anew. */
  located(line: CountedLine): void {
    if (this.#watched === "") return;
    const before = line.quotas;
    this.follow(line);
    for (const count of line.quotas) count.used += line.entries;
    for (const count of before) leave(count, line.entries);
  }

  /** Room for a message, or the quota that has none. What is reserved counts until it is released. */
  reserve(envelope: Envelope): Reservation {
    if (this.#isEmpty) return nothing;
    const wanted = new Map<QuotaCount, number>();
    for (const recipient of envelope.recipients) {
      for (const count of this.#countsFor(this.#facts.ofMail(envelope, recipient)))
        wanted.set(count, (wanted.get(count) ?? 0) + 1);
    }
    const now = this.#clock.monotonic();
    for (const [{ used, limit, quota }, more] of wanted) {
      if (used + more <= limit || quota.endsAt <= now) continue;
      quota.refused++;
      this.refused++;
      for (const count of wanted.keys()) forgetIdle(count);
      return { kind: "full", id: quota.order.id };
    }
    for (const [count, more] of wanted) count.used += more;
    let isOver = false;
    const release = (): void => {
      if (isOver) return;
      isOver = true;
      for (const [count, more] of wanted) leave(count, more);
    };
    return { kind: "reserved", release };
  }

  get #isEmpty(): boolean {
    return this.#all.length === 0;
  }

  #compile(order: QuotaOrder, before: Quota | undefined): Quota {
    const { id, fields, conditions, fallback, ttlMs } = order;
    const policy = compilePolicy({ id, type: "config", fields, conditions, fallback }, (field, name) =>
      this.#rulebook.lists.find(field, name),
    );
    const endsAt = ttlMs === 0 ? Number.POSITIVE_INFINITY : this.#clock.monotonic() + ttlMs;
    return { order, policy, endsAt, refused: before?.refused ?? 0, counts: new Map() };
  }

  /** Rules have changed: what is queued is counted anew, line by line. What is reserved just now is not. */
  #recount(): void {
    this.#all = [...this.#fromFile.values(), ...this.#added.values()];
    for (const quota of this.#all) quota.counts.clear();
    this.#watchHosts();
    for (const line of this.#lines()) {
      this.follow(line);
      for (const count of line.quotas) count.used += line.entries;
    }
  }

  /** Lines are located for rules that look at hosts alone. */
  #watchHosts(): void {
    const fields = ofHosts.filter((field) => this.#all.some(({ policy }) => policy.mentions.includes(field)));
    if (fields.join(" ") === this.#watched) return;
    this.#watched = fields.join(" ");
    this.#rulebook.watch("quotas", fields);
  }

  #countsFor(facts: Facts): QuotaCount[] {
    return this.#all.flatMap((quota) => {
      const isMissing = (field: keyof Facts): boolean => facts[field] === "" && ofTheWay.includes(field);
      const applied = quota.policy.mentions.some(isMissing) ? null : applyPolicy(quota.policy, facts);
      if (applied === null) return [];
      const { key, limits } = applied;
      let count = quota.counts.get(key);
      if (count === undefined) {
        const values = quota.policy.counted.map(({ field, rollUp }) => rollUp(facts[field]));
        count = { quota, key, values, limit: limits.recipients, used: 0 };
        quota.counts.set(key, count);
      }
      return [count];
    });
  }
}

/** Entries of a line have gone, or a reservation has ended. */
export function leave(count: QuotaCount, entries: number): void {
  count.used = Math.max(0, count.used - entries);
  forgetIdle(count);
}

/** Combinations come from strangers (domains): those that hold nothing cost nothing. */
function forgetIdle(count: QuotaCount): void {
  const { counts } = count.quota;
  // One of before a change is not in the list any more, but may have a successor there.
  if (count.used === 0 && counts.get(count.key) === count) counts.delete(count.key);
}
