/**
 * Addresses for HTTPS to hosts that a domain names (policies, receivers of reports): from the same resolver as those of
 * mail hosts, and never one that mail must not lead to either, so nobody can have us call services of our own network.
 */
import { type LookupFunction, isIP } from "node:net";

import type { RecordResolver } from "../dns/resolver.ts";

export interface Outside {
  readonly resolver: Pick<RecordResolver, "a" | "aaaa">;
  readonly isForbidden: (ip: string) => boolean;
}

export function outsideLookup({ resolver, isForbidden }: Outside): LookupFunction {
  return async (name, options, callback) => {
    const answers = await Promise.all([resolver.a(name), resolver.aaaa(name)]);
    const ips = answers
      .flatMap((answer) => (answer.kind === "found" ? [...answer.records] : []))
      .filter((ip) => !isForbidden(ip));
    const addresses = ips.map((address) => ({ address, family: isIP(address) }));
    const [first] = addresses;
    if (first === undefined) callback(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), "", 4);
    else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  };
}
