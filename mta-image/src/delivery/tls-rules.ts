/**
 * What TLS must be like on the way to a host: the transport's mode, DANE where the domain's zone is signed (RFC 7672),
 * MTA-STS where it has a policy (RFC 8461), REQUIRETLS (RFC 8689). DANE goes before MTA-STS, and neither is ever made
 * weaker by the other. Asked anew for each connection that is opened. Never rejects.
 *
 * In doubt mail waits: a signed zone whose answers cannot be had must not be taken for one without.
 */
import { isIP } from "node:net";

import type { ValidatedResolver } from "../dns/validated-resolver.ts";
import { type TlsaRecord, usableRecords } from "./dane.ts";
import { type StsPolicy, isPolicyHost } from "./mta-sts.ts";
import type { Trouble } from "./outcome.ts";
import type { Host, Route } from "./route.ts";
import type { StsFound, StsPolicies } from "./sts-policies.ts";
import type { BasicTlsMode, TransportSettings } from "./transport.ts";

export interface TlsRulesOptions {
  /** Null: no name server is trusted to validate, and DANE is not to be had. */
  readonly validated: () => ValidatedResolver | null;
  readonly policies: Pick<StsPolicies, "find"> | null;
}

/** What was decided for a host, and under which policy, for reports (RFC 8460). */
export interface TlsDemand {
  readonly mode: BasicTlsMode;
  /** One of these must name the certificate, in place of the well-known authorities; null without DANE. */
  readonly tlsa: readonly TlsaRecord[] | null;
  /** The host's name at the end of its CNAMEs, if its records stand there: for SNI, and good in certificates. */
  readonly tlsaName?: string;
  readonly policy: ReportedPolicy;
}

export type ReportedPolicy =
  | { readonly type: "tlsa"; readonly lines: readonly string[] }
  | {
      readonly type: "sts";
      readonly lines: readonly string[];
      readonly hosts: readonly string[];
      readonly isTested: boolean;
    }
  | { readonly type: "no-policy-found" };

export type HostRule =
  | { readonly kind: "use"; readonly demand: TlsDemand }
  | {
      readonly kind: "skip";
      readonly trouble: Trouble;
      readonly detail: string;
      readonly result: string;
      readonly policy: ReportedPolicy;
    };

/** The rules of one domain. */
export interface DomainRules {
  /** A policy that should be there and cannot be had, for reports. */
  readonly fault: Extract<StsFound, { kind: "failed" }> | null;
  forHost(host: Host): Promise<HostRule>;
}

const noPolicy: ReportedPolicy = { type: "no-policy-found" };

export class TlsRules {
  readonly #options: TlsRulesOptions;

  constructor(options: TlsRulesOptions) {
    this.#options = options;
  }

  /** Null when no name server is trusted to validate. */
  get validated(): ValidatedResolver | null {
    return this.#options.validated();
  }

  async forRoute(route: Route, settings: TransportSettings): Promise<DomainRules> {
    const basic = basicMode(settings.tlsMode);
    if (route.kind !== "mx" || settings.tlsMode === "disabled") return this.#forNamed(settings, basic);
    const { domain } = route;
    const wantsPolicy = settings.mtaSts || settings.mustKnowHosts;
    const [sts, zone] = await Promise.all([
      wantsPolicy ? this.#options.policies?.find(domain) : undefined,
      this.#zone(domain, settings),
    ]);
    const policy = sts?.kind === "policy" && sts.policy.mode !== "none" ? sts.policy : null;
    const rules = { settings, basic, policy, zone };
    return {
      fault: sts?.kind === "failed" ? sts : null,
      forHost: (host) => this.#forHost(host, rules),
    };
  }

  /** Hosts that we were told to use need no word of their domain, and are asked for TLSA themselves (RFC 7672 2.2.2). */
  #forNamed(settings: TransportSettings, basic: BasicTlsMode): DomainRules {
    const validated = this.#options.validated();
    const zone: Zone = validated === null ? { kind: "unsigned" } : { kind: "signed", validated };
    return {
      fault: null,
      forHost: async (host) =>
        (await daneRule(host, settings, zone)) ?? {
          kind: "use",
          demand: { mode: basic, tlsa: null, policy: noPolicy },
        },
    };
  }

  /** Whether the names of the domain's hosts can be believed (RFC 7672 2.2.1). */
  async #zone(domain: string, settings: TransportSettings): Promise<Zone> {
    const validated = this.#options.validated();
    const isWanted = settings.tlsMode.startsWith("dane") || settings.mustKnowHosts;
    if (!isWanted || validated === null) return { kind: "unsigned" };
    const answer = await validated.ask(domain, "MX");
    if (answer.kind === "failed") return { kind: "failed", detail: `MX of ${domain}: ${answer.reason}` };
    return answer.isAuthentic ? { kind: "signed", validated } : { kind: "unsigned" };
  }

  async #forHost(host: Host, rules: Rules): Promise<HostRule> {
    return (await daneRule(host, rules.settings, rules.zone)) ?? stsRule(host, rules);
  }
}

/** Null where DANE was not asked for, or has nothing to say. */
async function daneRule(host: Host, { tlsMode }: TransportSettings, zone: Zone): Promise<HostRule | null> {
  const dane = tlsMode.startsWith("dane") ? await askDane(host, zone) : nothing;
  if (dane.kind === "failed") return skip("dane-failed", dane.detail, "dnssec-invalid", tlsaPolicy([]));
  if (dane.kind === "records") return { kind: "use", demand: daneDemand(dane) };
  return tlsMode === "dane_require"
    ? skip("dane-failed", `${host.name} has no TLSA record`, "dane-required", tlsaPolicy([]))
    : null;
}

interface Rules {
  readonly settings: TransportSettings;
  readonly basic: BasicTlsMode;
  readonly policy: StsPolicy | null;
  readonly zone: Zone;
}

type Zone =
  | { readonly kind: "signed"; readonly validated: ValidatedResolver }
  | { readonly kind: "unsigned" }
  | { readonly kind: "failed"; readonly detail: string };

type Dane =
  | { readonly kind: "none" }
  | { readonly kind: "failed"; readonly detail: string }
  /** Null records: there are some, and none can be used: TLS is a must, any certificate will do (RFC 7672 2.2). */
  | { readonly kind: "records"; readonly name: string; readonly records: readonly TlsaRecord[] | null };

const nothing: Dane = { kind: "none" };

async function askDane(host: Host, zone: Zone): Promise<Dane> {
  if (zone.kind === "failed") return { kind: "failed", detail: zone.detail };
  // Addresses and paths have no name that records could stand at.
  if (zone.kind === "unsigned" || isIP(host.name) !== 0 || host.name.startsWith("/")) return nothing;
  // RFC 7672 2.2.2: hosts of unsigned zones are not asked for TLSA, which some of their servers do not answer.
  const addresses = await Promise.all([
    zone.validated.ask(host.name, "A"),
    zone.validated.ask(host.name, "AAAA"),
  ]);
  const trouble = addresses.find(({ kind }) => kind === "failed");
  // Also where the other family has none: one that is bogus must not pass for a host of an unsigned zone.
  if (trouble !== undefined && !addresses.some(({ kind }) => kind === "found"))
    return { kind: "failed", detail: `address of ${host.name}: ${trouble.reason}` };
  const known = addresses.find(({ kind, isAuthentic }) => kind === "found" && isAuthentic);
  if (known === undefined && !(await isSignedAlias(host, zone.validated))) return nothing;
  // RFC 7672 2.2.3: first at the end of the CNAMEs, if the whole way there is signed, then at the name itself.
  for (const base of new Set([known?.owner ?? host.name, host.name])) {
    const name = `_${host.port}._tcp.${base}`;
    const answer = await zone.validated.ask(name, "TLSA");
    if (answer.kind === "failed") return { kind: "failed", detail: `TLSA of ${name}: ${answer.reason}` };
    if (answer.kind !== "found" || !answer.isAuthentic) continue;
    const records = usableRecords(answer.records);
    return { kind: "records", name: base, records: records.length === 0 ? null : records };
  }
  return nothing;
}

/** The name stands in a signed zone and leads into one that is not: its own TLSA records count (RFC 7672 2.2.2). */
async function isSignedAlias(host: Host, validated: ValidatedResolver): Promise<boolean> {
  const alias = await validated.ask(host.name, "CNAME");
  return alias.kind === "found" && alias.isAuthentic;
}

function daneDemand({ name, records }: Extract<Dane, { kind: "records" }>): TlsDemand {
  const lines = (records ?? []).map(
    ({ usage, selector, matching, data }) =>
      `${usage} ${selector} ${matching} ${data.toString("hex").slice(0, 128)}`,
  );
  return { mode: "require", tlsa: records, tlsaName: name, policy: tlsaPolicy(lines) };
}

function stsRule(host: Host, { settings, basic, policy, zone }: Rules): HostRule {
  const isKnown = zone.kind === "signed" || (policy !== null && isPolicyHost(policy, host.name));
  if (settings.mustKnowHosts && !isKnown)
    return skip("requiretls-unknown-host", host.name, "validation-failure", noPolicy);
  if (policy === null) return { kind: "use", demand: { mode: basic, tlsa: null, policy: noPolicy } };
  const isTested = policy.mode === "testing";
  const reported = { type: "sts", lines: policy.lines, hosts: policy.hosts, isTested } as const;
  if (isTested) return { kind: "use", demand: { mode: basic, tlsa: null, policy: reported } };
  if (!isPolicyHost(policy, host.name))
    return skip("sts-other-host", host.name, "validation-failure", reported);
  return { kind: "use", demand: { mode: "require_verify", tlsa: null, policy: reported } };
}

function skip(trouble: Trouble, detail: string, result: string, policy: ReportedPolicy): HostRule {
  return { kind: "skip", trouble, detail, result, policy };
}

function tlsaPolicy(lines: readonly string[]): ReportedPolicy {
  return { type: "tlsa", lines };
}

/** What a mode asks for where DANE has nothing to say. */
function basicMode(mode: TransportSettings["tlsMode"]): BasicTlsMode {
  if (mode === "dane") return "optional";
  if (mode === "dane_require") return "require";
  return mode === "dane_fallback_require_verify" ? "require_verify" : mode;
}
