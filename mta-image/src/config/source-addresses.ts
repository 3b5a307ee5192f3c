/** Names of source addresses to addresses, each as often as its weight says, and what is known of them (pure). */
import { isIP } from "node:net";

import type { AppConfig } from "#contract/config.ts";

import type { SourceAddress } from "../delivery/egress.ts";
import type { TransportSettings } from "../delivery/transport.ts";

type Address = Omit<AppConfig["addresses"][number], "exclusive">;

type SourceIp = NonNullable<NonNullable<AppConfig["transportgroups"][number]["connection"]>["sourceip"]>;

/** What connection.sourceip says: addresses, and the one family that hosts are tried by. */
export function transportSources(
  addresses: readonly Address[],
  { ipv4 = [], ipv6 = [] }: SourceIp = {},
): Pick<TransportSettings, "sourceIps" | "sources" | "onlyFamily"> {
  const names = [ipv4, ipv6].flatMap((list) => (list === false ? [] : list));
  const onlyFamily = ipv6 === false ? 4 : ipv4 === false ? 6 : null;
  return { ...sourceSettings(addresses, names), onlyFamily };
}

export function sourceSettings(
  addresses: readonly Address[],
  names: readonly string[],
): { readonly sourceIps: readonly string[]; readonly sources: ReadonlyMap<string, SourceAddress> } {
  const used = names.map((name) => addresses.find(({ id }) => id === name) ?? plain(name));
  return {
    sourceIps: interleave(used),
    sources: new Map(used.map((address) => [address.address, toSource(address)])),
  };
}

/** Rounds of those whose weight is not used up, so that turns alternate. */
function interleave(addresses: readonly Pick<Address, "address" | "weight">[]): string[] {
  const rounds = Math.max(0, ...addresses.map(({ weight }) => weight));
  return Array.from({ length: rounds }, (_, round) =>
    addresses.filter(({ weight }) => weight > round).map(({ address }) => address),
  ).flat();
}

function plain(ip: string): Address {
  return { id: ip, address: isIP(ip) === 0 ? "" : ip, weight: 1 };
}

function toSource({ address, hostname, proxy }: Address): SourceAddress {
  const at = proxy?.server.lastIndexOf(":") ?? -1;
  return {
    ip: address,
    hostname: hostname ?? null,
    proxy:
      proxy === undefined
        ? null
        : {
            protocol: proxy.protocol,
            host: proxy.server.slice(0, at).replace(/^\[|\]$/g, ""),
            port: Number(proxy.server.slice(at + 1)),
            login: proxy.login ?? null,
          },
  };
}
