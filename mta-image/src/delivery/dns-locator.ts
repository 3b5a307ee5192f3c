/**
 * Tells the queue where mail of a line would go, for rules that speak of mail exchangers: the same route and the
 * same DNS as an attempt takes. Hosts of one preference are in order of name, so that the answer is the same each
 * time. Questions are few at once; those over the bound wait in order. Never rejects: what DNS does not say is empty.
 */
import { Turnstile } from "#base/turnstile.ts";

import { MOST_ADDRESSES } from "../dns/records.ts";
import type { Remote } from "../queue/grouping.ts";
import type { Locator } from "../queue/locator.ts";
import { reachable } from "./egress.ts";
import { type HostFinder, findAddresses, findHosts } from "./hosts.ts";
import { planRoute } from "./route.ts";
import type { TransportSettings } from "./transport.ts";

export interface DnsLocatorOptions {
  readonly finder: HostFinder;
  readonly transport: (transportId: string) => TransportSettings | undefined;
}

const MOST_AT_ONCE = 100;
const nowhere: Remote = { hosts: [], ips: [] };

export class DnsLocator implements Locator {
  readonly #options: DnsLocatorOptions;
  readonly #finder: HostFinder;
  readonly #asking = new Turnstile(MOST_AT_ONCE);

  constructor(options: DnsLocatorOptions) {
    this.#options = options;
    this.#finder = { ...options.finder, resolver: inOrder(options.finder.resolver), random: () => 0 };
  }

  async locate(line: { readonly transportId: string; readonly domain: string }): Promise<Remote> {
    const settings = this.#options.transport(line.transportId);
    if (settings === undefined) return nowhere;
    return this.#asking.pass(() => this.#ask(settings, line.domain));
  }

  async #ask(settings: TransportSettings, domain: string): Promise<Remote> {
    const found = await findHosts(planRoute(settings, domain), this.#finder);
    if (found.kind === "none") return nowhere;
    const [first] = found.hosts;
    const addresses = first === undefined ? null : await findAddresses(first, this.#finder);
    return {
      hosts: found.hosts.map(({ name }) => name),
      ips: addresses?.kind === "addresses" ? inUse(addresses.ips, settings) : [],
    };
  }
}

function inUse(ips: readonly string[], settings: TransportSettings): readonly string[] {
  return [...reachable(ips, settings)].sort().slice(0, MOST_ADDRESSES);
}

function inOrder(resolver: HostFinder["resolver"]): HostFinder["resolver"] {
  return {
    a: (name) => resolver.a(name),
    aaaa: (name) => resolver.aaaa(name),
    mx: async (domain) => {
      const answer = await resolver.mx(domain);
      if (answer.kind !== "found") return answer;
      const records = [...answer.records].sort((one, other) => (one.exchange < other.exchange ? -1 : 1));
      return { ...answer, records };
    },
  };
}
