/**
 * Which group of hosts serves a domain (pure): the roll-up of thousand domains at one provider to one name, such as
 * "&google". A domain belongs to the first group that it, one of its mail exchangers or their addresses is in.
 */
import { type Facts, compileMatch } from "./matching.ts";

/** Where mail of a line would go, as DNS says. Empty when it is not known. */
export interface Remote {
  /** Mail exchangers, the preferred one first. */
  readonly hosts: readonly string[];
  /** Addresses of the preferred one. */
  readonly ips: readonly string[];
}

export interface GroupingTable {
  readonly default: "recipientdomain" | "remotemx";
  readonly groupings: readonly {
    readonly id: string;
    readonly remotemx: readonly string[];
    readonly remoteip: readonly string[];
    readonly recipientdomain: readonly string[];
  }[];
}

export const noGroupings: GroupingTable = { default: "recipientdomain", groupings: [] };

export type Grouping = (remote: Remote, domain: string) => string;

export function compileGrouping(table: GroupingTable): Grouping {
  const groups = table.groupings.map(({ id, remotemx, remoteip, recipientdomain }) => ({
    id: `&${id}`,
    hasHost: testOf("remotemx", remotemx),
    hasIp: testOf("remoteip", remoteip),
    hasDomain: testOf("recipientdomain", recipientdomain),
  }));
  return (remote, domain) => {
    const found = groups.find(
      ({ hasHost, hasIp, hasDomain }) =>
        hasDomain(domain) || remote.hosts.some((host) => hasHost(host)) || remote.ips.some((ip) => hasIp(ip)),
    );
    if (found !== undefined) return found.id;
    return table.default === "remotemx" ? (remote.hosts[0] ?? domain) : domain;
  };
}

type Field = "remotemx" | "remoteip" | "recipientdomain";

function testOf(field: Field, values: readonly string[]): (value: string) => boolean {
  if (values.length === 0) return () => false;
  const { matches } = compileMatch({ [field]: [...values] }, () => undefined);
  return (value) => matches({ [field]: value } as unknown as Facts);
}
