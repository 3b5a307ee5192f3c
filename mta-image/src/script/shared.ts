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
  /** In the order they came. */
  readonly number: number;
  readonly value: Value;
  readonly untilMs: number;
}

interface Barrier {
  value: Value;
  held: boolean;
  readonly queue: (() => void)[];
}

/** A remembered result, for people: `key` is the call, as bytes. */
export interface CacheEntry {
  readonly number: number;
  readonly namespace: string;
  readonly key: string;
  readonly secondsLeft: number;
}

const MAX_MEMORY_KEYS = 1_000_000;
const MAX_NAMESPACES = 10_000;
const MAX_BARRIERS = 100_000;

export class Shared {
  readonly memory = new Map<string, Value>();
  readonly rates: Rates;
  readonly #clock: Clock;
  #next = 1;
  readonly #caches = new Map<string, Map<string, Cached>>();
  readonly #barriers = new Map<string, Barrier>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.rates = new Rates(clock);
  }

  /** Undefined when there is none or it is too old. `isUse` keeps what is used from being dropped as the oldest. */
  cached(namespace: string, key: string, isUse: boolean): Value | undefined {
    const entries = this.#caches.get(namespace);
    const entry = entries?.get(key);
    if (entry === undefined || entry.untilMs <= this.#clock.monotonic()) return undefined;
    if (isUse) {
      entries?.delete(key);
      entries?.set(key, entry);
    }
    return entry.value;
  }

  /** However old it is; what is too old stays until newer ones need its place. */
  lastCached(namespace: string, key: string): Value | undefined {
    return this.#caches.get(namespace)?.get(key)?.value;
  }

  remember(namespace: string, key: string, value: Value, keep: { ttlSeconds: number; size: number }): void {
    if (!(keep.ttlSeconds > 0) || !(keep.size >= 1)) return;
    const entries = this.#caches.get(namespace) ?? new Map<string, Cached>();
    this.#caches.delete(namespace);
    this.#caches.set(namespace, entries);
    const untilMs = this.#clock.monotonic() + keep.ttlSeconds * 1000;
    entries.delete(key);
    entries.set(key, { number: this.#next++, value: share(value), untilMs });
    for (const oldest of this.#caches.keys()) {
      if (this.#caches.size <= MAX_NAMESPACES) break;
      this.#caches.delete(oldest);
    }
    for (const oldest of entries.keys()) {
      if (entries.size <= keep.size) break;
      entries.delete(oldest);
    }
  }

  *cacheEntries(): Generator<CacheEntry> {
    const now = this.#clock.monotonic();
    for (const [namespace, entries] of this.#caches)
      for (const [key, { number, untilMs }] of entries)
        yield { number, namespace, key, secondsLeft: (untilMs - now) / 1000 };
  }

  /** How many were forgotten. */
  clearCaches(fits: (entry: CacheEntry) => boolean): number {
    let count = 0;
    for (const entry of this.cacheEntries()) {
      if (!fits(entry)) continue;
      const entries = this.#caches.get(entry.namespace);
      if (entries?.delete(entry.key) === true) count++;
      if (entries?.size === 0) this.#caches.delete(entry.namespace);
    }
    return count;
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
