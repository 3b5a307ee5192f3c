/**
 * Who may relay through us, and what for (pure). Without this rule a server is an open relay: a recipient is
 * taken when the client's address is in a relay network, or when its domain is one of ours. Local parts that
 * hide a further route (user%other@here, other!user@here, "user@other"@here) are refused for strangers, since
 * a host behind us might follow them. Networks are checked when the configuration is read.
 */
import { BlockList, isIPv4, isIPv6 } from "node:net";

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

/** Throws like `makeAccessRules`. */
export function makeNetworks(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const { address, bits, family } = parseNetwork(network);
    list.addSubnet(address, bits, family);
  }
  return list;
}

export function parseNetwork(text: string): { address: string; bits: number; family: "ipv4" | "ipv6" } {
  const [address = "", length] = text.split("/");
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  const longest = family === "ipv4" ? 32 : 128;
  const bits = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if ((family === "ipv6" && !isIPv6(address)) || bits < 0 || bits > longest || text.split("/").length > 2) {
    throw new RangeError(`"${text}" is no network such as 10.0.0.0/8 or fc00::/7`);
  }
  return { address, bits, family };
}

/** IPv4 in IPv6 form (::ffff:192.0.2.1), as dual-stack sockets report it, becomes plain IPv4. */
export function normalizeIp(ip: string): string {
  return ip.startsWith("::ffff:") && isIPv4(ip.slice(7)) ? ip.slice(7) : ip;
}

export function mayRelayFrom(rules: AccessRules, ip: string): boolean {
  return isInNetworks(rules.relayNetworks, ip);
}

export function isInNetworks(networks: BlockList, ip: string): boolean {
  return ip !== "" && networks.check(ip, isIPv4(ip) ? "ipv4" : "ipv6");
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
