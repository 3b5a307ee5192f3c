/**
 * Wakes what waits when its time has come: the due heap and one timer, for the earliest of it. Due times are
 * wall-clock, so the timer looks at least once a minute: a clock that was set forward is noticed then, and what is due by it
 * wakes. Whoever waits says what becomes of due times when it was set back. Never fails.
 */
import type { Clock, Timer } from "#base/clock.ts";

import { DueHeap, type Timed } from "./due-heap.ts";

export interface DueTimerOptions<T extends Timed> {
  readonly onDue: (due: readonly T[]) => void;
  /** The due time after the clock was set back by `back` ms, to `now`. */
  readonly afterSettingBack: (waiting: T, by: { readonly now: number; readonly back: number }) => number;
}

const LOOK_AT_LEAST_MS = 60_000;
/** What a time service takes back in one step is nothing to wait for. */
const CORRECTION_MS = 1000;

export class DueTimer<T extends Timed> {
  readonly #clock: Clock;
  readonly #options: DueTimerOptions<T>;
  readonly #heap = new DueHeap<T>();
  #timer: { readonly at: number; readonly timer: Timer } | null = null;
  #isClosed = false;
  /** How far the wall was before the monotonic clock at the last look. */
  #lead: number;

  constructor(clock: Clock, options: DueTimerOptions<T>) {
    this.#clock = clock;
    this.#lead = clock.now() - clock.monotonic();
    this.#options = options;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** When the first is due; null: nobody waits. */
  get nextAt(): number | null {
    return this.#heap.peek()?.dueAt ?? null;
  }

  add(waiting: T): void {
    // First: its time is of the clock as it is now.
    this.#followClock();
    this.#heap.add(waiting);
    this.#plan();
  }

  /** Does nothing for what is not waiting here. */
  remove(waiting: T): void {
    this.#heap.remove(waiting);
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
    if (back <= CORRECTION_MS) return;
    const { afterSettingBack } = this.#options;
    this.#heap.retime((waiting) => afterSettingBack(waiting, { now, back }));
  }

  #look(): void {
    this.#timer = null;
    this.#followClock();
    const now = this.#clock.now();
    const due: T[] = [];
    for (let next = this.#heap.peek(); next !== undefined && next.dueAt <= now; next = this.#heap.peek()) {
      this.#heap.remove(next);
      due.push(next);
    }
    this.#plan();
    if (due.length > 0) this.#options.onDue(due);
  }
}
