/**
 * DNS through node's c-ares resolver (never getaddrinfo, which holds a thread of the pool each). Names are asked
 * as absolute names. Whatever goes wrong is an answer: NXDOMAIN and names that cannot exist are `no-domain`, an
 * empty answer is `none`, all else is `failed` and temporary.
 */
import { Resolver as NodeResolver } from "node:dns";

import type { Answer, MxRecord, RecordResolver } from "./resolver.ts";

export interface SystemResolverOptions {
  /** "1.2.3.4", "1.2.3.4:53" or "[::1]:53"; empty means the system's own (resolv.conf). */
  readonly servers: readonly string[];
  /** Of one try at one server. */
  readonly timeoutMs: number;
  readonly tries: number;
}

/** The library tells the TTL of addresses only; five minutes is what most zones give or less. */
const HIDDEN_TTL_MS = 300_000;

/** RFC 6761 6.3: this name never goes to a server. */
const LOCALHOST = /(?:^|\.)localhost\.?$/i;

type Callback<T> = (error: NodeJS.ErrnoException | null, records: T) => void;

export class SystemResolver implements RecordResolver {
  readonly #resolver: NodeResolver;

  /** Throws when a server is no address. */
  constructor(options: SystemResolverOptions) {
    this.#resolver = new NodeResolver({ timeout: options.timeoutMs, tries: options.tries });
    if (options.servers.length > 0) this.#resolver.setServers(options.servers);
  }

  mx(domain: string): Promise<Answer<MxRecord>> {
    return ask<{ exchange: string; priority: number }[], MxRecord>(
      (callback) => this.#resolver.resolveMx(absolute(domain), callback),
      (found) =>
        found.map((record) => ({ preference: record.priority, exchange: withoutDot(record.exchange) })),
      () => HIDDEN_TTL_MS,
    );
  }

  a(name: string): Promise<Answer<string>> {
    if (LOCALHOST.test(name)) return Promise.resolve(loopback("127.0.0.1"));
    return ask(
      (callback: Callback<Address[]>) => this.#resolver.resolve4(absolute(name), { ttl: true }, callback),
      texts,
      ttl,
    );
  }

  aaaa(name: string): Promise<Answer<string>> {
    if (LOCALHOST.test(name)) return Promise.resolve(loopback("::1"));
    return ask(
      (callback: Callback<Address[]>) => this.#resolver.resolve6(absolute(name), { ttl: true }, callback),
      texts,
      ttl,
    );
  }

  txt(name: string): Promise<Answer<readonly string[]>> {
    return ask(
      (callback: Callback<string[][]>) => this.#resolver.resolveTxt(absolute(name), callback),
      (found) => found,
      () => HIDDEN_TTL_MS,
    );
  }

  ptr(name: string): Promise<Answer<string>> {
    return ask(
      (callback: Callback<string[]>) => this.#resolver.resolvePtr(absolute(name), callback),
      (found) => found.map(withoutDot),
      () => HIDDEN_TTL_MS,
    );
  }

  cname(name: string): Promise<Answer<string>> {
    return ask(
      (callback: Callback<string[]>) => this.#resolver.resolveCname(absolute(name), callback),
      (found) => found.map(withoutDot),
      () => HIDDEN_TTL_MS,
    );
  }

  /** Ends what is being asked: those answers are `failed`. */
  close(): void {
    this.#resolver.cancel();
  }
}

interface Address {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

function ask<Raw, T>(
  call: (callback: Callback<Raw>) => void,
  read: (raw: Raw) => T[],
  ttlMsOf: (raw: Raw) => number,
): Promise<Answer<T>> {
  return new Promise((resolve) => {
    try {
      call((error, raw) => {
        if (error !== null) return resolve(fromError(error.code ?? ""));
        const records = read(raw);
        resolve(records.length === 0 ? { kind: "none" } : { kind: "found", records, ttlMs: ttlMsOf(raw) });
      });
    } catch (error) {
      resolve(fromError((error as NodeJS.ErrnoException).code ?? ""));
    }
  });
}

/** The codes of c-ares (ares.h) in our words. */
export function fromError(
  code: string,
): { kind: "none" } | { kind: "no-domain" } | { kind: "failed"; reason: string } {
  if (code === "ENODATA") return { kind: "none" };
  if (code === "ENOTFOUND" || code === "EBADNAME" || code === "ENONAME") return { kind: "no-domain" };
  return { kind: "failed", reason: code === "" ? "unknown error" : code };
}

function texts(found: Address[]): string[] {
  return found.map((record) => record.address);
}

function ttl(found: Address[]): number {
  return found.reduce((least, record) => Math.min(least, record.ttl), Infinity) * 1000;
}

function loopback(address: string): Answer<string> {
  return { kind: "found", records: [address], ttlMs: 0 };
}

function absolute(name: string): string {
  return name.endsWith(".") ? name : `${name}.`;
}

function withoutDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
