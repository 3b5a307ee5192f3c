/**
 * DNS for scripts. The engine's resolver with its cache answers where it knows the type, or the name servers that are
 * trusted to validate where the configuration has some, whose word on DNSSEC comes along; what is left is asked of the same
 * servers here. Servers that a script names answer for that question alone. Never rejects.
 */
import { getServers } from "node:dns";

import type { Clock } from "#base/clock.ts";

import { type NamedServers, type ServerChoice, answerOf } from "../dns/named-servers.ts";
import type { QuestionType, ServerAnswer } from "../dns/question.ts";
import type { Answer, RecordResolver } from "../dns/resolver.ts";
import type { ValidatedResolver } from "../dns/validated-resolver.ts";
import type { DnsAnswer, DnsFound, DnsPort, DnsRecord, DnsType, DnsWish } from "../script/ports.ts";
import { recordOf } from "./dns-record.ts";

type Found = DnsAnswer & DnsFound;

export interface DnsOptions {
  readonly clock: Clock;
  readonly resolver: RecordResolver;
  /** As for the resolver; asked at each question, since a reload may change them. Empty for the system's. */
  readonly servers: () => readonly string[];
  readonly named: NamedServers;
  /** Null, or absent: no server is trusted to validate. */
  readonly validated?: () => ValidatedResolver | null;
}

/** As the manual of the language has it. */
export const USUAL_TIMEOUT_MS = 5_000;

export function makeDnsPort(options: DnsOptions): DnsPort {
  const { clock, named } = options;
  return {
    query: (name, type, { servers, timeoutMs } = noWish) => {
      if (servers === null) return inTime(clock, timeoutMs, usual(options, name, type));
      return askNamed(named, { servers, timeoutMs: timeoutMs ?? USUAL_TIMEOUT_MS }, { name, type });
    },
  };
}

export const noWish: DnsWish = { servers: null, timeoutMs: null };

/** The question goes on, for those who come later, when the time of this one is over. */
function inTime(clock: Clock, timeoutMs: number | null, answer: Promise<Found>): Promise<Found> {
  if (timeoutMs === null) return answer;
  return new Promise((resolve) => {
    const timer = clock.after(timeoutMs, () => resolve({ error: "TRY_AGAIN" }));
    void answer.then((found) => {
      timer.cancel();
      resolve(found);
    });
  });
}

async function usual(options: DnsOptions, name: string, type: DnsType): Promise<Found> {
  const { resolver, named, servers } = options;
  const validated = options.validated?.() ?? null;
  if (validated !== null) return fromServer(await validated.ask(name, questionType(type)), type);
  switch (type) {
    case "a":
    case "aaaa":
    case "ptr":
    case "cname":
      return found(await resolver[type](name), (text) => text);
    case "txt":
      return found(await resolver.txt(name), (texts) => texts.join(""));
    case "mx":
      return found(await resolver.mx(name), (one) => ({ ...one }));
    default: {
      const own = servers();
      const choice = { servers: own.length > 0 ? own : getServers(), timeoutMs: USUAL_TIMEOUT_MS };
      return { ...(await askNamed(named, choice, { name, type })), isAuthentic: false };
    }
  }
}

async function askNamed(
  named: NamedServers,
  choice: ServerChoice,
  { name, type }: { readonly name: string; readonly type: DnsType },
): Promise<Found> {
  return fromServer(await named.ask(choice, name, questionType(type)), type);
}

function fromServer(answer: ServerAnswer, type: DnsType): Found {
  const { isAuthentic } = answer;
  return { ...found(answerOf<unknown>(answer), (record) => recordOf(record, type)), isAuthentic };
}

function questionType(type: DnsType): QuestionType {
  return type.toUpperCase() as QuestionType;
}

function found<T>(answer: Answer<T>, convert: (record: T) => DnsRecord): Found {
  if (answer.kind !== "found") return { error: wordOf(answer) };
  const records = answer.records.map(convert).toSorted((a, b) => rank(a) - rank(b));
  return { records, ttlSeconds: Math.round(answer.ttlMs / 1000) };
}

/** Mail exchangers come by preference, all else as it came. */
function rank(record: DnsRecord): number {
  return typeof record === "string" ? 0 : Number(record["preference"] ?? 0);
}

function wordOf(answer: Exclude<Answer<unknown>, { kind: "found" }>): string {
  if (answer.kind === "none") return "NO_DATA";
  if (answer.kind === "no-domain") return "NXDOMAIN";
  return answer.reason === "ESERVFAIL" || answer.reason === "SERVFAIL" ? "SERVFAIL" : "TRY_AGAIN";
}
