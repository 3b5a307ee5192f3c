/** SPF for scripts, by the check that the engine itself makes. Never rejects. */
import type { Clock } from "#base/clock.ts";

import { boundQuery, queryOf } from "../authentication/query.ts";
import { askSpf } from "../authentication/verify.ts";
import type { RecordResolver } from "../dns/resolver.ts";
import type { SpfPort } from "../script/ports.ts";

/** RFC 7208 4.6.4: ten lookups, and ten for each name of an mx among them. */
const MOST_QUESTIONS = 111;
const TIMEOUT_MS = 20_000;

export function makeSpfPort(options: {
  readonly resolver: RecordResolver;
  readonly clock: Clock;
  readonly hostname: () => string;
}): SpfPort {
  const { resolver, clock, hostname } = options;
  return {
    check: async ({ ip, helo, sender }) => {
      const query = boundQuery(queryOf(resolver), { clock, timeoutMs: TIMEOUT_MS, most: MOST_QUESTIONS });
      // A domain alone is asked for as its postmaster.
      const full = sender === "" || sender.includes("@") ? sender : `postmaster@${sender}`;
      const found = await askSpf({ ip, helo, sender: full }, hostname(), query);
      const { result, comment } = found?.status ?? { result: "none", comment: "" };
      return { result, reason: comment || result };
    },
  };
}
