/**
 * Every policy and suspension in force: those of the configuration and those that administrators, scripts and
 * plugins add for a time. It says what holds for given facts and keeps the counters. Rules that are added take effect
 * at the next turn; whoever waited for one that went, or grew wider, is woken through `waiting`.
 *
 * Order: dynamic policies as they came, then those of the file. All that match count, so a dynamic policy can only
 * narrow what the file allows, unless it says `stop`. Bounded: what is over the bound is refused with `false`.
 */
import type { Clock, Timer } from "#base/clock.ts";
import type { CountedField, QueueField, QueueMatch } from "#contract/queue-fields.ts";

import { Counter } from "./counter.ts";
import { Division, type Share } from "./division.ts";
import { type GroupingTable, compileGrouping, noGroupings } from "./grouping.ts";
import { NamedLists } from "./lists.ts";
import type { Facts } from "./matching.ts";
import { type Limits, type Policy, type PolicyType, applyPolicies, limitsUnder } from "./policy.ts";
import { RuleIndex } from "./rule-index.ts";
import { Suspension, type SuspensionFacts } from "./suspension.ts";
import type { WaitingRoom } from "./waiting-room.ts";

/** A policy that was added while the engine runs. */
export interface DynamicPolicy {
  readonly policy: Policy;
  readonly matcher: Policy["branches"][number]["matcher"];
  /** As it was given, for whoever lists or changes it. */
  readonly order: PolicyOrder;
  /** Monotonic milliseconds; Infinity: no end. */
  readonly endsAt: number;
}

export interface PolicyOrder {
  readonly id: string;
  readonly type: Exclude<PolicyType, "config">;
  /** Who gave it: "api" or a plugin's name. */
  readonly origin: string;
  readonly fields: readonly CountedField[];
  readonly match: QueueMatch;
  readonly limits: Limits;
  /** 0: no end. */
  readonly ttlMs: number;
}

/** What holds for some facts. */
export interface Judgement {
  readonly suspension: Suspension | null;
  readonly counters: readonly Counter[];
}

const MOST_RULES = 100_000;
const SWEEP_AT_LEAST = 1024;

export class Rulebook {
  readonly lists = new NamedLists();
  readonly waiting: WaitingRoom;
  /** Rolls domains up by who serves them. */
  grouping = compileGrouping(noGroupings);
  readonly #clock: Clock;
  /** Changes whenever an earlier judgement may be wrong. */
  version = 0;
  #fromFile: readonly Policy[] = [];
  readonly #policies = new Map<string, DynamicPolicy>();
  readonly #policyIndex = new RuleIndex<DynamicPolicy>();
  #suspensionsOfFile: readonly Suspension[] = [];
  readonly #suspensions = new Map<string, Suspension>();
  readonly #suspensionIndex = new RuleIndex<Suspension>();
  readonly #counters = new Map<string, Counter>();
  readonly #ends = new Map<string, Timer>();
  #sweepAt = SWEEP_AT_LEAST;
  readonly #division: Division;
  /** Fields that somebody wants to know of each attempt, though no rule looks at them, by who that is. */
  readonly #watched = new Map<string, readonly QueueField[]>();
  /** How many rules look at a field. */
  readonly #mentions = new Map<QueueField, number>();

  constructor(clock: Clock, waiting: WaitingRoom) {
    this.#clock = clock;
    this.#division = new Division(clock);
    this.waiting = waiting;
  }

  get isEmpty(): boolean {
    if (this.#watched.size > 0) return false;
    return this.#fromFile.length + this.#policies.size + this.#suspensionIndex.size === 0;
  }

  get policies(): Iterable<DynamicPolicy> {
    return this.#policies.values();
  }

  get suspensions(): readonly Suspension[] {
    return [...this.#suspensionsOfFile, ...this.#suspensions.values()];
  }

  get counters(): Iterable<Counter> {
    return this.#counters.values();
  }

  /** The share of this engine: 1 when it is alone. */
  get factor(): number {
    return this.#division.factor;
  }

  /** Of the whole: the share, or more while attempts are under way that began under a larger one. */
  get held(): number {
    let held = this.factor;
    for (const { overhang } of this.#counters.values()) held = Math.max(held, overhang);
    return Math.min(1, held);
  }

  /** Mail waits that may be tried only when what limits leave over has moved on to this engine. */
  get isStarved(): boolean {
    return this.factor > 0 && [...this.#counters.values()].some((counter) => counter.isStarved);
  }

  /** Whether any rule looks at one of these fields. */
  mentions(...fields: readonly QueueField[]): boolean {
    return fields.some((field) => (this.#mentions.get(field) ?? 0) > 0);
  }

  /** From now on these are known of each attempt, in place of those that `who` wanted before. */
  watch(who: string, fields: readonly QueueField[]): void {
    this.#mention(this.#watched.get(who) ?? [], -1);
    this.#watched.delete(who);
    if (fields.length > 0) this.#watched.set(who, fields);
    this.#mention(fields, 1);
    this.#changed();
  }

  /** Puts the rules of the files in place of those before. */
  configure(rules: {
    readonly policies: readonly Policy[];
    readonly suspensions: readonly Suspension[];
    readonly grouping: GroupingTable;
  }): void {
    this.grouping = compileGrouping(rules.grouping);
    for (const { mentions } of this.#fromFile) this.#mention(mentions, -1);
    for (const suspension of this.#suspensionsOfFile) this.#unlist(suspension);
    this.#respace(this.#fromFile, rules.policies);
    this.#fromFile = rules.policies;
    this.#suspensionsOfFile = rules.suspensions;
    for (const { mentions } of rules.policies) this.#mention(mentions, 1);
    for (const suspension of rules.suspensions) this.#list(suspension);
    this.#changed();
    this.waiting.wakeAll();
  }

  /** Replaces one with the same id; counts so far are kept as long as its fields and conditions are the same. */
  addPolicy(added: DynamicPolicy): boolean {
    const { id } = added.policy;
    const known = this.#policies.get(id);
    if (known === undefined && this.#policies.size >= MOST_RULES) return false;
    if (known !== undefined) {
      this.#mention(known.policy.mentions, -1);
      this.#respace([known.policy], [added.policy]);
    }
    this.#policies.set(id, added);
    this.#policyIndex.add(added, known);
    this.#mention(added.policy.mentions, 1);
    this.#planEnd(`policy ${id}`, added.endsAt, () => this.deletePolicy(id));
    this.#changed();
    this.#wakeFor(known === undefined ? [added] : [added, known]);
    return true;
  }

  findPolicy(id: string): DynamicPolicy | undefined {
    return this.#policies.get(id);
  }

  deletePolicy(id: string): boolean {
    const known = this.#policies.get(id);
    if (known === undefined) return false;
    this.#forget(known);
    this.#changed();
    this.#wakeFor([known]);
    return true;
  }

  suspend(facts: SuspensionFacts): boolean {
    const known = this.#suspensions.get(facts.id);
    if (known === undefined && this.#suspensions.size >= MOST_RULES) return false;
    const suspension = new Suspension(facts);
    if (known !== undefined) this.#unlist(known);
    this.#suspensions.set(facts.id, suspension);
    this.#list(suspension);
    this.#planEnd(`suspension ${facts.id}`, facts.endsAt, () => this.unsuspend(facts.id));
    this.#changed();
    if (known !== undefined) this.waiting.dissolve(known);
    return true;
  }

  /** Of those that came while the engine runs. */
  hasSuspension(id: string): boolean {
    return this.#suspensions.has(id);
  }

  unsuspend(id: string): boolean {
    const known = this.#suspensions.get(id);
    if (known === undefined) return false;
    this.#suspensions.delete(id);
    this.#unlist(known);
    this.#dropEnd(`suspension ${id}`);
    this.#changed();
    this.waiting.dissolve(known);
    return true;
  }

  /** From now on this engine has this part of every limit of the cluster. */
  divide(share: Share): void {
    this.#division.change(share);
    for (const counter of this.#counters.values()) counter.limit();
    this.#changed();
    this.waiting.wakeAll();
  }

  /** Conditions that name lists may match otherwise now. */
  listsChanged(): void {
    this.#changed();
    this.waiting.wakeAll();
  }

  judge(facts: Facts): Judgement {
    const suspension = this.#suspensionIndex.find(facts).find(({ matcher }) => matcher.matches(facts));
    const dynamic = this.#policyIndex.find(facts).map(({ policy }) => policy);
    const counters = applyPolicies([...dynamic, ...this.#fromFile], facts).map((applied) =>
      this.#counter(applied.key, applied.policy, applied.limits),
    );
    return { suspension: suspension ?? null, counters };
  }

  close(): void {
    for (const timer of this.#ends.values()) timer.cancel();
    this.waiting.close();
  }

  #counter(key: string, policy: Policy, whole: Limits): Counter {
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      this.#sweep();
      counter = new Counter(key, policy, whole, this.#division);
      this.#counters.set(key, counter);
    }
    counter.limit(whole);
    return counter;
  }

  /** Forgets counters that have nothing to remember; judgements that hold one are made again. */
  #sweep(): void {
    if (this.#counters.size < this.#sweepAt) return;
    const now = this.#clock.monotonic();
    for (const [key, counter] of this.#counters) if (counter.isIdle(now)) this.#counters.delete(key);
    this.#sweepAt = Math.max(SWEEP_AT_LEAST, this.#counters.size * 2);
    this.version++;
  }

  /** Attempts under way wait for a connection by the rules as they are now, not as they were when they began. */
  #respace(before: readonly Policy[], after: readonly Policy[]): void {
    if (!before.some(({ branches }) => branches.some(({ limits }) => limits.connectIntervalMs > 0))) return;
    for (const counter of this.#counters.values()) {
      const isConcerned = counter.limits.connectIntervalMs > 0 && limitsUnder(counter.key, before) !== null;
      if (isConcerned) counter.space(limitsUnder(counter.key, after)?.connectIntervalMs ?? 0);
    }
  }

  #changed(): void {
    this.version++;
  }

  /** Whom these policies held back may go now; one that stops may have hidden any other. */
  #wakeFor(changed: readonly DynamicPolicy[]): void {
    if (changed.some(({ policy }) => policy.branches.some(({ limits }) => limits.stop))) {
      return this.waiting.wakeAll();
    }
    const ids = new Set(changed.map(({ policy }) => policy.id));
    this.waiting.wakeAll((blocker) => blocker instanceof Counter && ids.has(blocker.policy.id));
  }

  #forget(known: DynamicPolicy): void {
    this.#policies.delete(known.policy.id);
    this.#policyIndex.delete(known);
    this.#mention(known.policy.mentions, -1);
    this.#respace([known.policy], []);
    this.#dropEnd(`policy ${known.policy.id}`);
  }

  #list(suspension: Suspension): void {
    this.#suspensionIndex.add(suspension);
    this.#mention(suspension.matcher.fields, 1);
  }

  #unlist(suspension: Suspension): void {
    this.#suspensionIndex.delete(suspension);
    this.#mention(suspension.matcher.fields, -1);
  }

  #mention(fields: readonly QueueField[], change: 1 | -1): void {
    for (const field of fields) this.#mentions.set(field, (this.#mentions.get(field) ?? 0) + change);
  }

  #planEnd(name: string, endsAt: number, end: () => void): void {
    this.#dropEnd(name);
    if (endsAt === Number.POSITIVE_INFINITY) return;
    const wait = endsAt - this.#clock.monotonic();
    // A timer cannot wait for longer than about 24 days: it looks again.
    const ring = (): void => {
      if (this.#clock.monotonic() >= endsAt) end();
      else this.#planEnd(name, endsAt, end);
    };
    this.#ends.set(name, this.#clock.after(wait, ring));
  }

  #dropEnd(name: string): void {
    this.#ends.get(name)?.cancel();
    this.#ends.delete(name);
  }
}
