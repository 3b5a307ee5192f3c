/** Which places of the network are listeners of this process (pure, but for the machine's addresses, which may change). */
import { isIPv6 } from "node:net";
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
  const wanted = normalizeIp(ip);
  return listeners.some(({ address, port: own }) => {
    if (own !== port || address.startsWith("/")) return false;
    if (normalizeIp(address) === wanted) return true;
    const standsForAll = address === "::" || (address === "0.0.0.0" && !isIPv6(wanted));
    return standsForAll && ownIps().includes(wanted);
  });
}

function machineIps(): string[] {
  return Object.values(networkInterfaces()).flatMap((those = []) => those.map(({ address }) => address));
}
