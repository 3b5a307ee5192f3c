/** DNS and SPF for scripts of tests, as an engine hands them in, over a resolver and servers of the test. */
import { systemClock } from "#base/clock.ts";
import { NamedServers } from "#mta/dns/named-servers.ts";
import { type DnsOptions, makeDnsPort } from "#mta/script-ports/dns.ts";
import { makeSpfPort } from "#mta/script-ports/spf.ts";
import type { Ports } from "#mta/script/ports.ts";

export function dnsPorts(
  options: Pick<DnsOptions, "resolver" | "servers" | "validated"> & { readonly mostPending?: number },
): Pick<Ports, "dns" | "spf"> {
  const clock = systemClock;
  const named = new NamedServers({ clock, mostPending: options.mostPending ?? 10 });
  return {
    dns: makeDnsPort({ ...options, clock, named }),
    spf: makeSpfPort({ ...options, clock, named, hostname: () => "client.example" }),
  };
}
