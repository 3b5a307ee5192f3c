/**
 * What Spamhaus said lately, by question without key: a new key does not make old answers wrong. Bounded; the least
 * recently used goes first. Errors are never kept.
 */
import type { Clock } from "#base/clock.ts";

import type { Finding } from "./judge.ts";

/** Spamhaus' own time to live is about a minute; a longer one comes from a resolver that means well. */
const LONGEST_MS = 300_000;

/** The order of use is kept to the second: what is asked a thousand times a second need not move each time. */
const MOVE_MS = 1000;

interface Entry {
  readonly finding: Finding;
  readonly expiresAt: number;
  /** From when on its use moves it to the end again. */
  movesAt: number;
}

export class FindingCache {
  readonly #clock: Clock;
  /** In order of use, the oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(question: string): Finding | null {
    const entry = this.#entries.get(question);
    if (entry === undefined) return null;
    const now = this.#clock.monotonic();
    if (entry.expiresAt > now && now < entry.movesAt) return entry.finding;
    this.#entries.delete(question);
    if (entry.expiresAt <= now) return null;
    entry.movesAt = Math.round(now + MOVE_MS);
    this.#entries.set(question, entry);
    return entry.finding;
  }

  keep(question: string, finding: Finding, limits: { lifeMs: number; maxEntries: number }): void {
    if (finding.kind === "error" || limits.maxEntries === 0 || limits.lifeMs <= 0) return;
    this.#entries.delete(question);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < limits.maxEntries) break;
      this.#entries.delete(oldest);
    }
    const now = this.#clock.monotonic();
    const expiresAt = Math.round(now + Math.min(limits.lifeMs, LONGEST_MS));
    this.#entries.set(question, { finding, expiresAt, movesAt: Math.round(now + MOVE_MS) });
  }
}
