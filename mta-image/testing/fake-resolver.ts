/**
 * DNS from a table, for tests. A name that is not in the table does not exist. `failed` names answer like a
 * server in trouble.
 */
import type { Answer, MxRecord, RecordResolver } from "../src/dns/resolver.ts";

export interface FakeZone {
  readonly mx?: readonly (readonly [preference: number, exchange: string])[];
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly txt?: readonly string[];
  readonly ptr?: readonly string[];
  readonly cname?: string;
  readonly failed?: boolean;
}

export class FakeResolver implements RecordResolver {
  readonly zones: Map<string, FakeZone>;
  /** Every question asked, such as "mx example.org". */
  readonly asked: string[] = [];
  ttlMs = 60_000;

  constructor(zones: Readonly<Record<string, FakeZone>>) {
    this.zones = new Map(Object.entries(zones));
  }

  mx(domain: string): Promise<Answer<MxRecord>> {
    return this.#answer("mx", domain, (zone) =>
      zone.mx?.map(([preference, exchange]) => ({ preference, exchange })),
    );
  }

  a(name: string): Promise<Answer<string>> {
    return this.#answer("a", name, (zone) => zone.a);
  }

  aaaa(name: string): Promise<Answer<string>> {
    return this.#answer("aaaa", name, (zone) => zone.aaaa);
  }

  txt(name: string): Promise<Answer<readonly string[]>> {
    return this.#answer("txt", name, (zone) => zone.txt?.map((text) => [text]));
  }

  ptr(name: string): Promise<Answer<string>> {
    return this.#answer("ptr", name, (zone) => zone.ptr);
  }

  cname(name: string): Promise<Answer<string>> {
    return this.#answer("cname", name, (zone) => (zone.cname === undefined ? [] : [zone.cname]));
  }

  #answer<T>(
    type: string,
    name: string,
    pick: (zone: FakeZone) => readonly T[] | undefined,
  ): Promise<Answer<T>> {
    this.asked.push(`${type} ${name}`);
    const zone = this.zones.get(name);
    if (zone === undefined) return Promise.resolve({ kind: "no-domain" });
    if (zone.failed === true) return Promise.resolve({ kind: "failed", reason: "SERVFAIL" });
    const records = pick(zone) ?? [];
    return Promise.resolve(
      records.length === 0 ? { kind: "none" } : { kind: "found", records, ttlMs: this.ttlMs },
    );
  }
}
