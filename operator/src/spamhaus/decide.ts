/**
 * Which part `spamhaus` the configuration gets, which keys lie in the pods, and what is to be tried out (pure).
 *
 * A part whose key, lists or servers are new is a candidate: its key is laid beside the one in use, an engine tries
 * it out, and only when every list answers well does it go into the configuration, which then takes the way of every
 * revision: canary, then everywhere, by reload. Until then what is used stays used. With nothing in use and no
 * engine that could try it out there is nothing to lose: the candidate is taken as it is.
 *
 * Without a usable key in the Secret the last one stays in use; if there never was one, nothing is asked at all, so
 * that a forgotten Secret cannot hold up mail.
 */
import { SpamhausConfig } from "#contract/spamhaus-config.ts";
import type { SpamhausSpec } from "#crds/mail-cluster-spamhaus.ts";

import { type SpamhausSection, keyFileOf, probedPart, sectionOf } from "./section.ts";

/** What the user's Secret holds. */
export type WantedKey =
  | { readonly kind: "key"; readonly file: string; readonly text: string }
  /** In words, without the value. */
  | { readonly kind: "unusable"; readonly why: string };

/** What engines said to a candidate when it was tried out last. */
export interface ProbeNote {
  readonly part: string;
  /** "zen key-refused": the lists that did not answer well; empty: all did. */
  readonly faults: readonly ProbeFault[];
  /** By the monotonic clock. */
  readonly at: number;
}

export interface ProbeFault {
  readonly list: string;
  readonly outcome: string;
}

export interface SpamhausInput {
  readonly spec: SpamhausSpec | undefined;
  readonly wanted: WantedKey;
  /** The keys that lie in the pods, by file. */
  readonly held: ReadonlyMap<string, string>;
  /** The part that is in the configuration now, on its way or in all pods. */
  readonly before: SpamhausSection | null;
  /** The part of the way back. */
  readonly lastGood: SpamhausSection | null;
  readonly probe: ProbeNote | null;
  /** The file that each pod has its key from; null: it has none. */
  readonly inUse: readonly (string | null)[];
  /** Pods that do not tell. */
  readonly silent: number;
}

export interface SpamhausChoice {
  /** Null: nothing is asked. */
  readonly section: SpamhausSection | null;
  readonly keys: ReadonlyMap<string, string>;
  /** What waits for its trial; null: nothing. */
  readonly candidate: SpamhausSection | null;
  /** Why the last trial of the candidate failed. */
  readonly faults: readonly ProbeFault[];
  /** Why the Secret's key cannot be used, or null. */
  readonly keyProblem: string | null;
}

export function decideSpamhaus(input: SpamhausInput): SpamhausChoice {
  const { spec, wanted, before } = input;
  const keyProblem = spec === undefined || wanted.kind === "key" ? null : wanted.why;
  const wish = spec === undefined ? null : wishOf(spec, input);
  const isUsable = wish === null || isTried(wish, input);
  const section = isUsable ? wish : before;
  const candidate = isUsable ? null : wish;
  return {
    section,
    candidate,
    keys: keysOf(input, [section, candidate, input.lastGood]),
    faults: candidate !== null && input.probe?.part === probedPart(candidate) ? input.probe.faults : [],
    keyProblem,
  };
}

/** Null: there is no key, and never was. */
function wishOf(spec: SpamhausSpec, { wanted, before }: SpamhausInput): SpamhausSection | null {
  if (wanted.kind === "key") return sectionOf(spec, wanted.file);
  return before === null ? null : sectionOf(spec, keyFileOf(before));
}

function isTried(wish: SpamhausSection, { before, probe, inUse }: SpamhausInput): boolean {
  // No engine would take it: the configuration says what is wrong with it, and is not rolled out.
  if (!SpamhausConfig.safeParse(wish).success) return true;
  const part = probedPart(wish);
  if (before !== null && probedPart(before) === part) return true;
  if (probe?.part === part && probe.faults.length === 0) return true;
  return before === null && inUse.length === 0;
}

/** Those that may still be read: by what is configured, by the way back, by pods. Silent pods may use any. */
function keysOf(
  { wanted, held, inUse, silent }: SpamhausInput,
  sections: readonly (SpamhausSection | null)[],
): ReadonlyMap<string, string> {
  const known = new Map(held);
  if (wanted.kind === "key") known.set(wanted.file, wanted.text);
  const needed = new Set<string | null>(inUse);
  for (const section of sections) if (section !== null) needed.add(keyFileOf(section));
  const isNeeded = (file: string): boolean => needed.has(file) || (silent > 0 && held.has(file));
  return new Map([...known].filter(([file]) => isNeeded(file)).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
