/**
 * MTA-STS policies of domains (RFC 8461): found by a DNS record, fetched over HTTPS from a host whose certificate must
 * fit, kept for as long as they say. While a policy is kept, a record that has gone and a fetch that fails change
 * nothing: whoever can suppress answers must not get mail in the clear. Several that ask at once share one fetch.
 *
 * Never rejects. Policies outlive a restart where somebody keeps `state` and brings it back. Bounded: domains kept, bytes and time of a fetch; addresses that mail must not lead to are not fetched from either.
 */
import type { Agent } from "undici";

import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";

import type { RecordResolver } from "../dns/resolver.ts";
import { type StsPolicy, readStsPolicy, readStsRecord } from "./mta-sts.ts";
import { outsideLookup } from "./outside-lookup.ts";

export interface StsPoliciesOptions {
  readonly clock: Clock;
  readonly resolver: RecordResolver;
  readonly isForbidden: (ip: string) => boolean;
  /** 443, but for tests. */
  readonly port?: number;
  /** Certificates to trust, PEM; the well-known authorities when absent. */
  readonly ca?: string;
}

export type StsFound =
  | { readonly kind: "policy"; readonly policy: StsPolicy }
  | { readonly kind: "none" }
  /** There is a record and its policy could not be had: mail goes on without one (RFC 8461 3.3), and reports say so. */
  | { readonly kind: "failed"; readonly result: StsFailure; readonly detail: string };

/** RFC 8460 4.3.2.2. */
export type StsFailure = "sts-policy-fetch-error" | "sts-policy-invalid" | "sts-webpki-invalid";

interface Kept {
  readonly id: string;
  readonly policy: StsPolicy;
  /** Wall-clock ms, since it must mean the same after a restart. */
  readonly until: number;
}

/** By domain. */
export type StsState = readonly (readonly [
  domain: string,
  kept: { id: string; lines: readonly string[]; until: number },
])[];

const MOST_DOMAINS = 10_000;
const MOST_BYTES = 65_536;
/** RFC 8461 3.3 suggests a minute; mail of the domain waits meanwhile. */
const FETCH_MS = 20_000;
/** How long a failed fetch is not repeated. */
const FAILED_MS = 300_000;
/** What a time service takes back now and then. */
const CORRECTION_MS = 60_000;

export class StsPolicies {
  readonly #options: StsPoliciesOptions;
  #agent: Agent | null = null;
  readonly #kept = new Map<string, Kept>();
  readonly #failed = new Map<string, { readonly found: StsFound; readonly until: number }>();
  readonly #asking = new Map<string, Promise<StsFound>>();

  /** Grows with each change of `state`. */
  changes = 0;

  constructor(options: StsPoliciesOptions) {
    this.#options = options;
  }

  state(): StsState {
    return [...this.#kept].map(([domain, { id, policy, until }]) => [
      domain,
      { id, lines: policy.lines, until },
    ]);
  }

  /** Takes what `state` gave to an earlier process; what is no such thing is left out. */
  restore(state: unknown): void {
    for (const entry of Array.isArray(state) ? (state as unknown[]) : []) {
      const [domain, kept] = (Array.isArray(entry) ? entry : []) as [unknown, Partial<StsState[number][1]>?];
      if (typeof domain !== "string" || typeof kept?.id !== "string" || typeof kept.until !== "number")
        continue;
      const policy = Array.isArray(kept.lines) ? readStsPolicy(kept.lines.join("\n")) : null;
      if (policy !== null) keepBounded(this.#kept, domain, { id: kept.id, policy, until: kept.until });
    }
  }

  find(domain: string): Promise<StsFound> {
    const running = this.#asking.get(domain);
    if (running !== undefined) return running;
    const asked = this.#ask(domain).finally(() => this.#asking.delete(domain));
    this.#asking.set(domain, asked);
    return asked;
  }

  close(): Promise<void> {
    return this.#agent?.destroy() ?? Promise.resolve();
  }

  async #ask(domain: string): Promise<StsFound> {
    const now = this.#options.clock.monotonic();
    const valid = this.#valid(domain);
    const answer = await this.#options.resolver.txt(`_mta-sts.${domain}`);
    const id = answer.kind === "found" ? readStsRecord(answer.records) : null;
    if (valid !== null && (id === null || id === valid.id)) return { kind: "policy", policy: valid.policy };
    if (id === null) return { kind: "none" };
    const failed = this.#failed.get(domain);
    if (failed !== undefined && failed.until > now)
      return valid === null ? failed.found : { kind: "policy", policy: valid.policy };
    const found = await this.#fetch(domain);
    if (found.kind === "policy") this.#keep(domain, { id, policy: found.policy });
    else keepBounded(this.#failed, domain, { found, until: now + FAILED_MS });
    return found.kind !== "policy" && valid !== null ? { kind: "policy", policy: valid.policy } : found;
  }

  /** One that was kept while the clock was ahead does not outlive its time, counted from when that is seen. */
  #valid(domain: string): Kept | null {
    const kept = this.#kept.get(domain);
    const now = this.#options.clock.now();
    if (kept === undefined || kept.until <= now) return null;
    const latest = now + kept.policy.maxAgeMs;
    if (kept.until > latest + CORRECTION_MS) {
      this.#kept.set(domain, { ...kept, until: latest });
      this.changes++;
    }
    return kept;
  }

  #keep(domain: string, { id, policy }: { id: string; policy: StsPolicy }): void {
    const until = this.#options.clock.now() + policy.maxAgeMs;
    keepBounded(this.#kept, domain, { id, policy, until });
    this.changes++;
  }

  /** The HTTP client is loaded with the first policy: an engine that heeds none does without its 11 MB. */
  #open({ Agent }: typeof import("undici")): Agent {
    const { ca } = this.#options;
    this.#agent ??= new Agent({
      headersTimeout: FETCH_MS,
      bodyTimeout: FETCH_MS,
      connect: {
        timeout: FETCH_MS,
        lookup: outsideLookup(this.#options),
        ...(ca === undefined ? {} : { ca }),
      },
    });
    return this.#agent;
  }

  async #fetch(domain: string): Promise<StsFound> {
    const { port = 443 } = this.#options;
    const url = `https://mta-sts.${domain}:${port}/.well-known/mta-sts.txt`;
    try {
      // Redirects are not followed (RFC 8461 3.3), which is what this call does.
      const undici = await import("undici");
      const { statusCode, headers, body } = await undici.request(url, {
        dispatcher: this.#open(undici),
        headers: { accept: "text/plain" },
        signal: AbortSignal.timeout(FETCH_MS),
      });
      const text = await readBounded(body);
      if (statusCode !== 200) return failed("sts-policy-fetch-error", `HTTP ${statusCode}`);
      if (!/^text\/plain\b/i.test(String(headers["content-type"] ?? "")))
        return failed("sts-policy-invalid", "the policy is no text/plain");
      const policy = text === null ? null : readStsPolicy(text);
      return policy === null ? failed("sts-policy-invalid", "") : { kind: "policy", policy };
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO|ALTNAME/.test(code);
      return failed(isCertificate ? "sts-webpki-invalid" : "sts-policy-fetch-error", code || describe(error));
    }
  }
}

function failed(result: StsFailure, detail: string): StsFound {
  return { kind: "failed", result, detail };
}

/** Null when it is too large. */
async function readBounded(body: AsyncIterable<Buffer>): Promise<string | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > MOST_BYTES) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function keepBounded<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  const [oldest] = map.keys();
  if (map.size >= MOST_DOMAINS && oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}
