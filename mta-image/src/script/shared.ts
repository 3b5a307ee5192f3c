/**
 * What all runs of one process share: memoised calls (`cache`), named locks with a variable (`barrier`), the
 * memory_* functions' store and the counts of rate(). Values are marked as shared on the way in, so no run can change what another sees.
 * Bounded in number and in bytes: caches and barriers drop what is oldest, the memory refuses what is beyond its limit.
 * Nothing here waits but `enter`, which gives a promise for its turn.
 */
import type { Clock } from "#base/clock.ts";

import { meter } from "./meter.ts";
import { Rates } from "./rates.ts";
import { type Value, share } from "./value.ts";
import { weigh } from "./weigh.ts";

interface Cached {
  /** In the order they came. */
  readonly number: number;
  readonly value: Value;
  readonly untilMs: number;
  readonly bytes: number;
}

interface Stored {
  readonly value: Value;
  readonly bytes: number;
}

interface Barrier {
  value: Value;
  bytes: number;
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
/** Of each of the three: memory, all caches, all barriers. An engine of 512 MiB goes on with all of them full. */
const MAX_BYTES = 64 * 1024 * 1024;
/** A result that would drive out many others is not kept. */
const LARGEST_CACHED = MAX_BYTES / 4;
/** What an entry takes beside its key and value. */
const ENTRY_BYTES = 100;
const MAX_NAMESPACES = 10_000;
const MAX_BARRIERS = 100_000;

export class Shared {
  readonly rates: Rates;
  readonly #memory = new Map<string, Stored>();
  #memoryBytes = 0;
  #cacheBytes = 0;
  #barrierBytes = 0;
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
    const bytes = weigh(value) + key.length + ENTRY_BYTES;
    meter.charge(bytes >> 6);
    this.#forget(entries, key);
    if (bytes > LARGEST_CACHED) {
      if (entries.size === 0) this.#caches.delete(namespace);
      return;
    }
    this.#caches.delete(namespace);
    this.#caches.set(namespace, entries);
    const untilMs = this.#clock.monotonic() + keep.ttlSeconds * 1000;
    entries.set(key, { number: this.#next++, value: share(value), untilMs, bytes });
    this.#cacheBytes += bytes;
    for (const oldest of entries.keys()) {
      if (entries.size <= keep.size) break;
      this.#forget(entries, oldest);
    }
    this.#shrinkCaches();
  }

  /** Entries of the caches that were added to longest ago go first, one after another. */
  #shrinkCaches(): void {
    for (const [namespace, entries] of this.#caches) {
      const isOver = (): boolean => this.#cacheBytes > MAX_BYTES || this.#caches.size > MAX_NAMESPACES;
      if (!isOver()) return;
      for (const oldest of entries.keys()) {
        if (this.#cacheBytes <= MAX_BYTES && this.#caches.size <= MAX_NAMESPACES) break;
        this.#forget(entries, oldest);
      }
      if (entries.size === 0) this.#caches.delete(namespace);
    }
  }

  #forget(entries: Map<string, Cached>, key: string): boolean {
    this.#cacheBytes -= entries.get(key)?.bytes ?? 0;
    return entries.delete(key);
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
      if (entries === undefined) continue;
      if (this.#forget(entries, entry.key)) count++;
      if (entries.size === 0) this.#caches.delete(entry.namespace);
    }
    return count;
  }

  /** Resolves with the shared value when it is the caller's turn. */
  enter(name: string): Promise<Value> {
    meter.charge(1);
    const barrier = this.#barrier(name);
    if (!barrier.held) {
      barrier.held = true;
      return Promise.resolve(barrier.value);
    }
    return new Promise((resolve) => barrier.queue.push(() => resolve(barrier.value)));
  }

  leave(name: string, value: Value): void {
    const barrier = this.#barrier(name);
    // Nothing here may fail: a run that is over its budget leaves, too.
    if (value !== barrier.value) {
      this.#barrierBytes -= barrier.bytes;
      barrier.bytes = weigh(value);
      this.#barrierBytes += barrier.bytes;
    }
    barrier.value = share(value);
    const next = barrier.queue.shift();
    if (next !== undefined) next();
    else {
      barrier.held = false;
      if (value === null) this.#drop(name, barrier);
      this.#shrinkBarriers(MAX_BARRIERS);
    }
  }

  /** Undefined when nothing is stored under the key. */
  fetch(key: string): Value | undefined {
    return this.#memory.get(key)?.value;
  }

  /** False when the memory is full. */
  store(key: string, value: Value): boolean {
    const before = this.#memory.get(key);
    const bytes = weigh(value) + key.length + ENTRY_BYTES;
    meter.charge(bytes >> 6);
    const all = this.#memoryBytes - (before?.bytes ?? 0) + bytes;
    if (all > MAX_BYTES || (before === undefined && this.#memory.size >= MAX_MEMORY_KEYS)) return false;
    this.#memoryBytes = all;
    this.#memory.set(key, { value: share(value), bytes });
    return true;
  }

  delete(key: string): void {
    this.#memoryBytes -= this.#memory.get(key)?.bytes ?? 0;
    this.#memory.delete(key);
  }

  #barrier(name: string): Barrier {
    const known = this.#barriers.get(name);
    if (known !== undefined) return known;
    this.#shrinkBarriers(MAX_BARRIERS - 1);
    const barrier: Barrier = { value: null, bytes: 0, held: false, queue: [] };
    this.#barriers.set(name, barrier);
    this.#barrierBytes += name.length + ENTRY_BYTES;
    return barrier;
  }

  /** Those that nobody holds go, the oldest first. */
  #shrinkBarriers(most: number): void {
    for (const [oldest, barrier] of this.#barriers) {
      if (this.#barriers.size <= most && this.#barrierBytes <= MAX_BYTES) break;
      if (!barrier.held) this.#drop(oldest, barrier);
    }
  }

  #drop(name: string, { bytes }: Barrier): void {
    this.#barrierBytes -= bytes + name.length + ENTRY_BYTES;
    this.#barriers.delete(name);
  }
}
