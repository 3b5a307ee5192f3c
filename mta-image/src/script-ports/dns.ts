/** DNS for scripts: the engine's resolver with its cache where it knows the type, c-ares for the rest. Never rejects. */
import { type AnyRecord, Resolver as NodeResolver } from "node:dns";

import { fromError } from "../dns/system-resolver.ts";
import type { Answer, RecordResolver } from "../dns/resolver.ts";
import type { DnsAnswer, DnsPort, DnsRecord, DnsType } from "../script/ports.ts";

type Found = DnsAnswer & { readonly ttlSeconds?: number };

export interface DnsOptions {
  readonly resolver: RecordResolver;
  /** As for the resolver; asked at each question, since a reload may change them. Empty for the system's. */
  readonly servers: () => readonly string[];
  readonly timeoutMs: number;
}

export function makeDnsPort(options: DnsOptions): DnsPort {
  const { resolver } = options;
  return {
    query: async (name, type) => {
      switch (type) {
        case "a":
        case "aaaa":
        case "ptr":
        case "cname":
          return found(await resolver[type](name), (text) => text);
        case "txt":
          return found(await resolver.txt(name), (texts) => texts.join(""));
        case "mx":
          return found(await resolver.mx(name), (one) => ({ ...one }), true);
        default:
          return ask(options, name, type);
      }
    },
  };
}

function found<T>(answer: Answer<T>, convert: (record: T) => DnsRecord, isRanked = false): Found {
  if (answer.kind !== "found") return { error: wordOf(answer) };
  const records = answer.records.map(convert);
  const ordered = isRanked ? records.toSorted((a, b) => rank(a) - rank(b)) : records;
  return { records: ordered, ttlSeconds: Math.round(answer.ttlMs / 1000) };
}

function rank(record: DnsRecord): number {
  return typeof record === "string" ? 0 : Number(record["preference"] ?? 0);
}

function wordOf(answer: Exclude<Answer<unknown>, { kind: "found" }>): string {
  if (answer.kind === "none") return "NO_DATA";
  if (answer.kind === "no-domain") return "NXDOMAIN";
  return answer.reason === "ESERVFAIL" ? "SERVFAIL" : "TRY_AGAIN";
}

function ask({ servers, timeoutMs }: DnsOptions, name: string, type: DnsType): Promise<Found> {
  const resolver = new NodeResolver({ timeout: timeoutMs, tries: 2 });
  const own = servers();
  if (own.length > 0) resolver.setServers(own);
  return new Promise((resolve) => {
    try {
      resolver.resolve(name.endsWith(".") ? name : `${name}.`, type.toUpperCase(), (error, records) => {
        if (error !== null) return resolve({ error: wordOf(fromError(error.code ?? "")) });
        const all = (Array.isArray(records) ? records : [records]) as readonly (string | AnyRecord)[];
        resolve(all.length === 0 ? { error: "NO_DATA" } : { records: all.map(recordOf) });
      });
    } catch (error) {
      resolve({ error: wordOf(fromError((error as NodeJS.ErrnoException).code ?? "")) });
    }
  });
}

/** Fields as node:dns names them; bytes as hexadecimal. */
function recordOf(record: string | AnyRecord): DnsRecord {
  if (typeof record === "string") return record;
  const fields = Object.entries(record).map(([name, value]) => [
    name,
    typeof value === "number" ? value : fieldText(value),
  ]);
  return Object.fromEntries(fields) as DnsRecord;
}

function fieldText(value: unknown): string {
  const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString("hex") : String(value);
}
