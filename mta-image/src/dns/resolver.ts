/**
 * What the engine asks of DNS, and a cache in front of whoever answers. An answer is a value, never an
 * exception: `failed` is trouble that may pass (no answer, SERVFAIL), the others are facts about the name.
 *
 * The cache is bounded (least recently used goes first), keeps negative answers for a short time, and asks
 * once for what several want at the same moment.
 */
import type { Clock } from "#base/clock.ts";

export interface MxRecord {
  readonly preference: number;
  /** Host name without the final dot; "" is the null MX (RFC 7505). */
  readonly exchange: string;
}

export type Answer<T> =
  | { readonly kind: "found"; readonly records: readonly T[]; readonly ttlMs: number }
  /** The name exists and has no such record (NODATA). */
  | { readonly kind: "none" }
  /** The name does not exist (NXDOMAIN) or cannot be a name. */
  | { readonly kind: "no-domain" }
  | { readonly kind: "failed"; readonly reason: string };

export interface Resolver {
  /** Names are absolute: no search list is applied. Never rejects. */
  mx(domain: string): Promise<Answer<MxRecord>>;
  /** IPv4 addresses. Never rejects. */
  a(name: string): Promise<Answer<string>>;
  /** IPv6 addresses. Never rejects. */
  aaaa(name: string): Promise<Answer<string>>;
}

/** What else is asked of DNS: who vouches for mail, and how a host wants to be spoken to. Never rejects. */
export interface RecordResolver extends Resolver {
  /** Each record as its strings, which stand for one text (RFC 7208 3.3). */
  txt(name: string): Promise<Answer<readonly string[]>>;
  /** Names of an address, asked as its reverse name (in-addr.arpa, ip6.arpa). */
  ptr(name: string): Promise<Answer<string>>;
  cname(name: string): Promise<Answer<string>>;
}

export interface CacheOptions {
  readonly clock: Clock;
  readonly maxEntries: number;
}

/** RFC 2308 would take this from the SOA record, which the resolver library does not give. */
const NEGATIVE_MS = 60_000;
/** RFC 2308 7.1 allows up to five minutes; short, since it delays mail. */
const FAILED_MS = 5_000;
/** A TTL of a week is a mistake more often than a wish. */
const LONGEST_MS = 86_400_000;

interface Entry {
  readonly answer: Answer<unknown>;
  readonly expiresAt: number;
}

export class CachingResolver implements RecordResolver {
  readonly #inner: RecordResolver;
  readonly #clock: Clock;
  readonly #maxEntries: number;
  /** In order of use, the oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #inFlight = new Map<string, Promise<Answer<unknown>>>();

  constructor(inner: RecordResolver, options: CacheOptions) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#maxEntries = options.maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  mx(domain: string): Promise<Answer<MxRecord>> {
    return this.#ask(`mx ${domain}`, () => this.#inner.mx(domain));
  }

  a(name: string): Promise<Answer<string>> {
    return this.#ask(`a ${name}`, () => this.#inner.a(name));
  }

  aaaa(name: string): Promise<Answer<string>> {
    return this.#ask(`aaaa ${name}`, () => this.#inner.aaaa(name));
  }

  txt(name: string): Promise<Answer<readonly string[]>> {
    return this.#ask(`txt ${name}`, () => this.#inner.txt(name));
  }

  ptr(name: string): Promise<Answer<string>> {
    return this.#ask(`ptr ${name}`, () => this.#inner.ptr(name));
  }

  cname(name: string): Promise<Answer<string>> {
    return this.#ask(`cname ${name}`, () => this.#inner.cname(name));
  }

  #ask<T>(rawKey: string, ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
    const key = rawKey.toLowerCase();
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      if (known.expiresAt > this.#clock.monotonic()) {
        this.#entries.set(key, known);
        return Promise.resolve(known.answer as Answer<T>);
      }
    }
    const running = this.#inFlight.get(key);
    if (running !== undefined) return running as Promise<Answer<T>>;
    const asked = ask().then((answer) => {
      this.#inFlight.delete(key);
      this.#keep(key, answer);
      return answer;
    });
    this.#inFlight.set(key, asked);
    return asked;
  }

  #keep(key: string, answer: Answer<unknown>): void {
    const lifeMs = lifeOf(answer);
    if (lifeMs <= 0) return;
    if (this.#entries.size >= this.#maxEntries) {
      const oldest = this.#entries.keys().next();
      if (oldest.done !== true) this.#entries.delete(oldest.value);
    }
    this.#entries.set(key, { answer, expiresAt: this.#clock.monotonic() + lifeMs });
  }
}

function lifeOf(answer: Answer<unknown>): number {
  if (answer.kind === "found") return Math.min(answer.ttlMs, LONGEST_MS);
  return answer.kind === "failed" ? FAILED_MS : NEGATIVE_MS;
}
