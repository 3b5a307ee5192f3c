/**
 * Who may relay through us, and what for (pure). Without this rule a server is an open relay: a recipient is
 * taken when the client's address is in a relay network, or when its domain is one of ours. Local parts that
 * hide a further route (user%other@here, other!user@here, "user@other"@here) are refused for strangers, since
 * a host behind us might follow them. Networks are checked when the configuration is read.
 */
import type { BlockList } from "node:net";

import { isInNetworks, makeNetworks } from "../net/networks.ts";
import type { Path } from "../smtp/address.ts";
import { type Reply, replies } from "../smtp/reply.ts";

export interface AccessRules {
  readonly relayNetworks: BlockList;
  /** Lower case A-labels. */
  readonly relayDomains: ReadonlySet<string>;
}

/** Loopback and the private ranges (RFC 1918, RFC 4193): who is in the same network may send. */
export const privateNetworks = [
  "127.0.0.0/8",
  "::1/128",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "fc00::/7",
];

/** Throws RangeError for what is no CIDR network; an address alone is a network of one. */
export function makeAccessRules(networks: readonly string[], domains: readonly string[]): AccessRules {
  return {
    relayNetworks: makeNetworks(networks),
    relayDomains: new Set(domains.map((domain) => domain.toLowerCase())),
  };
}

export function mayRelayFrom(rules: AccessRules, ip: string): boolean {
  return isInNetworks(rules.relayNetworks, ip);
}

/** Null when the recipient may be taken, else the reply that refuses it. */
export function checkRecipient(rules: AccessRules, mayRelay: boolean, path: Path): Reply | null {
  // RFC 5321 4.5.1: postmaster of a server that has domains of its own is always there.
  if (path.domain === "") return rules.relayDomains.size > 0 ? null : replies.noPostmaster;
  if (mayRelay) return null;
  const local = path.address.slice(0, path.address.lastIndexOf("@"));
  if (/[%!@]/.test(local)) return replies.relayDenied;
  return rules.relayDomains.has(path.domain) ? null : replies.relayDenied;
}
