/**
 * The commands of mtactl about what scripts remember: words and flags to a call of the admin API, its answer to lines (pure).
 * Named as halonctl has them: `hsl cache list|clear`, `hsl rate list|clear`.
 */
import { Changed } from "#contract/rules-api.ts";
import { CachePage, RatePage } from "#contract/script-state-api.ts";

import type { Call } from "./mtactl-rules.ts";

export const hslUsage = `  mtactl hsl cache list [--function F] [--namespace N] [--limit N] [--after NUMBER]
  mtactl hsl cache clear (--function F | --namespace N | all)      results that scripts remember by cache
  mtactl hsl rate list [--namespace N] [--entry E] [--limit N] [--after NUMBER]
  mtactl hsl rate clear (--namespace N | --entry E | all)          counters of rate()
`;

export const hslFlags = {
  function: { type: "string" },
  namespace: { type: "string" },
  entry: { type: "string" },
} as const;

/** By the second word: where it is, which flags choose, how a page looks. */
const kinds = {
  cache: { path: "/v1/scripts/caches", names: ["function", "namespace"], show: showCaches },
  rate: { path: "/v1/scripts/rates", names: ["namespace", "entry"], show: showRates },
} as const;

/** Null for what is no such command. */
export function hslCall(
  [first, kind, order, ...rest]: readonly string[],
  flags: Readonly<Record<string, unknown>>,
): Call | null {
  if (first !== "hsl" || (kind !== "cache" && kind !== "rate")) return null;
  const { path, names, show } = kinds[kind];
  const wanted = chosen(names, flags);
  if (order === "list" && rest.length === 0) {
    const query = new URLSearchParams({ ...wanted, ...chosen(["limit", "after"], flags) });
    return { method: "GET", path: `${path}?${query}`, show };
  }
  // Nothing named would mean everything.
  const isAll = rest.join(" ") === "all";
  if (order !== "clear" || isAll === Object.keys(wanted).length > 0 || (rest.length > 0 && !isAll))
    return null;
  const body = isAll ? { all: true } : wanted;
  return {
    method: "POST",
    path: `${path}/clear`,
    body,
    show: (answer) => `${Changed.parse(answer).changed} cleared\n`,
  };
}

function chosen(names: readonly string[], flags: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = flags[name];
      return typeof value === "string" ? [[name, value] as const] : [];
    }),
  );
}

function showCaches(answer: unknown): string {
  const { entries, next } = CachePage.parse(answer);
  const lines = entries.map(({ number, namespace, key, secondsLeft }) => {
    const age = secondsLeft > 0 ? `${Math.ceil(secondsLeft)} s left` : "too old";
    return `${number}  ${namespace}  ${key}  ${age}\n`;
  });
  return lines.join("") + more(next);
}

function showRates(answer: unknown): string {
  const { entries, next } = RatePage.parse(answer);
  const lines = entries.map(
    ({ number, namespace, entry, interval, count }) =>
      `${number}  ${namespace}  ${entry}  ${count} in ${interval} s\n`,
  );
  return lines.join("") + more(next);
}

function more(next: number | null): string {
  return next === null ? "" : `more: --after ${next}\n`;
}
