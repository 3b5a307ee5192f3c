/**
 * How TLS went, day by day (UTC) and domain by domain, as RFC 8460 reports it to the domain's owner: sessions that went
 * well, and failures by kind. Counted in memory, and over a restart where somebody keeps `state` and brings it back;
 * reports of several engines stand side by side. Two whole days are kept. Bounded: domains a day, kinds of failures a policy. Never fails.
 */
import type { Clock } from "#base/clock.ts";

import type { ReportedPolicy } from "./tls-rules.ts";

export interface TlsEvent {
  readonly domain: string;
  readonly policy: ReportedPolicy;
  /** A result type of RFC 8460 4.3; null for a session that went well. */
  readonly failure: string | null;
  readonly host: string;
  readonly ip: string;
  /** Where the connection left from, as this machine or its proxy has it; "" where there was none. */
  readonly sourceIp: string;
  /** In our words or OpenSSL's. */
  readonly detail: string;
}

/** Who reports. */
export interface Reporter {
  readonly organization: string;
  readonly contact: string;
  /** Tells those apart that report for one organization, so that no receiver takes one's report for another's. */
  readonly engine?: string;
}

/** One report, in the words of RFC 8460 4.4. */
export interface TlsReport {
  readonly "organization-name": string;
  readonly "date-range": { readonly "start-datetime": string; readonly "end-datetime": string };
  readonly "contact-info": string;
  readonly "report-id": string;
  readonly policies: readonly {
    readonly policy: {
      readonly "policy-type": ReportedPolicy["type"];
      readonly "policy-string"?: readonly string[];
      readonly "policy-domain": string;
      readonly "mx-host"?: readonly string[];
    };
    readonly summary: {
      readonly "total-successful-session-count": number;
      readonly "total-failure-session-count": number;
    };
    readonly "failure-details"?: readonly Readonly<Record<string, string | number>>[];
  }[];
}

interface Tally {
  readonly policy: ReportedPolicy;
  successes: number;
  failures: number;
  readonly details: Map<string, { readonly event: TlsEvent; count: number }>;
}

const DAY_MS = 86_400_000;
const MOST_DOMAINS = 10_000;
const MOST_POLICIES = 10;
const MOST_DETAILS = 50;
const DAYS_KEPT = 3;

export class TlsReports {
  readonly #clock: Clock;
  /** By day, then domain, then policy. */
  readonly #days = new Map<string, Map<string, Map<string, Tally>>>();

  /** Domains by day whose report was sent. */
  readonly #sent = new Map<string, Set<string>>();
  /** Grows with each change of `state`. */
  changes = 0;

  readonly #by: () => Reporter;

  constructor(clock: Clock, by: () => Reporter) {
    this.#clock = clock;
    this.#by = by;
  }

  note(event: TlsEvent): void {
    this.changes++;
    const tally = this.#tally(event);
    if (tally === null) return;
    if (event.failure === null) {
      tally.successes++;
      return;
    }
    tally.failures++;
    const key = [event.failure, event.host, event.ip, event.sourceIp, event.detail].join(" ");
    const known = tally.details.get(key);
    if (known !== undefined) known.count++;
    else if (tally.details.size < MOST_DETAILS) tally.details.set(key, { event, count: 1 });
  }

  /** Days with anything to report, the oldest first. */
  days(): readonly string[] {
    return [...this.#days.keys()].sort();
  }

  /** One report a domain; none for a day of which nothing is known. */
  reports(day: string): readonly TlsReport[] {
    const by = this.#by();
    const start = `${day}T00:00:00Z`;
    return [...(this.#days.get(day) ?? [])].map(([domain, tallies]) => ({
      "organization-name": by.organization,
      "date-range": { "start-datetime": start, "end-datetime": `${day}T23:59:59Z` },
      "contact-info": by.contact,
      "report-id": [start, domain, ...(by.engine === undefined ? [] : [by.engine])].join("_"),
      policies: [...tallies.values()].map((tally) => toPolicy(domain, tally)),
    }));
  }

  /** Those of a day that were not sent yet, by domain. */
  unsent(day: string): [domain: string, report: TlsReport][] {
    const sent = this.#sent.get(day);
    const domains = [...(this.#days.get(day)?.keys() ?? [])];
    return domains.flatMap((domain, i): [string, TlsReport][] => {
      const report = sent?.has(domain) === true ? undefined : this.reports(day)[i];
      return report === undefined ? [] : [[domain, report]];
    });
  }

  noteSent(day: string, domain: string): void {
    const sent = this.#sent.get(day) ?? new Set();
    this.#sent.set(day, sent.add(domain));
    this.changes++;
  }

  state(): unknown {
    return {
      days: [...this.#days].map(([day, domains]) => [
        day,
        [...domains].map(([domain, tallies]) => [
          domain,
          [...tallies.values()].map((tally) => ({ ...tally, details: [...tally.details] })),
        ]),
      ]),
      sent: [...this.#sent].map(([day, domains]) => [day, [...domains]]),
    };
  }

  /** Takes what `state` gave to an earlier process. What is no such thing changes nothing. */
  restore(state: unknown): void {
    try {
      const { days, sent } = state as KeptState;
      const kept = days.map(([day, domains]): [string, Domains] => [day, restoreDay(domains)]);
      const told = sent.map(([day, domains]): [string, Set<string>] => [day, new Set(domains)]);
      for (const [day, domains] of kept) checkDay(day, domains);
      for (const [day, domains] of kept) this.#days.set(day, domains);
      for (const [day, domains] of told) this.#sent.set(day, domains);
      this.#forgetOld();
    } catch {
      // Nothing is lost but counts.
    }
  }

  #tally({ domain, policy }: TlsEvent): Tally | null {
    const domains = this.#today();
    const policies = domains.get(domain) ?? new Map<string, Tally>();
    if (!domains.has(domain)) {
      if (domains.size >= MOST_DOMAINS) return null;
      domains.set(domain, policies);
    }
    const key = JSON.stringify(policy);
    const known = policies.get(key);
    if (known !== undefined || policies.size >= MOST_POLICIES) return known ?? null;
    const tally = { policy, successes: 0, failures: 0, details: new Map() };
    policies.set(key, tally);
    return tally;
  }

  #today(): Map<string, Map<string, Tally>> {
    const day = dayOf(this.#clock.now());
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const fresh = new Map<string, Map<string, Tally>>();
    this.#days.set(day, fresh);
    this.#forgetOld();
    return fresh;
  }

  /** And those to come, of a clock that was ahead: they would be the latest until they came. */
  #forgetOld(): void {
    const tomorrow = dayOf(this.#clock.now() + DAY_MS);
    const toCome = this.days().filter((day) => day > tomorrow);
    const old = this.days().slice(0, -DAYS_KEPT - toCome.length);
    for (const day of [...old, ...toCome]) {
      this.#days.delete(day);
      this.#sent.delete(day);
    }
  }
}

/** UTC. */
function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

type Domains = Map<string, Map<string, Tally>>;
type KeptTally = Omit<Tally, "details"> & {
  readonly details: [string, { event: TlsEvent; count: number }][];
};
interface KeptState {
  readonly days: [string, [string, KeptTally[]][]][];
  readonly sent: [string, string[]][];
}

function restoreDay(domains: [string, KeptTally[]][]): Domains {
  return new Map(
    domains.map(([domain, tallies]) => [
      domain,
      new Map(
        tallies.map((tally) => [JSON.stringify(tally.policy), { ...tally, details: new Map(tally.details) }]),
      ),
    ]),
  );
}

/** Throws for what could not be reported. */
function checkDay(day: unknown, domains: Domains): void {
  if (typeof day !== "string" || !/^\d{4}-\d\d-\d\d$/.test(day)) throw new TypeError("no day");
  for (const [domain, tallies] of domains) {
    if (typeof domain !== "string") throw new TypeError("no domain");
    for (const tally of tallies.values()) toPolicy(domain, tally);
  }
}

function toPolicy(
  domain: string,
  { policy, successes, failures, details }: Tally,
): TlsReport["policies"][number] {
  const list = [...details.values()].map(({ event, count }) => ({
    "result-type": event.failure ?? "",
    ...(event.sourceIp === "" ? {} : { "sending-mta-ip": event.sourceIp }),
    "receiving-mx-hostname": event.host,
    ...(event.ip === "" ? {} : { "receiving-ip": event.ip }),
    "failed-session-count": count,
    ...(event.detail === "" ? {} : { "failure-reason-code": event.detail }),
  }));
  return {
    policy: {
      "policy-type": policy.type,
      ...(policy.type === "no-policy-found" ? {} : { "policy-string": policy.lines }),
      "policy-domain": domain,
      ...(policy.type === "sts" ? { "mx-host": policy.hosts } : {}),
    },
    summary: { "total-successful-session-count": successes, "total-failure-session-count": failures },
    ...(list.length === 0 ? {} : { "failure-details": list }),
  };
}

/** The result type of a handshake that failed with this code of Node or OpenSSL. */
export function resultOf(trouble: string, detail: string): string {
  if (trouble === "tls-not-offered") return "starttls-not-supported";
  if (/EXPIRED|NOT_YET_VALID|out of date/.test(detail)) return "certificate-expired";
  if (/ALTNAME|HOSTNAME|another name/.test(detail)) return "certificate-host-mismatch";
  if (/SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO|CERT_UNTRUSTED|INVALID_CA/.test(detail))
    return "certificate-not-trusted";
  return "validation-failure";
}
