/**
 * The first server that says hello, for a conversation of a script: hosts in order of preference, all addresses of each, and
 * once more in the clear where only TLS failed and the mode allows it. Resolves with an outcome when there is none.
 * Never rejects.
 */
import { describe } from "#base/error.ts";
import type { Clock } from "#base/clock.ts";

import { chooseSource, reachable } from "../delivery/egress.ts";
import { type HostFinder, type Hosts, findAddresses, findHosts, selfAmong } from "../delivery/hosts.ts";
import { isPolicyHost } from "../delivery/mta-sts.ts";
import { outcomeOfTrouble } from "../delivery/outcome.ts";
import { type Host, planRoute } from "../delivery/route.ts";
import type { HostRule, TlsDemand, TlsRules } from "../delivery/tls-rules.ts";
import type { SmtpOutcome } from "../script/ports.ts";
import type { ServerReply } from "../smtp/reply-parser.ts";
import { SmtpTalk, TlsTrouble } from "./smtp-talk.ts";
import type { Way } from "./smtp-way.ts";

export interface Reaching {
  readonly way: Way;
  /** Whose mail exchangers are looked for; null: nobody's. */
  readonly domain: string | null;
  readonly finder: HostFinder;
  readonly rules: TlsRules;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Each try may last: scripts that wait hold a session. */
const MOST_TRIES = 10;

export async function reach(options: Reaching): Promise<SmtpTalk | SmtpOutcome> {
  const { way, domain, finder, rules } = options;
  if (way.settings.server === null && domain === null)
    return fault("no server is named, and there is no one domain to look for its mail exchangers", true);
  const route = planRoute(way.settings, domain ?? "");
  const all = await findHosts(route, finder);
  const found = wanted(all, options, route.kind === "mx");
  if (found.kind === "none") return trouble(found);
  const forDomain = await rules.forRoute(route, way.settings);
  const tries: Tries = { left: MOST_TRIES, worst: null };
  const selfAt = selfAmong(all, finder);
  for (const host of found.hosts) {
    const self = await selfAt(host);
    if (self !== null) {
      note(tries, trouble(self));
      break;
    }
    const talk = await tryHost(host, await forDomain.forHost(host), { options, tries });
    if (talk !== null) return talk;
  }
  return tries.worst ?? fault("no mail host", true);
}

interface Tries {
  left: number;
  /** What the script hears when nothing works. */
  worst: SmtpOutcome | null;
}

async function tryHost(
  host: Host,
  rule: HostRule,
  { options, tries }: { readonly options: Reaching; readonly tries: Tries },
): Promise<SmtpTalk | null> {
  if (rule.kind === "skip") return note(tries, trouble(rule));
  const ips = await addressesOf(host, options.finder);
  if ("trouble" in ips) return note(tries, trouble(ips));
  const inReach = reachable(ips, options.way.settings);
  if (inReach.length === 0) return note(tries, trouble({ trouble: "no-source-ip", detail: ips.join(", ") }));
  for (const ip of inReach) {
    if (tries.left-- <= 0 || options.signal.aborted) return null;
    const tried = await tryAddress(host, ip, { ...options, demand: rule.demand });
    if (tried instanceof SmtpTalk) return tried;
    note(tries, tried);
  }
  return null;
}

/** Passing trouble at one host outweighs what another says for good. */
function note(tries: Tries, now: SmtpOutcome): null {
  const isFinal = "error" in now ? !now.temporary : now.code >= 500;
  if (tries.worst === null || !isFinal) tries.worst = now;
  return null;
}

/** Servers that are named stay, whatever their name. */
function wanted(hosts: Hosts, { way, domain }: Reaching, isMx: boolean): Hosts {
  const { include, exclude } = way.server.exchangers;
  if (!isMx || hosts.kind === "none") return hosts;
  const left = hosts.hosts.filter(
    ({ name }) =>
      (include.length === 0 || isPolicyHost({ hosts: include }, name)) &&
      !isPolicyHost({ hosts: exclude }, name),
  );
  if (left.length > 0) return { kind: "hosts", hosts: left };
  return { kind: "none", trouble: "mx-excluded", detail: `no mail exchanger of ${domain} is left` };
}

/** What DNS does not know of a server that we were told to use may be a name of this system, such as localhost. */
async function addressesOf(
  host: Host,
  finder: HostFinder,
): Promise<readonly string[] | Parameters<typeof trouble>[0]> {
  const found = await findAddresses(host, finder);
  if (found.kind === "addresses") return found.ips;
  return host.isTrusted ? [host.name] : found;
}

type Trying = Reaching & { readonly demand: TlsDemand };

async function tryAddress(host: Host, ip: string, options: Trying): Promise<SmtpTalk | SmtpOutcome> {
  const { sourceIps, isSourceOrdered = false, sources } = options.way.settings;
  const sourceIp = chooseSource(sourceIps, ip, isSourceOrdered ? () => 0 : options.finder.random) ?? null;
  const source = sourceIp === null ? null : (sources.get(sourceIp) ?? null);
  const talk = (demand: TlsDemand): SmtpTalk =>
    new SmtpTalk({ ...options, host, ip, source, demand, hostname: options.finder.hostname });
  const first = await open(talk(options.demand), options);
  const isLax = options.demand.mode === "optional" && !options.way.server.tls.isImplicit;
  if (!(first instanceof TlsTrouble)) return first;
  if (!isLax) return { ...fault(first.message, true), state: "STARTTLS" };
  const second = await open(talk({ ...options.demand, mode: "disabled" }), options);
  return second instanceof TlsTrouble ? fault(second.message, true) : second;
}

/** Up to where mail may be spoken of. */
async function open(talk: SmtpTalk, { way }: Trying): Promise<SmtpTalk | SmtpOutcome | TlsTrouble> {
  const stop = <T>(outcome: T): T => {
    talk.close();
    return outcome;
  };
  try {
    await talk.connect();
    const greeting = await talk.greeting();
    if (greeting.code >= 400) return stop(outcomeOf(greeting, talk));
    const hello = await talk.hello();
    if (hello.code >= 400) return stop(outcomeOf(hello, talk));
    const isSecureAlready = talk.secured !== null;
    const refusal = await talk.secure();
    if (refusal !== null) return stop({ ...fault(refusal, true), state: "STARTTLS" });
    if (!isSecureAlready && talk.secured !== null) await talk.hello();
    if (Object.keys(way.server.xclient).length === 0) return talk;
    const named = await talk.nameClient(way.server.xclient);
    return named.code >= 400 ? stop(outcomeOf(named, talk)) : talk;
  } catch (error) {
    if (error instanceof TlsTrouble) return stop(error);
    return stop(lost(error, talk));
  }
}

export function lost(error: unknown, talk: SmtpTalk): SmtpOutcome {
  return { error: describe(error), temporary: true, ...facts(talk) };
}

export function outcomeOf({ code, enhanced, lines }: ServerReply, talk: SmtpTalk): SmtpOutcome {
  const numbers = enhanced === "" ? [] : enhanced.split(".").map(Number);
  const reason = lines.map((line) =>
    enhanced !== "" && line.startsWith(enhanced) ? line.slice(enhanced.length).trim() : line,
  );
  return { code, enhanced: numbers, reason, ...facts(talk) };
}

function facts(talk: SmtpTalk): Pick<SmtpOutcome, "state" | "tls" | "connection"> {
  return { state: talk.state, tls: talk.secured, connection: talk.reached };
}

export function fault(error: string, temporary: boolean): SmtpOutcome {
  return { error, temporary, state: null, tls: null, connection: null };
}

function trouble(found: {
  readonly trouble: Parameters<typeof outcomeOfTrouble>[0];
  readonly detail: string;
}): SmtpOutcome {
  const { kind, reply } = outcomeOfTrouble(found.trouble, "", found.detail);
  return fault(reply, kind !== "failed");
}
