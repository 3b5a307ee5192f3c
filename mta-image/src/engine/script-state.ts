/**
 * What scripts remember between runs, for the admin API: pages of it and its clearing. Texts go out as people read them,
 * without control bytes and cut where they are long; what is cleared is logged. Nothing here fails.
 */
import type { Log } from "#base/log.ts";
import type {
  CacheClear,
  CachePage,
  CacheQuery,
  RateClear,
  RatePage,
  RateQuery,
} from "#contract/script-state-api.ts";

import type { ScriptStateDoor } from "../admin/script-state-routes.ts";
import { bytesOf, textOf } from "../hooks/texts.ts";
import { pageOf } from "../script/numbered.ts";
import type { RateEntry } from "../script/rates.ts";
import type { CacheEntry, Shared } from "../script/shared.ts";
import { printable } from "../trace/masking.ts";

export class ScriptState implements ScriptStateDoor {
  readonly #shared: Shared;
  readonly #log: Log;

  constructor(shared: Shared, log: Log) {
    this.#shared = shared;
    this.#log = log;
  }

  caches(query: CacheQuery): CachePage {
    const { entries, next } = pageOf(chosen(this.#shared.cacheEntries(), cacheFilter(query)), query);
    return {
      entries: entries.map(({ number, namespace, key, secondsLeft }) => ({
        number,
        namespace: shown(namespace),
        key: shown(key),
        secondsLeft,
      })),
      next,
    };
  }

  clearCaches(order: CacheClear): number {
    const count = this.#shared.clearCaches(cacheFilter(order));
    this.#log.info({ what: "cache", count }, "script-state-cleared");
    return count;
  }

  rates(query: RateQuery): RatePage {
    const { entries, next } = pageOf(chosen(this.#shared.rates.entries(), rateFilter(query)), query);
    return {
      entries: entries.map((rate) => ({
        ...rate,
        namespace: shown(rate.namespace),
        entry: shown(rate.entry),
      })),
      next,
    };
  }

  clearRates(order: RateClear): number {
    const count = this.#shared.rates.clear(rateFilter(order));
    this.#log.info({ what: "rate", count }, "script-state-cleared");
    return count;
  }
}

function* chosen<T>(entries: Iterable<T>, fits: (entry: T) => boolean): Generator<T> {
  for (const entry of entries) if (fits(entry)) yield entry;
}

function cacheFilter(wanted: {
  readonly function?: string | undefined;
  readonly namespace?: string | undefined;
}): (entry: CacheEntry) => boolean {
  const call = wanted.function === undefined ? "" : `${bytesOf(wanted.function)}(`;
  const space = wanted.namespace === undefined ? null : bytesOf(wanted.namespace);
  return ({ namespace, key }) => key.startsWith(call) && (space === null || space === namespace);
}

function rateFilter(wanted: {
  readonly namespace?: string | undefined;
  readonly entry?: string | undefined;
}): (rate: RateEntry) => boolean {
  const space = wanted.namespace === undefined ? null : bytesOf(wanted.namespace);
  const name = wanted.entry === undefined ? null : bytesOf(wanted.entry);
  return ({ namespace, entry }) =>
    (space === null || space === namespace) && (name === null || name === entry);
}

function shown(bytes: string): string {
  return printable(textOf(bytes));
}
