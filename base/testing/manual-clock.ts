/** A Clock that stands still until a test advances it; due timers fire in order of time, then of creation. */
import type { Clock, Timer } from "../clock.ts";

export class ManualClock implements Clock {
  #now: number;
  /** How far the wall clock was set. */
  #offset = 0;
  #order = 0;
  #timers: { at: number; order: number; callback: () => void }[] = [];

  constructor(startMs = 1_800_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now + this.#offset;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { at: this.#now + Math.max(delayMs, 0), order: this.#order++, callback };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** Moves time on by `ms`, firing what falls due on the way. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers
        .filter((timer) => timer.at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** Somebody sets the wall clock by so much; timers and the monotonic clock go on. */
  setWall(ms: number): void {
    this.#offset += ms;
  }

  /** When the next timer is due, or null: lets a test say "nothing is planned". */
  nextAt(): number | null {
    return this.#timers.reduce<number | null>(
      (min, timer) => (min === null || timer.at < min ? timer.at : min),
      null,
    );
  }
}
