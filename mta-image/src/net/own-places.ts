/**
 * Which places of the network are listeners of this process (pure, but for the machine's addresses: they may change, and
 * asking for them is a call to the system for each interface).
 */
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";

import { canonicalIp } from "./networks.ts";

/** What stands in the configuration: an IP address, or one that stands for all. */
export interface ListenedTo {
  readonly address: string;
  readonly port: number;
}

/**
 * Whether what connects to an address at this port comes back to one of `listeners`; null: to none, whatever the address.
 * The machine's addresses are asked for once at most, so it is to be used for what is looked at now, and made anew for
 * the next. Addresses that others translate to ours are not known.
 */
export function ownPlaces(
  listeners: readonly ListenedTo[],
  port: number,
  askMachine: () => readonly string[] = machineIps,
): ((ip: string) => boolean) | null {
  const heard = listeners
    .filter((one) => one.port === port && !one.address.startsWith("/"))
    .map(({ address }) => canonicalIp(address));
  if (heard.length === 0) return null;
  let asked: ReadonlySet<string> | null = null;
  return (ip) => {
    const wanted = canonicalIp(ip);
    if (heard.includes(wanted)) return true;
    const standsForAll = heard.includes("::") || (heard.includes("0.0.0.0") && !isIPv6(wanted));
    if (standsForAll) asked ??= new Set(askMachine());
    return standsForAll && asked?.has(wanted) === true;
  };
}

function machineIps(): string[] {
  return Object.values(networkInterfaces()).flatMap((those = []) => those.map(({ address }) => address));
}
