/** SPF for scripts, by the check that the engine itself makes. Never rejects. */
import type { Clock } from "#base/clock.ts";

import { type Query, boundQuery, queryOf } from "../authentication/query.ts";
import { askSpf } from "../authentication/verify.ts";
import type { NamedServers } from "../dns/named-servers.ts";
import type { RecordResolver } from "../dns/resolver.ts";
import type { DnsWish, SpfPort } from "../script/ports.ts";
import { USUAL_TIMEOUT_MS, noWish } from "./dns.ts";

/** RFC 7208 4.6.4: ten lookups, and ten for each name of an mx among them. */
const MOST_QUESTIONS = 111;
const TIMEOUT_MS = 20_000;
/** Of an address or a name, which a record may repeat a thousand times; RFC 5321 4.5.3.1 has 256. */
const LONGEST = 1024;

export interface SpfOptions {
  readonly resolver: RecordResolver;
  readonly named: NamedServers;
  readonly clock: Clock;
  readonly hostname: () => string;
}

export function makeSpfPort(options: SpfOptions): SpfPort {
  const { clock, hostname } = options;
  return {
    check: async ({ ip, helo, sender, wish = noWish }) => {
      if (Math.max(ip.length, helo.length, sender.length) > LONGEST)
        return { result: "none", reason: "no address is that long" };
      const query = boundQuery(queryFor(wish, options), {
        clock,
        timeoutMs: TIMEOUT_MS,
        most: MOST_QUESTIONS,
      });
      // A domain alone is asked for as its postmaster.
      const full = sender === "" || sender.includes("@") ? sender : `postmaster@${sender}`;
      const found = await askSpf({ ip, helo, sender: full }, hostname(), query);
      const { result, comment } = found?.status ?? { result: "none", comment: "" };
      return { result, reason: comment || result };
    },
  };
}

/** Each question within its own time, all within that of the check. */
function queryFor({ servers, timeoutMs }: DnsWish, { resolver, named, clock }: SpfOptions): Query {
  if (servers !== null) return queryOf(named.resolver({ servers, timeoutMs: timeoutMs ?? USUAL_TIMEOUT_MS }));
  const query = queryOf(resolver);
  if (timeoutMs === null) return query;
  return (name, type) => boundQuery(query, { clock, timeoutMs, most: 1 })(name, type);
}
