/**
 * Deadlines of all connections from one timer that ticks once a second while anything is watched: setting a
 * deadline on the mail path is one assignment. Deadlines are kept no more exactly than a tick, and never early.
 * An `expire` that throws is a bug and ends the process like any other.
 */
import type { Clock } from "#base/clock.ts";

export interface Expiring {
  /** On the scale of Deadlines.in(); Infinity for none. */
  expiresAt: number;
  /** Called at most once a tick while overdue; should stop being watched. */
  expire(): void;
}

const TICK_MS = 1000;

export class Deadlines {
  readonly #clock: Clock;
  readonly #watched = new Set<Expiring>();
  #now: number;
  #isTicking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#now = clock.monotonic();
  }

  get size(): number {
    return this.#watched.size;
  }

  /** The instant `delayMs` from now; the clock as read at the last tick, so one tick is added. */
  in(delayMs: number): number {
    return this.#now + delayMs + TICK_MS;
  }

  /** The instant of the last tick. */
  get now(): number {
    return this.#now;
  }

  watch(item: Expiring): void {
    if (!this.#isTicking) this.#now = this.#clock.monotonic();
    this.#watched.add(item);
    if (!this.#isTicking) this.#plan();
  }

  unwatch(item: Expiring): void {
    this.#watched.delete(item);
  }

  /** Everything that is watched, for a shutdown that cannot wait. */
  get watched(): readonly Expiring[] {
    return [...this.#watched];
  }

  #plan(): void {
    this.#isTicking = this.#watched.size > 0;
    if (this.#isTicking) this.#clock.after(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    this.#now = this.#clock.monotonic();
    for (const item of [...this.#watched]) {
      if (item.expiresAt <= this.#now && this.#watched.has(item)) item.expire();
    }
    this.#plan();
  }
}
