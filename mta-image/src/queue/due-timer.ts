/**
 * Wakes entries when their time has come: the due heap and one timer, for the earliest of them. Due times are
 * wall-clock, so the timer looks at least once a minute: a clock that was set forward is noticed then, and one
 * that was set back only makes us look too early. Never fails.
 */
import type { Clock, Timer } from "#base/clock.ts";

import { DueHeap } from "./due-heap.ts";
import type { Entry } from "./entry.ts";

const LOOK_AT_LEAST_MS = 60_000;

export class DueTimer {
  readonly #clock: Clock;
  readonly #onDue: (entries: readonly Entry[]) => void;
  readonly #heap = new DueHeap();
  #timer: { readonly at: number; readonly timer: Timer } | null = null;
  #isClosed = false;

  constructor(clock: Clock, onDue: (entries: readonly Entry[]) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** When the first is due; null: nobody waits. */
  get nextAt(): number | null {
    return this.#heap.peek()?.dueAt ?? null;
  }

  add(entry: Entry): void {
    this.#heap.add(entry);
    this.#plan();
  }

  /** Does nothing for an entry that is not waiting here. */
  remove(entry: Entry): void {
    this.#heap.remove(entry);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.timer.cancel();
  }

  #plan(): void {
    const next = this.#heap.peek();
    if (next === undefined || this.#isClosed) return;
    const now = this.#clock.now();
    const at = Math.min(next.dueAt, now + LOOK_AT_LEAST_MS);
    if (this.#timer !== null && this.#timer.at <= at) return;
    this.#timer?.timer.cancel();
    this.#timer = { at, timer: this.#clock.after(at - now, () => this.#look()) };
  }

  #look(): void {
    this.#timer = null;
    const now = this.#clock.now();
    const due: Entry[] = [];
    for (let next = this.#heap.peek(); next !== undefined && next.dueAt <= now; next = this.#heap.peek()) {
      this.#heap.remove(next);
      due.push(next);
    }
    this.#plan();
    if (due.length > 0) this.#onDue(due);
  }
}
