/** Which places of the network are listeners of this process (pure, but for the machine's addresses, which may change). */
import { SocketAddress, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";

import { normalizeIp } from "./networks.ts";

/** What stands in the configuration: an IP address, or one that stands for all. */
export interface ListenedTo {
  readonly address: string;
  readonly port: number;
}

/** Whether what connects there comes back to one of `listeners`. Addresses that others translate to ours are not known. */
export function isOwnPlace(
  listeners: readonly ListenedTo[],
  { ip, port }: { readonly ip: string; readonly port: number },
  ownIps: () => readonly string[] = machineIps,
): boolean {
  const wanted = canonical(ip);
  return listeners.some(({ address, port: own }) => {
    if (own !== port || address.startsWith("/")) return false;
    const heard = canonical(address);
    if (heard === wanted) return true;
    const standsForAll = heard === "::" || (heard === "0.0.0.0" && !isIPv6(wanted));
    return standsForAll && ownIps().includes(wanted);
  });
}

/** As the system writes it: an address of IPv6 may be written in many ways. */
function canonical(ip: string): string {
  return isIPv6(ip) ? normalizeIp(new SocketAddress({ address: ip, family: "ipv6" }).address) : ip;
}

function machineIps(): string[] {
  return Object.values(networkInterfaces()).flatMap((those = []) => those.map(({ address }) => address));
}
