/**
 * Opens a connection to the first host of a route that says hello: hosts in order of preference, all addresses
 * of each, a second try in the clear where only TLS failed and the mode allows it. A refused greeting counts
 * like a refused connection: the next host is asked. Resolves with the wire or with the outcome that mail gets
 * when no host could be used. Never rejects.
 */
import { isIPv6 } from "node:net";

import { makeId } from "#base/ids.ts";

import type { Outcome } from "../queue/courier.ts";
import { Traced } from "../trace/traced.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { Capabilities } from "./capabilities.ts";
import { chooseSource } from "./egress.ts";
import type { Deadlines } from "./deadlines.ts";
import { sayHello } from "./hello.ts";
import { findAddresses, findHosts, type HostFinder, withoutUnwanted } from "./hosts.ts";
import { outcomeOfTrouble } from "./outcome.ts";
import type { Host, Route } from "./route.ts";
import type { DomainRules, HostRule, TlsDemand } from "./tls-rules.ts";
import { type TlsTools, noteFault, noteSkip, noteWent } from "./tls-tools.ts";
import type { TransportSettings } from "./transport.ts";
import { Wire } from "./wire.ts";

export interface OpenOptions {
  readonly route: Route;
  readonly settings: TransportSettings;
  readonly finder: HostFinder;
  /** The name for EHLO. */
  readonly hostname: string;
  readonly deadlines: Deadlines;
  readonly tls: TlsTools;
  readonly traces: Tracer;
  readonly transportId: string;
  /** Asked between tries: true when nobody wants the connection any more. */
  readonly isCancelled: () => boolean;
  /** A TLS handshake failed and the host is tried in the clear. */
  readonly onTlsFallback: (host: string) => void;
}

export type Opened =
  | { readonly kind: "open"; readonly wire: Wire; readonly host: string; readonly capabilities: Capabilities }
  | { readonly kind: "failed"; readonly outcome: Outcome }
  /** Nobody wanted it any more before it was clear whether it could be had: says nothing about any mail. */
  | { readonly kind: "cancelled" };

type Tried = Exclude<Opened, { kind: "cancelled" }>;

/** Each try may last minutes: a domain with many dead addresses must not hold its mail for hours. */
const MOST_TRIES = 10;

export async function openConnection(options: OpenOptions): Promise<Opened> {
  const { route, finder, settings } = options;
  const found = withoutUnwanted(await findHosts(route, finder), settings.exchangers, route);
  if (found.kind === "none") return failed(outcomeOfTrouble(found.trouble, "", found.detail));
  const tries: Tries = { left: MOST_TRIES, worst: null };
  const rules = await options.tls.rules.forRoute(options.route, options.settings);
  noteFault(options, rules);
  for (const host of found.hosts) {
    const opened = await tryHost(host, { ...options, rules }, tries);
    if (opened !== null) return opened;
    if (options.isCancelled()) return { kind: "cancelled" };
    if (tries.left <= 0) break;
  }
  return failed(tries.worst ?? outcomeOfTrouble("no-address", "", "no mail host"));
}

interface HostOptions extends OpenOptions {
  readonly rules: DomainRules;
}

interface AddressOptions extends OpenOptions {
  readonly demand: TlsDemand;
}

interface Tries {
  left: number;
  /** What mail gets when nothing works: passing trouble at one host outweighs what another says for good. */
  worst: Outcome | null;
}

async function tryHost(host: Host, options: HostOptions, tries: Tries): Promise<Tried | null> {
  const rule = await options.rules.forHost(host);
  if (rule.kind === "skip") {
    note(tries, skipped(host, rule, options));
    return null;
  }
  const found = await findAddresses(host, options.finder);
  if (found.kind === "none") {
    note(tries, outcomeOfTrouble(found.trouble, "", found.detail));
    return null;
  }
  for (const ip of found.ips) {
    if (tries.left <= 0 || options.isCancelled()) return null;
    const opened = await tryAddress(host, ip, { ...options, demand: rule.demand });
    if (opened.kind === "open") return opened;
    tries.left--;
    note(tries, opened.outcome);
  }
  return null;
}

function skipped(host: Host, rule: Extract<HostRule, { kind: "skip" }>, options: OpenOptions): Outcome {
  noteSkip(options, host, rule);
  return outcomeOfTrouble(rule.trouble, "", rule.detail);
}

async function tryAddress(host: Host, ip: string, options: AddressOptions): Promise<Tried> {
  const { sourceIps } = options.settings;
  const sourceIp = chooseSource(sourceIps, ip, options.finder.random);
  if (sourceIp === undefined) return failed(outcomeOfTrouble("no-source-ip", host.name, ip));
  const first = await tryMode(host, ip, { sourceIp, inClear: false }, options);
  if (first.kind === "open" || !first.tryInClear || options.isCancelled()) return first;
  options.onTlsFallback(host.name);
  return tryMode(host, ip, { sourceIp, inClear: true }, options);
}

async function tryMode(
  host: Host,
  ip: string,
  mode: { sourceIp: string | null; inClear: boolean },
  options: AddressOptions,
): Promise<Tried & { tryInClear?: boolean }> {
  const { settings, demand, tls } = options;
  const { connectMs, greetingMs } = settings.timeouts;
  const source = settings.sources.get(mode.sourceIp ?? "");
  const proxy = source?.proxy ?? null;
  const wire = new Wire(
    { ip, port: host.port, sourceIp: mode.sourceIp, proxy, connectMs, greetingMs },
    options.deadlines,
  );
  wire.traced = new Traced(options.traces, {
    id: makeId(tls.clock.now()),
    direction: "out",
    remoteIp: ip,
    remotePort: host.port,
    listener: "",
    transportId: options.transportId,
    host: host.name,
  });
  const hello = await sayHello(wire, {
    host: host.name,
    hostname: source?.hostname ?? options.hostname,
    isLmtp: settings.isLmtp,
    tlsMode: mode.inClear ? "disabled" : demand.mode,
    tlsa: demand.tlsa,
    ...(demand.tlsaName === undefined ? {} : { tlsaName: demand.tlsaName }),
    ca: settings.ca,
    timeouts: settings.timeouts,
    sessions: tls.sessions,
    now: () => tls.clock.now(),
    onTls: (went) => noteWent(options, { host, ip, sourceIp: mode.sourceIp ?? "" }, went),
  });
  if (hello.kind === "ready")
    return { kind: "open", wire, host: host.name, capabilities: hello.capabilities };
  return { kind: "failed", outcome: withAddress(hello.outcome, ip, host.port), tryInClear: hello.tryInClear };
}

/** Our own words say which address was tried; a host's reply stays as it is. */
function withAddress(outcome: Outcome, ip: string, port: number): Outcome {
  if (/^\d{3} /.test(outcome.reply)) return outcome;
  const address = isIPv6(ip) ? `[${ip}]` : ip;
  const place = ip.startsWith("/") ? ip : `${address}:${port}`;
  return { ...outcome, reply: `${outcome.reply} (${place})`.slice(0, 512) };
}

function note(tries: Tries, outcome: Outcome): void {
  if (tries.worst === null || outcome.kind === "deferred") tries.worst = outcome;
}

function failed(outcome: Outcome): Tried & { kind: "failed" } {
  return { kind: "failed", outcome };
}
