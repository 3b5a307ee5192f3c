/** The command line of mailfleet-egress to one value (pure); nothing else reads it. */
import { isIP } from "node:net";
import { parseArgs } from "node:util";

import { makeNetworks } from "../net/networks.ts";
import type { Endpoint } from "../net/proxy-header-writer.ts";
import type { EgressRules } from "./rules.ts";

export interface EgressOptions {
  readonly listeners: readonly Endpoint[];
  readonly rules: EgressRules;
  readonly connections: number;
  /** How the proxy names itself to who is not let through; null: as the machine is called. */
  readonly name: string | null;
}

export const usage = `mailfleet-egress: connects mail transfer agents to the world from the addresses of this machine

  mailfleet-egress --listen 10.0.0.5:1080 --client 10.0.0.0/8 --source 192.0.2.10 --source 192.0.2.11

      --listen ADDRESS:PORT  where agents connect to; IPv6 as [2001:db8::5]:1080; several
      --client NETWORK       agents that may use it, such as 10.0.0.0/8; several
      --source ADDRESS       an address of this machine that they may ask for; several
      --port N               a port that may be connected to (default 25); several
      --allow NETWORK        may be connected to though it is private or special; several
      --connections N        at once, over all agents (default 10000)
      --name HOST            how it names itself to who is not let through (default: this machine's name)
  -h, --help                 print this

Agents say in a PROXY header (version 1 or 2) which of its addresses they want and whom to reach.
SIGTERM and SIGINT end in order: nobody new is let in, and who is there has 30 seconds.
`;

/** Null for --help. Throws TypeError with a sentence for the user. */
export function parseEgressOptions(args: readonly string[]): EgressOptions | null {
  const several = { type: "string", multiple: true, default: [] as string[] } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      listen: several,
      client: several,
      source: several,
      port: several,
      allow: several,
      connections: { type: "string", default: "10000" },
      name: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  for (const flag of ["listen", "client", "source"] as const) {
    if (values[flag].length === 0) throw new TypeError(`--${flag} is missing: nobody could use this proxy`);
  }
  return {
    listeners: values.listen.map(endpointOf),
    rules: {
      clients: networksOf("client", values.client),
      sources: new Set(values.source.map(sourceOf)),
      ports: new Set(
        values.port.length === 0 ? [25] : values.port.map((text) => number("port", text, 65_535)),
      ),
      allowed: networksOf("allow", values.allow),
    },
    connections: number("connections", values.connections, 1_000_000),
    name: values.name ?? null,
  };
}

function endpointOf(text: string): Endpoint {
  const [, bracketed, plain, port = ""] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const ip = bracketed ?? plain ?? "";
  if (isIP(ip) === 0 || Number(port) > 65_535)
    throw new TypeError(
      `--listen ${text.slice(0, 100)}: an address and a port such as 10.0.0.5:1080 are needed`,
    );
  return { ip, port: Number(port) };
}

/** In the one form in which headers bring it. */
function sourceOf(text: string): string {
  switch (isIP(text)) {
    case 4:
      return text;
    case 6:
      return new URL(`http://[${text}]`).hostname.slice(1, -1);
    default:
      throw new TypeError(`--source ${text.slice(0, 100)}: an IPv4 or IPv6 address is needed`);
  }
}

function networksOf(flag: string, texts: readonly string[]): EgressRules["clients"] {
  try {
    return makeNetworks(texts);
  } catch (error) {
    throw new TypeError(`--${flag}: ${(error as Error).message}`);
  }
}

function number(flag: string, text: string, most: number): number {
  const value = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most)
    throw new TypeError(`--${flag} ${text.slice(0, 100)}: from 1 to ${most} is needed`);
  return value;
}
