/** Figures of the lookups: plain numbers that only grow; metrics read them when somebody scrapes. */
import { type SpamhausList, spamhausLists } from "#contract/spamhaus-config.ts";

import { type ErrorReason, errorReasons, zones } from "./zones.ts";

export interface SpamhausCounters {
  /** Questions that went to a resolver, by list. */
  readonly queries: Record<SpamhausList, number>;
  /** Answers that list something, from the cache or not, by "list code". */
  readonly hits: Map<string, number>;
  readonly errors: Record<ErrorReason, number>;
  /** Answers from the cache. */
  cacheHits: number;
  /** Entries in the cache. */
  cacheSize: number;
  /** Messages, senders and clients that were asked about, by what came of it. */
  readonly rulings: Record<"accept" | "tag" | "defer" | "reject", number>;
  /** Takes the seconds that an answer took. */
  observe: (seconds: number) => void;
  /** What keeps lookups from telling anything now, or null. */
  trouble: () => ErrorReason | null;
}

export function makeSpamhausCounters(): SpamhausCounters {
  const codes = spamhausLists.flatMap((list) => zones[list].listings.map(({ code }) => `${list} ${code}`));
  return {
    queries: { zen: 0, authbl: 0, dbl: 0, zrd: 0, hbl: 0 },
    hits: new Map(codes.map((code) => [code, 0])),
    errors: Object.fromEntries(Object.keys(errorReasons).map((reason) => [reason, 0])) as Record<
      ErrorReason,
      number
    >,
    cacheHits: 0,
    cacheSize: 0,
    rulings: { accept: 0, tag: 0, defer: 0, reject: 0 },
    observe: () => {},
    trouble: () => null,
  };
}
