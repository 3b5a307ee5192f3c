/**
 * The part of one engine in limits that hold for its whole cluster. The operator gives each engine `n` of `of` parts, and
 * with them, once nobody holds more than its part, a place among the engines. All together never exceed a limit:
 *
 *   concurrency  whole attempts: `limit * n / of` rounded down. What that leaves over, fewer than there are engines, goes one
 *                each to the places, from another one on for each combination of facts that is counted. `turn` moves
 *                them on, for engines that would never have any (docs/decisions/0009).
 *   rate         whole tokens, rounded down. Less than one: time is cut into slices of `interval / tokens`, which belong to
 *                the places in turn, and each is good for one token. Engines go by their wall clocks there.
 *   connections  are kept apart by slices as well (spacing.ts): who has no place opens none.
 *
 * What an engine gains of a rate it may use one interval later, since whoever had it may have used it up until now; of longer
 * intervals than five minutes, which is what warm-up counts by, it may be used after five, or a new engine would send nothing
 * under a limit by the day.
 * An engine that is given no place by anybody (`null` in place of "none") keeps at least one attempt and one token in a
 * longer interval, as engines do whose administrators divide by hand. Never fails.
 */
import { crc32 } from "node:zlib";

import type { Clock } from "#base/clock.ts";

import type { Limits } from "./policy.ts";
import { type Rate, type RateUse, available, portion, take, waitFor } from "./rate.ts";
import { CLOCKS_MS, connectSlice, sliceOf } from "./spacing.ts";

export interface Place {
  /** From 0 to one less than the engines there are; no two engines have the same. */
  readonly index: number;
  /** How far what concurrency leaves over has moved on; null: nobody may use it now. */
  readonly turn: number | null;
}

export interface Share {
  readonly n: number;
  readonly of: number;
  readonly place: Place | "none" | null;
}

export const wholeShare: Share = { n: 1, of: 1, place: null };

/** A share that was smaller than the one after it, which came at `until`. */
interface Earlier {
  readonly share: Share;
  readonly until: number;
}

/** More changes than that within an interval count as one, the smallest of them. */
const MOST_EARLIER = 16;
/** The longest that a gain waits. */
const LONGEST_WAIT_MS = 300_000;

export class Division {
  readonly #clock: Clock;
  #share = wholeShare;
  /** Monotonic time from which on the place has been this engine's. */
  #placedAt = Number.NEGATIVE_INFINITY;
  #earlier: readonly Earlier[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get share(): Share {
    return this.#share;
  }

  /** Of the whole. */
  get factor(): number {
    return this.#share.n / this.#share.of;
  }

  change(share: Share): void {
    const now = this.#clock.monotonic();
    const old = this.#share;
    if (indexOf(share) !== indexOf(old) || share.of !== old.of) this.#placedAt = now;
    this.#share = share;
    const all = [...this.#earlier, { share: old, until: now }];
    const smaller = all.filter((each) => partOf(each.share) < partOf(share));
    this.#earlier = smaller.length > MOST_EARLIER ? joined(smaller) : smaller;
  }

  /** What holds for `key` when nothing has been gained lately. */
  limitsOf(whole: Limits, key: string): Limits {
    if (!whole.cluster || this.factor === 1) return whole;
    if (this.factor === 0) return { ...whole, concurrency: 0 };
    return {
      ...whole,
      concurrency: this.#attempts(whole.concurrency, key),
      rate: whole.rate === null ? null : this.#settledRate(whole.rate),
      connectIntervalMs:
        this.#share.place === null ? whole.connectIntervalMs / this.factor : whole.connectIntervalMs,
    };
  }

  /** Attempts that this engine may have whoever else has what is left over. */
  attemptsWithoutPlace(limit: number): number {
    return Math.floor((limit * this.#share.n) / this.#share.of);
  }

  /** Milliseconds until there is a token of the cluster's rate. */
  wait(rate: Rate, use: RateUse, now: number): number {
    const part = this.#rateAt(rate, now);
    const wait = part === null ? this.#untilSlice(rate, use, now) : waitFor(part, use, now);
    return Math.min(wait, this.#untilMore(rate, now));
  }

  /** Tokens of the cluster's rate that may be taken now. */
  room(rate: Rate, use: RateUse, now: number): number {
    const part = this.#rateAt(rate, now);
    if (part !== null) return available(part, use, now);
    return this.#untilSlice(rate, use, now) === 0 ? 1 : 0;
  }

  take(rate: Rate, use: RateUse, now: number, tokens: number): void {
    const part = this.#rateAt(rate, now);
    if (part !== null) return take(part, use, now, tokens);
    use.at = now;
    use.used = tokens;
  }

  /** Milliseconds until a connection may begin as far as other engines are concerned. */
  connectWait({ cluster, connectIntervalMs }: Limits, now: number): number {
    const { of, place } = this.#share;
    if (!cluster || place === null || connectIntervalMs === 0) return 0;
    // Whoever had the place may have connected until it came.
    const earliest = this.#placedAt + connectIntervalMs + CLOCKS_MS;
    if (this.factor === 1) return Math.max(0, earliest - now);
    if (place === "none") return Number.POSITIVE_INFINITY;
    const wall = this.#clock.now();
    const ahead = wall - now;
    const at = connectSlice(
      connectIntervalMs,
      { of, index: place.index },
      { wall, earliest: earliest + ahead },
    );
    return Math.max(0, Math.ceil(at - wall));
  }

  #attempts(limit: number, key: string): number {
    const { of, place } = this.#share;
    if (limit === Number.POSITIVE_INFINITY) return limit;
    const sure = this.attemptsWithoutPlace(limit);
    if (place === null) return Math.max(1, sure);
    if (place === "none" || place.turn === null) return sure;
    const rank = (place.index + place.turn + crc32(key)) % of;
    return sure + (rank < limit - of * Math.floor(limit / of) ? 1 : 0);
  }

  #settledRate(rate: Rate): Rate {
    const tokens = this.#tokens(rate, this.#share);
    if (tokens >= 1) return { ...rate, tokens };
    return portion(rate, this.factor);
  }

  /** Null: not even one token in each interval. */
  #rateAt(rate: Rate, now: number): Rate | null {
    if (this.factor === 1 && this.#earlier.length === 0) return rate;
    if (this.#share.place === null) return this.factor === 0 ? null : portion(rate, this.factor);
    const lately = this.#earlier.filter(({ until }) => until + waitOf(rate) > now);
    const all = [this.#share, ...lately.map(({ share }) => share)];
    const tokens = Math.min(...all.map((share) => this.#tokens(rate, share)));
    return tokens >= 1 ? { ...rate, tokens } : null;
  }

  #tokens(rate: Rate, { n, of }: Share): number {
    return Math.floor((rate.tokens * n) / of);
  }

  /** Until what was gained counts. */
  #untilMore(rate: Rate, now: number): number {
    const ends = this.#earlier.map(({ until }) => until + waitOf(rate) - now).filter((wait) => wait > 0);
    return Math.ceil(Math.min(Number.POSITIVE_INFINITY, ...ends));
  }

  #untilSlice(rate: Rate, use: RateUse, now: number): number {
    const { of, place } = this.#share;
    if (place === null || place === "none") return Number.POSITIVE_INFINITY;
    const ahead = this.#clock.now() - now;
    const length = rate.intervalMs / rate.tokens;
    const earliest = Math.max(
      this.#placedAt + waitOf(rate),
      use.used > 0 ? use.at + rate.intervalMs : now - length,
    );
    let slice = Math.floor((now + ahead) / length);
    // A slice that had begun when the place came is nobody's any more. What was used before there were slices counts for an
    // interval; slices of one place are further apart.
    while (slice % of !== place.index || slice * length - ahead < earliest) {
      const first = Math.max(slice + 1, Math.ceil((earliest + ahead) / length));
      slice = sliceOf({ of, index: place.index }, first);
    }
    return Math.max(0, Math.ceil(slice * length - ahead - now));
  }
}

function waitOf({ intervalMs }: Rate): number {
  return Math.min(intervalMs, LONGEST_WAIT_MS);
}

function indexOf({ place }: Share): number | null {
  return place === null || place === "none" ? null : place.index;
}

function partOf({ n, of }: Share): number {
  return n / of;
}

/** The two oldest as one: the smaller of them, for as long as the later. */
function joined([first, second, ...rest]: readonly Earlier[]): readonly Earlier[] {
  const smaller = [first, second].filter((each) => each !== undefined);
  const [least] = smaller.toSorted((a, b) => partOf(a.share) - partOf(b.share));
  const until = Math.max(...smaller.map((each) => each.until));
  return least === undefined ? rest : [{ share: least.share, until }, ...rest];
}
