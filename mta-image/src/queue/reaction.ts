/**
 * One reaction to replies, compiled (pure): whether an outcome of mail with some facts counts, against which
 * combination of facts it is held, and how that combination is written as a condition of a rule.
 */
import { patternOf } from "#base/pattern.ts";
import type { QueueField, QueueMatch } from "#contract/queue-fields.ts";
import type { ReactionConfig } from "#contract/reactions-config.ts";

import type { Outcome } from "./courier.ts";
import { type Facts, type Lists, type Matcher, compileMatch } from "./matching.ts";
import type { Classify } from "./reply-class.ts";

export interface Reaction {
  readonly config: ReactionConfig;
  readonly matcher: Matcher;
  readonly counts: (outcome: Outcome, facts: Facts) => boolean;
}

export function compileReaction(config: ReactionConfig, lists: Lists, classify: Classify): Reaction {
  const { outcome, class: classes, status, reply } = config.when;
  const pattern = reply === undefined ? null : patternOf(reply);
  // What the suppression list kept back was asked of nobody.
  const isMeant = (name: string): boolean => name !== "suppressed" && (classes?.includes(name) ?? true);
  const counts: Reaction["counts"] = (said, facts) =>
    said.kind !== "delivered" &&
    (outcome?.includes(said.kind) ?? true) &&
    (status === undefined || fitsStatus(said.status, status)) &&
    (pattern?.test(said.reply) ?? true) &&
    isMeant(classify(said, facts.recipientdomain));
  return { config, matcher: compileMatch(config.if, lists), counts };
}

function fitsStatus(status: string, wanted: string): boolean {
  return wanted.endsWith("*") ? status.startsWith(wanted.slice(0, -1)) : status === wanted;
}

/**
 * The facts that an outcome is held against. Null when one of them is not known: a rule without it would hold for
 * others. Only the source may be missing, where the system chooses it.
 */
export function combinationOf(per: readonly QueueField[], facts: Partial<Facts>): QueueMatch | null {
  const known = per.filter((field) => (facts[field] ?? "") !== "");
  if (known.length === 0 || per.some((field) => field !== "localip" && !known.includes(field))) return null;
  return Object.fromEntries(known.map((field) => [field, literal(facts[field] ?? "")]));
}

/** A value of strangers that would be read as a list, a pattern or a wildcard means itself. */
function literal(value: string): string {
  if (!/^(?:@|\*\.|\/)/.test(value)) return value;
  return `/^${value.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}$/`;
}
