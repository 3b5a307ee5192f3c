/**
 * What one combination of facts has used of its policy: attempts under way, tokens of the interval, the time of the
 * next connection. Counts outlive a change of the limits. Times are monotonic milliseconds. Never fails.
 */
import type { Division } from "./division.ts";
import type { Limits, Policy } from "./policy.ts";
import { type RateUse, available, take, usedAt, waitFor } from "./rate.ts";
import { Blocker } from "./waiting-room.ts";

export class Counter extends Blocker {
  readonly key: string;
  readonly policy: Policy;
  /** As the policy says. */
  #whole: Limits;
  /** The part of this engine. */
  #limits: Limits;
  running = 0;
  #connectedAt = Number.NEGATIVE_INFINITY;
  readonly #use: RateUse = { at: 0, used: 0 };
  readonly #division: Division;

  constructor(key: string, policy: Policy, whole: Limits, division: Division) {
    super();
    this.key = key;
    this.policy = policy;
    this.#division = division;
    this.#whole = whole;
    this.#limits = division.limitsOf(whole, key);
  }

  get limits(): Limits {
    return this.#limits;
  }

  /** Of the policy, after a change of it or of the division. */
  limit(whole = this.#whole): void {
    this.#whole = whole;
    this.#limits = this.#division.limitsOf(whole, this.key);
  }

  wait(now: number): number {
    if (this.running >= this.#limits.concurrency) return Number.POSITIVE_INFINITY;
    const { rate, cluster } = this.#whole;
    if (rate === null) return 0;
    return cluster ? this.#division.wait(rate, this.#use, now) : waitFor(rate, this.#use, now);
  }

  /** Recipients that an attempt may have now. */
  room(now: number): number {
    if (this.running >= this.#limits.concurrency) return 0;
    const { rate, cluster } = this.#whole;
    if (rate === null) return Number.POSITIVE_INFINITY;
    return cluster ? this.#division.room(rate, this.#use, now) : available(rate, this.#use, now);
  }

  start(now: number, recipients: number): void {
    this.running++;
    const { rate, cluster } = this.#whole;
    if (rate === null) return;
    if (cluster) this.#division.take(rate, this.#use, now, recipients);
    else take(rate, this.#use, now, recipients);
  }

  end(): void {
    this.running--;
  }

  /** Of the whole limit of a cluster, what is under way, when that is more than this engine's part of it for sure; else 0. */
  get overhang(): number {
    const { cluster, concurrency } = this.#whole;
    const isOver = cluster && this.running > this.#division.attemptsWithoutPlace(concurrency);
    return isOver ? this.running / concurrency : 0;
  }

  /** The engine has a part of its cluster's limits, or needs none. */
  get hasShare(): boolean {
    return this.#division.factor > 0;
  }

  /** Mail waits, and of the cluster's limit this engine has not even one attempt. */
  get isStarved(): boolean {
    return this.#limits.concurrency === 0 && this.#whole.concurrency > 0 && this.isWaitedFor;
  }

  connectWait(now: number): number {
    return Math.max(0, this.#connectAt - now, this.#division.connectWait(this.#whole, now));
  }

  connected(now: number): void {
    this.#connectedAt = now;
  }

  get #connectAt(): number {
    return this.#connectedAt + this.#limits.connectIntervalMs;
  }

  /** Of the policy as it is now; 0 when it is gone, or spaces nothing any more. */
  space(connectIntervalMs: number): void {
    this.limit({ ...this.#whole, connectIntervalMs });
  }

  /** Nothing is lost when it is forgotten and made anew. */
  isIdle(now: number): boolean {
    if (this.running > 0 || this.isWaitedFor || this.#connectAt > now) return false;
    return this.#limits.rate === null || usedAt(this.#limits.rate, this.#use, now) === 0;
  }

  used(now: number): number {
    return this.#limits.rate === null ? 0 : usedAt(this.#limits.rate, this.#use, now);
  }
}
