/**
 * Turns a route into hosts and a host into addresses by asking DNS. Mail exchangers are sorted; ourselves, known by name
 * and by address, our equals and all that are worse are left out (RFC 5321 5.1); and addresses that DNS should not have
 * given us are dropped. Never rejects.
 */
import { isIP } from "node:net";

import type { Random } from "#base/random.ts";

import { isNullMx, sortMx, withoutSelf } from "../dns/records.ts";
import type { Answer, MxRecord, Resolver } from "../dns/resolver.ts";
import type { ExchangerChoice } from "../queue/courier.ts";
import type { Trouble } from "./outcome.ts";
import type { Host, Route } from "./route.ts";

export interface HostFinder {
  readonly resolver: Resolver;
  readonly random: Random;
  /** Our own name: an exchanger with this name is ourselves. */
  readonly hostname: string;
  /** Whether an address that came from outside must not be connected to. */
  readonly isForbidden: (ip: string) => boolean;
  /** At which addresses we listen ourselves, at this port and now; null: at none. Absent: nowhere. */
  readonly ownAt?: (port: number) => ((ip: string) => boolean) | null;
}

export interface NotFound {
  readonly kind: "none";
  readonly trouble: Trouble;
  readonly detail: string;
}

export type Hosts = { readonly kind: "hosts"; readonly hosts: readonly Host[] } | NotFound;
export type Addresses = { readonly kind: "addresses"; readonly ips: readonly string[] } | NotFound;

export async function findHosts(route: Route, finder: HostFinder): Promise<Hosts> {
  if (route.kind !== "mx") return route;
  const { domain, port } = route;
  const answer = await finder.resolver.mx(domain);
  switch (answer.kind) {
    case "no-domain":
      return none("no-domain", domain);
    case "failed":
      return none("dns-failed", `MX of ${domain}: ${answer.reason}`);
    case "none":
      // The implicit MX: the domain is its own mail host (RFC 5321 5.1).
      return { kind: "hosts", hosts: [{ name: domain, port, isTrusted: false }] };
    case "found": {
      if (isNullMx(answer.records)) return none("null-mx", domain);
      const better = withoutSelf(answer.records, finder.hostname);
      if (better.length === 0) return none("loop", `${finder.hostname} is the best MX of ${domain}`);
      const sorted = sortMx(better, finder.random);
      return { kind: "hosts", hosts: sorted.map((record) => toHost(record, port)) };
    }
  }
}

function toHost({ preference, exchange }: MxRecord, port: number): Host {
  return { name: exchange, port, isTrusted: false, preference };
}

/**
 * To be asked before each of these hosts is tried: where ourselves are, known by an address, among the mail exchangers of
 * its preference. Then neither it nor any behind it may be tried, for they would send the mail back to us (RFC 5321 5.1).
 * DNS is asked once a preference, and only where we listen at that port; whom it tells nothing of is somebody else.
 */
export function selfAmong(all: Hosts, finder: HostFinder): (host: Host) => Promise<NotFound | null> {
  const hosts = all.kind === "none" ? [] : all.hosts;
  const asked = new Map<number, Promise<NotFound | null>>();
  return async ({ preference, port }) => {
    if (preference === undefined || !finder.ownAt?.(port)) return null;
    const equals = hosts.filter((host) => host.preference === preference);
    const answer = asked.get(preference) ?? findLoop(equals, finder);
    asked.set(preference, answer);
    return answer;
  };
}

async function findLoop(hosts: readonly Host[], finder: HostFinder): Promise<NotFound | null> {
  const found = await Promise.all(hosts.map((host) => findAddresses(host, finder)));
  const none = found.filter((one) => one.kind === "none");
  return none.find(({ trouble }) => trouble === "loop") ?? null;
}

/** Without the mail exchangers that a script does not want. Servers that are named stay, whatever their name. */
export function withoutUnwanted(hosts: Hosts, choice: ExchangerChoice | undefined, route: Route): Hosts {
  if (hosts.kind === "none" || choice === undefined || route.kind !== "mx") return hosts;
  const fits = (name: string, patterns: readonly string[]): boolean =>
    patterns.some((pattern) => isLike(name.toLowerCase().replace(/\.$/, ""), pattern));
  const { include, exclude } = choice;
  const wanted = hosts.hosts.filter(
    ({ name }) => (include.length === 0 || fits(name, include)) && !fits(name, exclude),
  );
  if (wanted.length > 0) return { kind: "hosts", hosts: wanted };
  return none("mx-excluded", `no mail exchanger of ${route.domain} is left by mx_include and mx_exclude`);
}

/** One * stands for any letters. */
function isLike(name: string, pattern: string): boolean {
  const [head = "", tail] = pattern.split("*");
  if (tail === undefined) return name === head;
  return name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail);
}

/**
 * IPv4 first: reputation and reverse names are in better order there. All that DNS tells: whoever asks takes as many as are
 * worth it, of those that can be reached.
 */
export async function findAddresses(host: Host, finder: HostFinder): Promise<Addresses> {
  const isAddress = isIP(host.name) !== 0 || host.name.startsWith("/");
  const found = !isAddress ? await askAddresses(host.name, finder.resolver) : literal(host.name);
  if (found.kind === "none" || host.isTrusted) return found;
  const isOwn = finder.ownAt?.(host.port) ?? (() => false);
  const own = found.ips.find((ip) => isOwn(ip));
  if (own !== undefined) return none("loop", `${host.name} is ${own}, where we listen ourselves`);
  const ips = found.ips.filter((ip) => !finder.isForbidden(ip));
  return ips.length === 0
    ? none("local-target", `${host.name} is ${found.ips.join(", ")}`)
    : { kind: "addresses", ips };
}

async function askAddresses(name: string, resolver: Resolver): Promise<Addresses> {
  const answers = await Promise.all([resolver.a(name), resolver.aaaa(name)]);
  const ips = answers.flatMap((answer: Answer<string>) => (answer.kind === "found" ? answer.records : []));
  if (ips.length > 0) return { kind: "addresses", ips };
  const failed = answers.find((answer) => answer.kind === "failed");
  if (failed?.kind === "failed") return none("dns-failed", `address of ${name}: ${failed.reason}`);
  return none("no-address", name);
}

function literal(ip: string): Addresses {
  return { kind: "addresses", ips: [ip] };
}

function none(trouble: Trouble, detail: string): NotFound {
  return { kind: "none", trouble, detail };
}
