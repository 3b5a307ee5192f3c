/**
 * What one combination of facts has used of its policy: attempts under way, tokens of the interval, the time of the
 * next connection. Counts outlive a change of the limits. Times are monotonic milliseconds. Never fails.
 */
import type { Limits, Policy } from "./policy.ts";
import { type RateUse, available, take, usedAt, waitFor } from "./rate.ts";
import { Blocker } from "./waiting-room.ts";

export class Counter extends Blocker {
  readonly key: string;
  readonly policy: Policy;
  /** As the policy says, and the share of this engine. */
  whole: Limits;
  limits: Limits;
  running = 0;
  #connectAt = 0;
  readonly #use: RateUse = { at: 0, used: 0 };

  constructor(key: string, policy: Policy, limits: { readonly whole: Limits; readonly share: Limits }) {
    super();
    this.key = key;
    this.policy = policy;
    this.whole = limits.whole;
    this.limits = limits.share;
  }

  wait(now: number): number {
    if (this.running >= this.limits.concurrency) return Number.POSITIVE_INFINITY;
    return this.limits.rate === null ? 0 : waitFor(this.limits.rate, this.#use, now);
  }

  /** Recipients that an attempt may have now. */
  room(now: number): number {
    if (this.running >= this.limits.concurrency) return 0;
    return this.limits.rate === null ? Number.POSITIVE_INFINITY : available(this.limits.rate, this.#use, now);
  }

  start(now: number, recipients: number): void {
    this.running++;
    if (this.limits.rate !== null) take(this.limits.rate, this.#use, now, recipients);
  }

  end(): void {
    this.running--;
  }

  /** Of the whole limit of a cluster, what is under way, when that is more than this engine's part of it; else 0. */
  get overhang(): number {
    const isOver = this.whole.cluster && this.running > this.limits.concurrency;
    return isOver ? this.running / this.whole.concurrency : 0;
  }

  connectWait(now: number): number {
    return Math.max(0, this.#connectAt - now);
  }

  connected(now: number): void {
    this.#connectAt = now + this.limits.connectIntervalMs;
  }

  /** Nothing is lost when it is forgotten and made anew. */
  isIdle(now: number): boolean {
    if (this.running > 0 || this.isWaitedFor || this.#connectAt > now) return false;
    return this.limits.rate === null || usedAt(this.limits.rate, this.#use, now) === 0;
  }

  used(now: number): number {
    return this.limits.rate === null ? 0 : usedAt(this.limits.rate, this.#use, now);
  }
}
