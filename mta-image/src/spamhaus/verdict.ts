/**
 * From findings to what a session does (pure). The strongest action of all listings wins; what is listed and only
 * tagged stands in one header field. Trouble of ours lets mail pass, unless the settings say to defer. Replies name
 * list and meaning and, for a client, its own address: never a name that was asked, for the key is in it.
 */
import type { SpamhausAction, SpamhausList } from "#contract/spamhaus-config.ts";

import type { Ruling } from "../session/checks.ts";
import type { Finding } from "./judge.ts";
import type { Question } from "./lookup.ts";
import type { Listing } from "./zones.ts";

/** A question with what it is about, as the header field may show it. */
export interface Inquiry extends Question {
  readonly id: string;
  readonly subject: string;
  /** The return codes that count; all when absent. */
  readonly codes?: ReadonlySet<string>;
}

export interface Policy {
  /** By list or return code; the code wins, and the table's own action stands behind both. */
  readonly actions: Readonly<Partial<Record<string, SpamhausAction>>>;
  readonly failOpen: boolean;
}

interface Hit {
  readonly list: SpamhausList;
  readonly listing: Listing;
  readonly subject: string;
}

export const FIELD = "X-Spamhaus";
/** Listings that one field shows. */
const MOST_SHOWN = 20;
const order: readonly SpamhausAction[] = ["accept", "tag", "defer", "reject"];

export interface Verdict {
  readonly action: SpamhausAction;
  readonly ruling: Ruling;
}

export function decide(inquiries: readonly Inquiry[], findings: readonly Finding[], policy: Policy): Verdict {
  const hits = inquiries.flatMap((inquiry, i) => hitsOf(inquiry, findings[i]));
  const ranked = hits.map((hit) => ({ hit, action: actionFor(hit, policy) }));
  const worst = ranked.reduce<(typeof ranked)[number] | null>(
    (most, next) => (most === null || order.indexOf(next.action) > order.indexOf(most.action) ? next : most),
    null,
  );
  if (worst !== null && (worst.action === "reject" || worst.action === "defer")) {
    return { action: worst.action, ruling: refusal(worst.hit, worst.action) };
  }
  if (!policy.failOpen && findings.some(({ kind }) => kind === "error")) {
    return { action: "defer", ruling: unknown };
  }
  const tagged = ranked.filter(({ action }) => action === "tag").map(({ hit }) => hit);
  return {
    action: tagged.length === 0 ? "accept" : "tag",
    ruling: { kind: "accept", fields: field(tagged) },
  };
}

function hitsOf({ list, subject, codes }: Inquiry, finding: Finding | undefined): Hit[] {
  if (finding?.kind !== "listed") return [];
  const counted = finding.listings.filter(({ code }) => codes?.has(code) !== false);
  return counted.map((listing) => ({ list, listing, subject }));
}

export function actionFor({ list, listing }: Omit<Hit, "subject">, { actions }: Policy): SpamhausAction {
  return actions[listing.code] ?? actions[list] ?? listing.action;
}

const unknown: Ruling = {
  kind: "refuse",
  reply: { code: 451, enhanced: "4.7.1", text: "Reputation could not be looked up, try again" },
};

function refusal({ list, listing, subject }: Hit, action: "defer" | "reject"): Ruling {
  const isClient = list === "zen" || list === "authbl";
  const link = isClient ? `https://check.spamhaus.org/query/ip/${subject}` : "https://check.spamhaus.org/";
  const text = `Listed by Spamhaus ${list.toUpperCase()} (${listing.meaning}); ${link}`;
  return {
    kind: "refuse",
    reply:
      action === "reject" ? { code: 550, enhanced: "5.7.1", text } : { code: 451, enhanced: "4.7.1", text },
  };
}

/** One listing a line, folded (RFC 5322 2.2.3). */
function field(hits: readonly Hit[]): string {
  if (hits.length === 0) return "";
  const lines = hits
    .slice(0, MOST_SHOWN)
    .map(({ list, listing, subject }) => `${list}=${listing.code} (${listing.name}) ${printable(subject)}`);
  return `${FIELD}: ${lines.join(";\r\n\t")}\r\n`;
}

/** What strangers wrote must not end the field, nor be longer than a line may be. */
function printable(text: string): string {
  return text
    .replace(/[^\x21-\x7e]/g, "?")
    .replace(/[;()]/g, "?")
    .slice(0, 100);
}
