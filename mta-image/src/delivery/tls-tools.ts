/**
 * What opening a connection needs for TLS beside the transport's settings, and how what happened becomes events of the
 * daily reports (RFC 8460). Only mail exchangers are reported: other hosts are nobody's policy. Never fails.
 */
import type { Clock } from "#base/clock.ts";

import type { TlsWent } from "./hello.ts";
import { isPolicyHost } from "./mta-sts.ts";
import type { Host, Route } from "./route.ts";
import { type TlsEvent, TlsReports, resultOf } from "./tls-reports.ts";
import {
  type DomainRules,
  type HostRule,
  type ReportedPolicy,
  type TlsDemand,
  TlsRules,
} from "./tls-rules.ts";
import { TlsSessions } from "./tls-sessions.ts";
import type { TransportSettings } from "./transport.ts";

export interface TlsTools {
  readonly clock: Clock;
  readonly rules: TlsRules;
  readonly sessions: TlsSessions;
  readonly reports: TlsReports;
}

/** Without DANE and MTA-STS. */
export function plainTls(clock: Clock): TlsTools {
  return {
    clock,
    rules: new TlsRules({ validated: () => null, policies: null }),
    sessions: new TlsSessions(clock),
    reports: new TlsReports(clock, () => ({ organization: "", contact: "" })),
  };
}

interface Opening {
  readonly tls: TlsTools;
  readonly route: Route;
  readonly settings: Pick<TransportSettings, "leavesPolicies">;
}

/** A policy that is announced and cannot be had. */
export function noteFault(opening: Opening, { fault }: DomainRules): void {
  if (fault === null) return;
  const policy: ReportedPolicy = { type: "sts", lines: [], hosts: [], isTested: false };
  noteEvent(opening, { policy, failure: fault.result, host: "", ip: "", sourceIp: "", detail: fault.detail });
}

/** A host that may not be used. */
export function noteSkip(opening: Opening, host: Host, rule: Extract<HostRule, { kind: "skip" }>): void {
  const { policy, result, detail } = rule;
  noteEvent(opening, { policy, failure: result, host: host.name, ip: "", sourceIp: "", detail });
}

/** Gives how it failed, as reports call it; null where it did not. */
export function noteWent(
  opening: Opening & { readonly demand: TlsDemand },
  place: { readonly host: Host; readonly ip: string; readonly sourceIp: string },
  went: TlsWent,
): string | null {
  const { policy } = opening.demand;
  const host = place.host.name;
  const failure = failureOf(policy, host, went);
  const { ip, sourceIp } = place;
  const [result, detail] = failure ?? [null, ""];
  noteEvent(opening, { policy, failure: result, host, ip, sourceIp, detail });
  return result;
}

/** Result type and detail. Under a policy that is only tried out, what would have failed counts as failed. */
function failureOf(policy: ReportedPolicy, host: string, went: TlsWent): readonly [string, string] | null {
  if (went.kind === "failed") return [resultOf(went.trouble, went.detail), went.detail];
  if (policy.type !== "sts" || !policy.isTested) return null;
  if (went.unverified !== null) return [resultOf("tls-unverified", went.unverified), went.unverified];
  return isPolicyHost(policy, host) ? null : ["validation-failure", "the policy does not name the host"];
}

/** Where nobody looked for policies, as mail has asked, no report may say that none was found (RFC 8460 4.4). */
function noteEvent({ tls, route, settings }: Opening, event: Omit<TlsEvent, "domain">): void {
  if (route.kind === "mx" && settings.leavesPolicies !== true)
    tls.reports.note({ ...event, domain: route.domain });
}
