/**
 * What DNS records mean for mail, as values: the order of mail exchangers, the null MX, our own place among
 * them, and addresses that mail from outside must never lead us to. Pure; never fails.
 */
import { BlockList, isIP } from "node:net";

import { type Random, shuffled } from "#base/random.ts";

import type { MxRecord } from "./resolver.ts";

/** A zone with 10,000 exchangers is an attack; real ones have fewer than ten. */
export const MOST_HOSTS = 20;
export const MOST_ADDRESSES = 20;

/** RFC 7505 3: a single record with an empty exchange says that the domain takes no mail. */
export function isNullMx(records: readonly MxRecord[]): boolean {
  return records.length > 0 && records.every((record) => record.exchange === "" || record.exchange === ".");
}

/**
 * Hosts in the order to try (RFC 5321 5.1), their names in lower case: by preference, in random order within one
 * preference, each once, at most MOST_HOSTS.
 */
export function sortMx(records: readonly MxRecord[], random: Random): MxRecord[] {
  const byName = new Map<string, MxRecord>();
  for (const { preference, exchange } of shuffled(records, random).sort(byPreference)) {
    const name = exchange.toLowerCase();
    if (name !== "" && name !== "." && !byName.has(name)) byName.set(name, { preference, exchange: name });
  }
  return [...byName.values()].slice(0, MOST_HOSTS);
}

function byPreference(one: MxRecord, other: MxRecord): number {
  return one.preference - other.preference;
}

/**
 * Drops ourselves and all exchangers that are not better (RFC 5321 5.1), so that mail cannot come back to us.
 * Empty means that we are the best one: a loop.
 */
export function withoutSelf(records: readonly MxRecord[], hostname: string): MxRecord[] {
  const self = hostname.toLowerCase();
  const own = records.filter((record) => record.exchange.toLowerCase() === self);
  if (own.length === 0) return [...records];
  const limit = Math.min(...own.map((record) => record.preference));
  return records.filter((record) => record.preference < limit);
}

const LOCAL = new BlockList();
LOCAL.addSubnet("0.0.0.0", 8, "ipv4");
LOCAL.addSubnet("127.0.0.0", 8, "ipv4");
LOCAL.addSubnet("169.254.0.0", 16, "ipv4");
LOCAL.addSubnet("224.0.0.0", 3, "ipv4");
LOCAL.addAddress("::", "ipv6");
LOCAL.addAddress("::1", "ipv6");
LOCAL.addSubnet("fe80::", 10, "ipv6");
LOCAL.addSubnet("ff00::", 8, "ipv6");

/**
 * Whether an address found in DNS points at this machine or at no single host: unspecified, loopback,
 * link-local (where clouds keep their metadata service), multicast. IPv4 mapped into IPv6 counts as IPv4.
 * What is no address at all counts too.
 */
export function isLocalTarget(ip: string): boolean {
  const family = isIP(ip);
  return family === 0 || LOCAL.check(ip, family === 4 ? "ipv4" : "ipv6");
}
