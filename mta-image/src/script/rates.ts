/**
 * How often something happened lately, for the function rate(): a window that slides in slots of a sixtieth of its length, so
 * an entry takes the same room however large its limit is. Bounded: beyond the limit the entry that was asked for longest
 * ago is forgotten. Pure but for the clock.
 */
import type { Clock } from "#base/clock.ts";

const SLOTS = 60;
const MAX_ENTRIES = 100_000;
/** Of all names together. */
const MAX_BYTES = 32 * 1024 * 1024;

interface Window {
  /** In the order they came. */
  readonly number: number;
  /** Counts by slot number, oldest first. */
  readonly slots: Map<number, number>;
  total: number;
}

/** A counter, for people. */
export interface RateEntry {
  readonly number: number;
  readonly namespace: string;
  readonly entry: string;
  readonly interval: number;
  readonly count: number;
}

/** What rate() counts under. */
export function rateKey(namespace: string, entry: string, seconds: number): string {
  return JSON.stringify([namespace, entry, seconds]);
}

export class Rates {
  readonly #clock: Clock;
  #next = 1;
  readonly #windows = new Map<string, Window>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Hits within the last `seconds`, to a sixtieth of them. */
  count(key: string, seconds: number): number {
    return this.#window(key, this.#slot(seconds)).total;
  }

  /** Whether one more is within the limit; only then is it counted, unless it is a mere question. */
  take(key: string, seconds: number, limit: number, isQuestion = false): boolean {
    const slot = this.#slot(seconds);
    const window = this.#window(key, slot);
    if (window.total >= limit) return false;
    if (isQuestion) return true;
    window.slots.set(slot, (window.slots.get(slot) ?? 0) + 1);
    window.total += 1;
    return true;
  }

  /** All that are kept, as they are now; looking changes nothing. */
  *entries(): Generator<RateEntry> {
    for (const [key, { number, slots }] of this.#windows) {
      const [namespace, entry, interval] = JSON.parse(key) as [string, string, number];
      const first = this.#slot(interval) - SLOTS;
      const count = [...slots].reduce((sum, [slot, hits]) => (slot > first ? sum + hits : sum), 0);
      yield { number, namespace, entry, interval, count };
    }
  }

  /** How many were forgotten. */
  clear(fits: (entry: RateEntry) => boolean): number {
    const before = this.#windows.size;
    for (const entry of this.entries())
      if (fits(entry)) this.#drop(rateKey(entry.namespace, entry.entry, entry.interval));
    return before - this.#windows.size;
  }

  #slot(seconds: number): number {
    return Math.floor((this.#clock.monotonic() / (seconds * 1000)) * SLOTS);
  }

  #window(key: string, now: number): Window {
    const window = this.#windows.get(key) ?? this.#made();
    this.#drop(key);
    this.#windows.set(key, window);
    this.#bytes += key.length;
    for (const [slot, count] of window.slots) {
      if (slot > now - SLOTS) break;
      window.slots.delete(slot);
      window.total -= count;
    }
    for (const oldest of this.#windows.keys()) {
      if (this.#windows.size <= MAX_ENTRIES && this.#bytes <= MAX_BYTES) break;
      this.#drop(oldest);
    }
    return window;
  }

  #drop(key: string): void {
    if (this.#windows.delete(key)) this.#bytes -= key.length;
  }

  #made(): Window {
    return { number: this.#next++, slots: new Map<number, number>(), total: 0 };
  }
}
