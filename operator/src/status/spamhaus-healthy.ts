/**
 * SpamhausHealthy (pure): lookups tell what they should, with the key that is wanted. What is wrong with the Secret
 * comes first, then what a trial of a new key found, then what engines say of their lookups. No key is in any message.
 */
import type { SpamhausState } from "#contract/spamhaus-api.ts";
import { keyFileOf } from "#operator/spamhaus/section.ts";

import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed } from "./judged.ts";

type Reason = VerdictOn<"SpamhausHealthy">["reason"];

/** By the engine's word for what is wrong; the first that any engine says is told. */
const REASONS: Readonly<Record<string, Reason>> = {
  "key-refused": "KeyRefused",
  "bad-zone": "ZoneUnknown",
  "open-resolver": "OpenResolver",
  quota: "QuotaExceeded",
  unexpected: "AnswersUnknown",
  clear: "ListMissing",
  timeout: "Unreachable",
  "server-failure": "Unreachable",
  paused: "Unreachable",
  busy: "Unreachable",
};

export function spamhausHealthy(judged: Judged): VerdictOn<"SpamhausHealthy"> {
  const { spec, spamhaus } = judged;
  if (spec.spamhaus === undefined)
    return { status: "True", reason: "Disabled", message: "spec.spamhaus is absent: nothing is asked" };
  const { keyProblem, section } = spamhaus;
  if (keyProblem !== null) {
    const rest = section === null ? "nothing is asked" : "the key before stays in use";
    return { status: "False", reason: "KeyMissing", message: `${keyProblem}; ${rest}` };
  }
  return trialFailed(judged) ?? lookupsFail(judged) ?? changing(judged);
}

function trialFailed({ spamhaus }: Judged): VerdictOn<"SpamhausHealthy"> | null {
  const faults = spamhaus.faults.filter(({ outcome }) => outcome !== "no-key");
  const reason = firstReason(faults.map(({ outcome }) => outcome));
  if (reason === null) return null;
  const said = listed(faults.map(({ list, outcome }) => `${list} ${outcome}`));
  const rest = spamhaus.section === null ? "nothing is asked" : "pods go on with what they have";
  return { status: "False", reason, message: `not taken into use, a trial found: ${said}; ${rest}` };
}

function lookupsFail(judged: Judged): VerdictOn<"SpamhausHealthy"> | null {
  const troubled = told(judged).flatMap(({ name, state }) => {
    const { trouble, missing } = state;
    if (trouble !== null && trouble !== "no-key") return [{ word: trouble, text: `${name} ${trouble}` }];
    return missing.length === 0
      ? []
      : [{ word: "clear", text: `${name} gets nothing from ${listed(missing)}` }];
  });
  const reason = firstReason(troubled.map(({ word }) => word));
  if (reason === null) return null;
  const rest = judged.spec.spamhaus?.failOpen === false ? "mail is deferred" : "mail passes unchecked";
  const message = `${listed(troubled.map(({ text }) => text))}; ${rest}`;
  return {
    status: "False",
    reason,
    message: reason === "ListMissing" ? listed(troubled.map(({ text }) => text)) : message,
  };
}

function changing(judged: Judged): VerdictOn<"SpamhausHealthy"> {
  const { spamhaus, slots } = judged;
  const pods = slots.filter(({ pod }) => pod !== null).length;
  const states = told(judged);
  if (spamhaus.candidate !== null) {
    const rest = spamhaus.section === null ? "" : "; the one before stays in use";
    return {
      status: "True",
      reason: "KeyChanging",
      message: `a new key, list or server is being tried out${rest}`,
    };
  }
  const file = spamhaus.section === null ? null : keyFileOf(spamhaus.section);
  const done = states.filter(({ state }) => state.key === file).length;
  if (done === pods && pods > 0)
    return {
      status: "True",
      reason: "Healthy",
      message: `${pods} of ${pods} pods ask with the key of the Secret`,
    };
  const others = states.filter(({ state }) => state.key !== null && state.key !== file).length;
  const progress = `${done} of ${pods} pods ask with the key of the Secret`;
  if (others > 0) {
    const message = `${progress}; the one before must stay valid until all do`;
    return { status: "True", reason: "KeyChanging", message };
  }
  return { status: "Unknown", reason: "Pending", message: progress };
}

function told({ slots }: Judged): readonly { readonly name: string; readonly state: SpamhausState }[] {
  return slots.flatMap(({ pod }) =>
    pod?.engine?.spamhaus == null ? [] : [{ name: pod.name, state: pod.engine.spamhaus }],
  );
}

function firstReason(words: readonly string[]): Reason | null {
  const found = Object.keys(REASONS).find((word) => words.includes(word));
  if (found !== undefined) return REASONS[found] ?? null;
  return words.length === 0 ? null : "AnswersUnknown";
}
