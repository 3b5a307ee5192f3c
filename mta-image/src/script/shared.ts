/**
 * What all runs of one process share: memoised calls (`cache`), named locks with a variable (`barrier`), the
 * memory_* functions' store and the counts of rate(). Values are marked as shared on the way in, so no run can change what another sees.
 * Bounded: a cache drops its oldest entries, the memory refuses new keys beyond its limit. Nothing here waits but
 * `enter`, which gives a promise for its turn.
 */
import type { Clock } from "#base/clock.ts";

import { Rates } from "./rates.ts";
import { type Value, share } from "./value.ts";

interface Cached {
  readonly value: Value;
  readonly untilMs: number;
}

interface Barrier {
  value: Value;
  held: boolean;
  readonly queue: (() => void)[];
}

const MAX_MEMORY_KEYS = 1_000_000;
const MAX_BARRIERS = 100_000;

export class Shared {
  readonly memory = new Map<string, Value>();
  readonly rates: Rates;
  readonly #clock: Clock;
  readonly #caches = new Map<string, Map<string, Cached>>();
  readonly #barriers = new Map<string, Barrier>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.rates = new Rates(clock);
  }

  /** Undefined when there is none or it is too old. */
  cached(namespace: string, key: string): Value | undefined {
    const entry = this.#caches.get(namespace)?.get(key);
    return entry !== undefined && entry.untilMs > this.#clock.monotonic() ? entry.value : undefined;
  }

  /** However old it is; what is too old stays until newer ones need its place. */
  lastCached(namespace: string, key: string): Value | undefined {
    return this.#caches.get(namespace)?.get(key)?.value;
  }

  remember(namespace: string, key: string, value: Value, keep: { ttlSeconds: number; size: number }): void {
    if (!(keep.ttlSeconds > 0) || !(keep.size >= 1)) return;
    const entries = this.#caches.get(namespace) ?? new Map<string, Cached>();
    this.#caches.set(namespace, entries);
    entries.delete(key);
    entries.set(key, { value: share(value), untilMs: this.#clock.monotonic() + keep.ttlSeconds * 1000 });
    for (const oldest of entries.keys()) {
      if (entries.size <= keep.size) break;
      entries.delete(oldest);
    }
  }

  /** For people: namespace and number of entries. */
  cacheSizes(): readonly (readonly [string, number])[] {
    return [...this.#caches].map(([namespace, entries]) => [namespace, entries.size] as const);
  }

  /** Resolves with the shared value when it is the caller's turn. */
  enter(name: string): Promise<Value> {
    const barrier = this.#barrier(name);
    if (!barrier.held) {
      barrier.held = true;
      return Promise.resolve(barrier.value);
    }
    return new Promise((resolve) => barrier.queue.push(() => resolve(barrier.value)));
  }

  leave(name: string, value: Value): void {
    const barrier = this.#barrier(name);
    barrier.value = share(value);
    const next = barrier.queue.shift();
    if (next !== undefined) next();
    else {
      barrier.held = false;
      if (value === null) this.#barriers.delete(name);
    }
  }

  /** False when the memory is full. */
  store(key: string, value: Value): boolean {
    if (!this.memory.has(key) && this.memory.size >= MAX_MEMORY_KEYS) return false;
    this.memory.set(key, share(value));
    return true;
  }

  #barrier(name: string): Barrier {
    const known = this.#barriers.get(name);
    if (known !== undefined) return known;
    for (const [oldest, { held }] of this.#barriers) {
      if (this.#barriers.size < MAX_BARRIERS) break;
      if (!held) this.#barriers.delete(oldest);
    }
    const barrier: Barrier = { value: null, held: false, queue: [] };
    this.#barriers.set(name, barrier);
    return barrier;
  }
}
