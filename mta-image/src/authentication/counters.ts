/** What authentication counts. Plain numbers that only grow: counting costs nothing on the mail path. */
import type { Result, Verdict } from "./verify.ts";

export const methods = ["dkim", "spf", "dmarc", "arc"] as const;
export type Method = (typeof methods)[number];

export interface AuthenticationCounters {
  /** By method and result, such as "dkim pass"; for DKIM the best of a message. */
  readonly results: Map<string, number>;
  /** Refused for DMARC. */
  refused: number;
  signed: number;
  /** Mail of a domain with a key that could not be signed. */
  unsigned: number;
  sealed: number;
}

export function makeAuthenticationCounters(): AuthenticationCounters {
  return { results: new Map(), refused: 0, signed: 0, unsigned: 0, sealed: 0 };
}

export function countVerdict(counters: AuthenticationCounters, verdict: Verdict): void {
  const { dkim, spf, dmarc, arc } = verdict;
  const best = dkim.some(({ result }) => result === "pass") ? "pass" : (dkim[0]?.result ?? "none");
  count(counters, "dkim", best);
  if (spf !== null) count(counters, "spf", spf.result);
  count(counters, "dmarc", dmarc.result);
  count(counters, "arc", arc.result);
  if (verdict.seal !== "") counters.sealed++;
}

function count({ results }: AuthenticationCounters, method: Method, result: Result): void {
  const key = `${method} ${result}`;
  results.set(key, (results.get(key) ?? 0) + 1);
}
