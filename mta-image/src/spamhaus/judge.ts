/**
 * What an answer from DNS means (pure). A listing is an A record that stands in the table of the zone that was asked.
 * All else is trouble of ours: taking 127.255.255.254 for a listing has stopped all mail of others before.
 */
import type { SpamhausList } from "#contract/spamhaus-config.ts";

import type { Answer } from "../dns/resolver.ts";
import { type ErrorReason, type Listing, errorCodes, zones } from "./zones.ts";

export type Finding =
  | { readonly kind: "clear" }
  | { readonly kind: "listed"; readonly listings: readonly Listing[] }
  | { readonly kind: "error"; readonly reason: ErrorReason };

export const clear: Finding = { kind: "clear" };

export function judge(list: SpamhausList, answer: Answer<string>): Finding {
  switch (answer.kind) {
    case "none":
    case "no-domain":
      return clear;
    case "failed":
      return failure(answer.reason.includes("TIMEOUT") ? "timeout" : "server-failure");
    case "found":
      return judgeCodes(list, answer.records);
  }
}

function judgeCodes(list: SpamhausList, codes: readonly string[]): Finding {
  for (const code of codes) {
    const reason = errorCodes[code];
    if (reason !== undefined) return failure(reason);
  }
  const listings = zones[list].listings.filter((listing) => codes.includes(listing.code));
  return listings.length === 0 ? failure("unexpected") : { kind: "listed", listings };
}

const failures = new Map<ErrorReason, Finding>();

export function failure(reason: ErrorReason): Finding {
  const made = failures.get(reason) ?? { kind: "error", reason };
  failures.set(reason, made);
  return made;
}
