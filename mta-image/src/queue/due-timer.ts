/**
 * Wakes entries when their time has come: the due heap and one timer, for the earliest of them. Due times are
 * wall-clock, so the timer looks at least once a minute: a clock that was set forward is noticed then, and what is due by it
 * wakes. One that was set back takes the due times with it (wait-bounds.ts). Never fails.
 */
import type { Clock, Timer } from "#base/clock.ts";

import { DueHeap } from "./due-heap.ts";
import type { Entry } from "./entry.ts";
import { dueAfterSettingBack } from "./wait-bounds.ts";

const LOOK_AT_LEAST_MS = 60_000;
/** What a time service takes back in one step is nothing to wait for. */
const CORRECTION_MS = 1000;

export class DueTimer {
  readonly #clock: Clock;
  readonly #onDue: (entries: readonly Entry[]) => void;
  readonly #heap = new DueHeap();
  #timer: { readonly at: number; readonly timer: Timer } | null = null;
  #isClosed = false;
  /** How far the wall was before the monotonic clock at the last look. */
  #lead: number;

  constructor(clock: Clock, onDue: (entries: readonly Entry[]) => void) {
    this.#clock = clock;
    this.#lead = clock.now() - clock.monotonic();
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
    // First: its time is of the clock as it is now.
    this.#followClock();
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

  #followClock(): void {
    const now = this.#clock.now();
    const lead = now - this.#clock.monotonic();
    const back = this.#lead - lead;
    this.#lead = lead;
    if (back > CORRECTION_MS) this.#heap.retime((entry) => dueAfterSettingBack(entry, { now, back }));
  }

  #look(): void {
    this.#timer = null;
    this.#followClock();
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
