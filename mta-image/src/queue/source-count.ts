/**
 * Counts recipients by source address and day (UTC), where rules choose the address: what warming up has come to. In memory,
 * since start, and bounded: the oldest day goes first. A courier around another; it changes nothing of what that one does.
 */
import type { Clock } from "#base/clock.ts";
import type { WarmUpView } from "#contract/warm-up-api.ts";

import type { Courier, Outcome } from "./courier.ts";
import { wrapCourier } from "./wrapped-courier.ts";

/** Of all days together. */
const KEPT = 20_000;

type Count = { tried: number; delivered: number };

export class SourceCount {
  readonly since: string;
  readonly #clock: Clock;
  /** Day to address. */
  readonly #days = new Map<string, Map<string, Count>>();
  readonly #kept: number;
  #size = 0;

  constructor(clock: Clock, kept = KEPT) {
    this.#clock = clock;
    this.#kept = kept;
    this.since = new Date(clock.now()).toISOString();
  }

  note(source: string, outcomes: readonly Outcome[]): void {
    const date = dateOf(this.#clock.now());
    const day = this.#days.get(date) ?? new Map<string, Count>();
    this.#days.set(date, day);
    const count = day.get(source) ?? { tried: 0, delivered: 0 };
    if (!day.has(source)) this.#size++;
    day.set(source, count);
    count.tried += outcomes.length;
    count.delivered += outcomes.filter(({ kind }) => kind === "delivered").length;
    while (this.#size > this.#kept) this.#forget();
  }

  counts(): WarmUpView["counts"] {
    return [...this.#days].flatMap(([date, day]) => [...day].map(([ip, count]) => ({ ip, date, ...count })));
  }

  /** Of the oldest day, or of the only one the address that came first. */
  #forget(): void {
    for (const [date, day] of this.#days) {
      if (this.#days.size > 1) {
        this.#days.delete(date);
        this.#size -= day.size;
        return;
      }
      for (const source of day.keys()) {
        day.delete(source);
        this.#size--;
        return;
      }
    }
  }
}

/** Attempts whose address nobody chose are not counted. */
export function countSources(inner: Courier, count: SourceCount): Courier {
  return wrapCourier(inner, (attempt) => {
    const source = attempt.terms?.source ?? "";
    const delivering = inner.deliver(attempt);
    return source === "" ? delivering : noted(delivering, (outcomes) => count.note(source, outcomes));
  });
}

async function noted<T>(value: Promise<T>, note: (value: T) => void): Promise<T> {
  const known = await value;
  note(known);
  return known;
}

export function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
