/**
 * Where mail of a transport for a domain should go, before DNS is asked: fixed servers, the mail exchangers of
 * the domain, or an address literal. Pure; what cannot be routed is a Trouble.
 */
import { isIP } from "node:net";

import { canonicalDomain } from "../smtp/address.ts";
import type { Trouble } from "./outcome.ts";

/** A host to be tried. `isTrusted` says that we chose it, not whoever wrote the DNS zone or the address. */
export interface Host {
  /** A name, an IP address without brackets, or the path of a socket. */
  readonly name: string;
  readonly port: number;
  readonly isTrusted: boolean;
  /** Of a mail exchanger that a record names. */
  readonly preference?: number;
}

export type Route =
  | { readonly kind: "hosts"; readonly hosts: readonly Host[] }
  | { readonly kind: "mx"; readonly domain: string; readonly port: number }
  | { readonly kind: "none"; readonly trouble: Trouble; readonly detail: string };

export function planRoute(settings: { server: string | null; port: number }, domain: string): Route {
  if (settings.server !== null) return fixedRoute(settings.server, settings.port);
  const name = canonicalDomain(domain);
  if (name === null || name === "") return { kind: "none", trouble: "no-domain", detail: "" };
  if (name.startsWith("[")) {
    const ip = name.slice(name.startsWith("[ipv6:") ? 6 : 1, -1);
    return { kind: "hosts", hosts: [{ name: ip, port: settings.port, isTrusted: false }] };
  }
  return { kind: "mx", domain: name, port: settings.port };
}

/** A list of servers in one setting, or what is wrong with it in words for whoever wrote it. */
export function parseServers(
  text: string,
  defaultPort: number,
): { readonly hosts: readonly Host[] } | { readonly problem: string } {
  const hosts: Host[] = [];
  for (const item of text.split(/[\s,]+/).filter((part) => part !== "")) {
    const host = parseServer(item, defaultPort);
    if (host === null) return { problem: `"${item}" is not host, host:port, [ip] or [ip]:port` };
    hosts.push(host);
  }
  return hosts.length === 0 ? { problem: "names no server" } : { hosts };
}

function fixedRoute(server: string, port: number): Route {
  const parsed = parseServers(server, port);
  return "hosts" in parsed
    ? { kind: "hosts", hosts: parsed.hosts }
    : { kind: "none", trouble: "bad-server", detail: parsed.problem };
}

function parseServer(item: string, defaultPort: number): Host | null {
  // The path of a UNIX socket is its own address.
  if (/^\/[^\0]{1,107}$/.test(item)) return { name: item, port: 0, isTrusted: true };
  if (isIP(item) !== 0) return { name: item, port: defaultPort, isTrusted: true };
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(item);
  if (match === null) return null;
  const [, literal, name, portText] = match;
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port < 1 || port > 65535) return null;
  if (literal !== undefined) {
    const ip = literal.replace(/^ipv6:/i, "");
    return isIP(ip) === 0 ? null : { name: ip, port, isTrusted: true };
  }
  if (isIP(name as string) === 4) return { name: name as string, port, isTrusted: true };
  // A final dot is how an absolute name may be written.
  const host = canonicalDomain((name as string).replace(/\.$/, ""));
  return host === null || host === "" ? null : { name: host, port, isTrusted: true };
}
