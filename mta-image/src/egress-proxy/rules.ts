/**
 * Who may connect from which address to whom (pure). A proxy that connects to whatever it is told to is a way around every
 * firewall of its machine: clients, source addresses and ports are said one by one, and addresses that are private, of the
 * machine itself or otherwise special (RFC 6890) are only reached where they are allowed by name.
 */
import type { BlockList } from "node:net";

import { isInNetworks, makeNetworks } from "../net/networks.ts";
import type { ProxySource, ProxyTarget } from "../net/proxy-header.ts";

export interface EgressRules {
  readonly clients: BlockList;
  readonly sources: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
  /** Of those that are special. */
  readonly allowed: BlockList;
}

export interface Way {
  readonly source: ProxySource;
  readonly target: ProxyTarget;
}

/** IPv6 forms of IPv4 addresses (mapped, translated, 6to4, Teredo) lead to those: nobody's mail exchanger has one. */
const SPECIAL = makeNetworks([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
  "::/96",
  "::ffff:0:0/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "2001::/32",
  "2002::/16",
  "fc00::/7",
  "fe80::/10",
  "ff00::/8",
]);

/** Why a client may not go that way, as it may be told; null: it may. */
export function refusalOf({ source, target }: Way, rules: EgressRules): string | null {
  if (!rules.sources.has(source.ip))
    return `${source.ip} is none of the addresses that this proxy connects from`;
  if (!rules.ports.has(target.port)) return `port ${target.port} is not open to mail here`;
  if (isInNetworks(SPECIAL, target.ip) && !isInNetworks(rules.allowed, target.ip))
    return `${target.ip} is a private or special address`;
  return null;
}
