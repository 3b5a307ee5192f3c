/**
 * Opens a connection to the first host of a route that says hello: hosts in order of preference, all addresses
 * of each, a second try in the clear where only TLS failed and the mode allows it. A refused greeting counts
 * like a refused connection: the next host is asked. Resolves with the wire or with the outcome that mail gets
 * when no host could be used. Never rejects.
 */
import { isIPv6 } from "node:net";

import { makeId } from "#base/ids.ts";

import type { Outcome } from "../queue/courier.ts";
import type { TlsChoice } from "../smtp/tls-choice.ts";
import type { Reached } from "../smtp/reached.ts";
import { Traced } from "../trace/traced.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { Capabilities } from "./capabilities.ts";
import { chooseSource, reachable } from "./egress.ts";
import type { Deadlines } from "./deadlines.ts";
import { sayHello } from "./hello.ts";
import { findAddresses, findHosts, type HostFinder, selfAmong, withoutUnwanted } from "./hosts.ts";
import { outcomeOfTrouble } from "./outcome.ts";
import type { OpenStage } from "./lane-wait.ts";
import type { Host, Route } from "./route.ts";
import type { DomainRules, HostRule, TlsDemand } from "./tls-rules.ts";
import { type TlsTools, noteFault, noteSkip, noteWent } from "./tls-tools.ts";
import { Trail } from "./trail.ts";
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
  /** Hears how far it has come. */
  readonly onStage: (stage: OpenStage) => void;
  /** Asked between tries: true when nobody wants the connection any more. */
  readonly isCancelled: () => boolean;
  /** A TLS handshake failed and the host is tried in the clear. */
  readonly onTlsFallback: (host: string) => void;
}

export type Opened =
  | {
      readonly kind: "open";
      readonly wire: Wire;
      readonly host: string;
      readonly capabilities: Capabilities;
      readonly reached: Reached;
    }
  /** `reached`: the connection that the outcome speaks of, if there was one to be tried. */
  | { readonly kind: "failed"; readonly outcome: Outcome; readonly reached?: Reached | null }
  /** Nobody wanted it any more before it was clear whether it could be had: says nothing about any mail. */
  | { readonly kind: "cancelled" };

type Tried = Exclude<Opened, { kind: "cancelled" }>;

/** Each try may last minutes: a domain with many dead addresses must not hold its mail for hours. */
const MOST_TRIES = 10;

export async function openConnection(options: OpenOptions): Promise<Opened> {
  const { route, finder, settings, onStage } = options;
  if (route.kind === "mx") onStage({ kind: "dns", question: `the mail exchangers of ${route.domain}` });
  const all = await findHosts(route, finder);
  const found = withoutUnwanted(all, settings.exchangers, route);
  if (found.kind === "none") return failed(outcomeOfTrouble(found.trouble, "", found.detail));
  const tries: Tries = { left: MOST_TRIES, worst: null };
  if (route.kind === "mx") onStage({ kind: "dns", question: `what ${route.domain} says of TLS` });
  const rules = await options.tls.rules.forRoute(options.route, options.settings);
  noteFault(options, rules);
  const selfAt = selfAmong(all, finder);
  for (const host of found.hosts) {
    const self = await selfAt(host);
    if (self !== null) {
      note(tries, outcomeOfTrouble(self.trouble, "", self.detail), null);
      break;
    }
    const opened = await tryHost(host, { ...options, rules }, tries);
    if (opened !== null) return opened;
    if (options.isCancelled()) return { kind: "cancelled" };
    if (tries.left <= 0) break;
  }
  if (tries.worst === null) return failed(outcomeOfTrouble("no-address", "", "no mail host"));
  return { kind: "failed", ...tries.worst };
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
  worst: { readonly outcome: Outcome; readonly reached: Reached | null } | null;
}

async function tryHost(host: Host, options: HostOptions, tries: Tries): Promise<Tried | null> {
  options.onStage({ kind: "dns", question: `the addresses and TLS records of ${host.name}` });
  const rule = await options.rules.forHost(host);
  if (rule.kind === "skip") {
    const trail = trailTo(host, "", { sourceIp: null, options });
    trail.tlsFailure = rule.result;
    note(tries, skipped(host, rule, options), trail);
    return null;
  }
  const found = await findAddresses(host, options.finder);
  if (found.kind === "none") {
    note(tries, outcomeOfTrouble(found.trouble, "", found.detail), null);
    return null;
  }
  const ips = reachable(found.ips, options.settings);
  if (ips.length === 0) note(tries, outcomeOfTrouble("no-source-ip", host.name, found.ips.join(", ")), null);
  for (const ip of ips) {
    if (tries.left <= 0 || options.isCancelled()) return null;
    const opened = await tryAddress(host, ip, { ...options, demand: rule.demand });
    if (opened.kind === "open") return opened;
    tries.left--;
    note(tries, opened.outcome, opened.reached ?? null);
  }
  return null;
}

function skipped(host: Host, rule: Extract<HostRule, { kind: "skip" }>, options: OpenOptions): Outcome {
  noteSkip(options, host, rule);
  return outcomeOfTrouble(rule.trouble, "", rule.detail);
}

async function tryAddress(host: Host, ip: string, options: AddressOptions): Promise<Tried> {
  const { sourceIps, isSourceOrdered = false } = options.settings;
  const sourceIp = chooseSource(sourceIps, ip, isSourceOrdered ? () => 0 : options.finder.random) ?? null;
  options.onStage({ kind: "connect", host: host.name, ip, port: host.port });
  const first = await tryMode(host, ip, { sourceIp, inClear: false }, options);
  if (first.kind === "open" || !first.tryInClear || options.isCancelled()) return first;
  options.onTlsFallback(host.name);
  const tlsFailure = first.reached?.tlsFailure ?? null;
  return tryMode(host, ip, { sourceIp, inClear: true, tlsFailure }, options);
}

/** One way to try an address. */
interface Mode {
  readonly sourceIp: string | null;
  readonly inClear: boolean;
  /** How TLS failed before. */
  readonly tlsFailure?: string | null;
}

async function tryMode(
  host: Host,
  ip: string,
  mode: Mode,
  options: AddressOptions,
): Promise<Tried & { tryInClear?: boolean }> {
  const { settings, demand, tls } = options;
  const { wire, trail } = startWire(host, ip, mode, options);
  const hello = await sayHello(wire, {
    host: host.name,
    hostname: trail.helo,
    isLmtp: settings.isLmtp,
    tlsMode: mode.inClear ? "disabled" : demand.mode,
    tlsa: demand.tlsa,
    ...(demand.tlsaName === undefined ? {} : { tlsaName: demand.tlsaName }),
    ca: settings.ca,
    choice: choiceFor(demand, settings),
    login: settings.login ?? null,
    xclient: settings.xclient ?? [],
    timeouts: settings.timeouts,
    sessions: tls.sessions,
    now: () => tls.clock.now(),
    onTls: (went) => {
      trail.tlsFailure = noteWent(options, { host, ip, sourceIp: trail.localIp }, went);
    },
  });
  if (hello.kind === "ready")
    return { kind: "open", wire, host: host.name, capabilities: hello.capabilities, reached: trail };
  const outcome = withAddress(hello.outcome, ip, host.port);
  return { kind: "failed", outcome, reached: trail, tryInClear: hello.tryInClear };
}

/** A connection on its way, and what is noted of it. */
function startWire(
  host: Host,
  ip: string,
  { sourceIp, inClear, tlsFailure = null }: Mode,
  options: AddressOptions,
): { wire: Wire; trail: Trail } {
  const { settings, demand, deadlines, traces, transportId } = options;
  const { connectMs, greetingMs } = settings.timeouts;
  const proxy = settings.sources.get(sourceIp ?? "")?.proxy ?? null;
  const leaving = { ip, port: host.port, sourceIp, proxy, bind: settings.bind ?? null };
  const wire = new Wire({ ...leaving, connectMs, greetingMs }, deadlines);
  const trail = trailTo(host, ip, { sourceIp, options });
  trail.tlsFailure = tlsFailure;
  if (!inClear) trail.demands(demand);
  wire.trail = trail;
  wire.traced = new Traced(traces, {
    id: trail.id,
    direction: "out",
    remoteIp: ip,
    remotePort: host.port,
    listener: "",
    transportId,
    host: host.name,
  });
  return { wire, trail };
}

/** What a script says never makes a policy of the domain weaker. */
function choiceFor({ policy }: TlsDemand, { tls }: TransportSettings): TlsChoice | null {
  if (tls === undefined) return null;
  if (policy.type === "no-policy-found") return tls;
  // RFC 8461 4.2, RFC 7672 8.1: names and versions are the policy's business.
  const { versions } = tls;
  const isModern = versions !== null && versions.lowest >= "TLSv1.2";
  return {
    ...tls,
    serverName: null,
    verifyHost: null,
    verifyNames: null,
    versions: isModern ? versions : null,
  };
}

function trailTo(
  host: Host,
  ip: string,
  { sourceIp, options }: { readonly sourceIp: string | null; readonly options: OpenOptions },
): Trail {
  const helo =
    options.settings.sources.get(sourceIp ?? "")?.hostname ?? options.settings.helo ?? options.hostname;
  const id = makeId(options.tls.clock.now());
  return new Trail({ id, host: host.name, ip, port: host.port, sourceIp, helo });
}

/** Our own words say which address was tried; a host's reply stays as it is. */
function withAddress(outcome: Outcome, ip: string, port: number): Outcome {
  if (/^\d{3} /.test(outcome.reply)) return outcome;
  const address = isIPv6(ip) ? `[${ip}]` : ip;
  const place = ip.startsWith("/") ? ip : `${address}:${port}`;
  return { ...outcome, reply: `${outcome.reply} (${place})`.slice(0, 512) };
}

function note(tries: Tries, outcome: Outcome, reached: Reached | null): void {
  if (tries.worst === null || outcome.kind === "deferred") tries.worst = { outcome, reached };
}

function failed(outcome: Outcome): Tried & { kind: "failed" } {
  return { kind: "failed", outcome };
}
