/**
 * DNS answers with a word on whether they were validated (DNSSEC): the AD bit of a name server that validates and that
 * the configuration trusts, over a path that nobody else can write to (docs/decisions). Node's own resolver hides that
 * bit, so questions are made here, over UDP and over TCP when an answer is cut. What is not asked for is not believed:
 * an answer counts only from the server asked, with the number and the question that were sent.
 *
 * Never rejects: servers that do not answer, and answers that make no sense, are `failed`. Bounded: the cache.
 */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import { type Packet, decode, encode, streamEncode } from "dns-packet";

import type { Clock } from "#base/clock.ts";

export type ValidatedType = "A" | "AAAA" | "CNAME" | "MX" | "TLSA";

export interface ValidatedAnswer {
  /** `none`: there are no such records; `failed`: nobody can tell now, or the answer was bogus (SERVFAIL). */
  readonly kind: "found" | "none" | "failed";
  readonly isAuthentic: boolean;
  /** The data of records of the type asked for, as the library gives them. */
  readonly records: readonly unknown[];
  readonly reason: string;
  /** Whose the records are: another name than the one asked for where CNAMEs lead there, which it vouches for too. */
  readonly owner: string;
}

export interface ValidatedResolver {
  ask(name: string, type: ValidatedType): Promise<ValidatedAnswer>;
}

export interface TrustedServersOptions {
  readonly clock: Clock;
  /** "192.0.2.1", "192.0.2.1:53" or "[::1]:53". */
  readonly servers: readonly string[];
  /** Of one try at one server. */
  readonly timeoutMs: number;
}

/** DO: DNSSEC is understood (RFC 3225); AD: we want to know (RFC 6840 5.7). */
const EDNS = { type: "OPT", name: ".", udpPayloadSize: 1232, flags: 0x8000 } as const;
const RECURSE_AND_TELL = 0x100 | 0x20;
const MOST_KEPT = 10_000;
const LONGEST_MS = 3_600_000;
const NEGATIVE_MS = 60_000;
const MOST_TCP_BYTES = 65_537;

export class TrustedServers implements ValidatedResolver {
  readonly #options: TrustedServersOptions;
  readonly #kept = new Map<string, { readonly answer: ValidatedAnswer; readonly until: number }>();

  constructor(options: TrustedServersOptions) {
    this.#options = options;
  }

  async ask(name: string, type: ValidatedType): Promise<ValidatedAnswer> {
    const key = `${type} ${name.toLowerCase()}`;
    const { clock, servers } = this.#options;
    const known = this.#kept.get(key);
    if (known !== undefined && known.until > clock.monotonic()) return known.answer;
    let last = failed("no server is configured");
    // Each server twice: a lost packet is no answer about the name.
    for (const server of [...servers, ...servers]) {
      const asked = await this.#askOne(server, name, type);
      if (asked.answer.kind !== "failed") return this.#keep(key, asked);
      last = asked.answer;
      if (last.reason === "SERVFAIL") break;
    }
    return last;
  }

  #keep(key: string, asked: Asked): ValidatedAnswer {
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    const life = Math.min(asked.lifeMs, LONGEST_MS);
    this.#kept.set(key, { answer: asked.answer, until: this.#options.clock.monotonic() + life });
    return asked.answer;
  }

  async #askOne(server: string, name: string, type: ValidatedType): Promise<Asked> {
    const { clock, timeoutMs } = this.#options;
    const question: Packet = {
      type: "query",
      id: randomInt(65_536),
      flags: RECURSE_AND_TELL,
      questions: [{ type, name }],
      additionals: [{ ...EDNS, options: [] } as never],
    };
    const place = parseServer(server);
    const way = { place, question, clock, timeoutMs };
    try {
      const answer = await overUdp(way);
      return judgeDnsAnswer(answer.flag_tc === true ? await overTcp(way) : answer, type);
    } catch (error) {
      return { answer: failed(error instanceof Error ? error.message : "no answer"), lifeMs: 0 };
    }
  }
}

interface Asked {
  readonly answer: ValidatedAnswer;
  readonly lifeMs: number;
}

type Decoded = Packet & { readonly rcode?: string; readonly flag_ad?: boolean; readonly flag_tc?: boolean };

interface Way {
  readonly place: { readonly host: string; readonly port: number };
  readonly question: Packet;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

function overUdp({ place, question, clock, timeoutMs }: Way): Promise<Decoded> {
  const socket = createSocket(isIP(place.host) === 6 ? "udp6" : "udp4");
  return new Promise<Decoded>((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => reject(new Error("no answer in time")));
    socket.on("error", reject);
    socket.on("message", (bytes) => {
      const answer = readDnsAnswer(bytes, question);
      if (answer !== null) resolve(answer);
    });
    // Connected: the kernel drops what comes from elsewhere.
    socket.connect(place.port, place.host, () => socket.send(encode(question)));
    socket.on("close", () => timer.cancel());
  }).finally(() => socket.close());
}

function overTcp({ place, question, clock, timeoutMs }: Way): Promise<Decoded> {
  const socket = connect(place);
  let held = Buffer.alloc(0);
  return new Promise<Decoded>((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => reject(new Error("no answer in time")));
    socket.on("error", reject);
    socket.on("close", () => {
      timer.cancel();
      reject(new Error("the server hung up"));
    });
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      const length = held.length < 2 ? MOST_TCP_BYTES : held.readUInt16BE(0) + 2;
      if (held.length < length) return;
      const answer = readDnsAnswer(held.subarray(2, length), question);
      if (answer === null) reject(new Error("an answer to another question"));
      else resolve(answer);
    });
    socket.write(streamEncode(question));
  }).finally(() => socket.destroy());
}

/** Null for what is no answer to the question. */
export function readDnsAnswer(bytes: Buffer, question: Packet): Decoded | null {
  try {
    const answer = decode(bytes) as Decoded;
    const [asked] = question.questions ?? [];
    const [echoed] = answer.questions ?? [];
    const isOurs = answer.type === "response" && answer.id === question.id && echoed?.type === asked?.type;
    return isOurs && echoed?.name.toLowerCase() === asked?.name.toLowerCase() ? answer : null;
  } catch {
    return null;
  }
}

export function judgeDnsAnswer(answer: Decoded, type: ValidatedType): Asked {
  const { rcode = "SERVFAIL", flag_ad: isAuthentic = false } = answer;
  if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return { answer: failed(rcode), lifeMs: 0 };
  const found = (answer.answers ?? []).filter((record) => record.type === type) as {
    readonly name: string;
    readonly data: unknown;
    readonly ttl?: number;
  }[];
  const lifeMs = Math.min(...found.map(({ ttl = 0 }) => ttl)) * 1000;
  if (found.length === 0) {
    return { answer: { kind: "none", isAuthentic, records: [], reason: "", owner: "" }, lifeMs: NEGATIVE_MS };
  }
  const records = found.map(({ data }) => data);
  const owner = (found[0]?.name ?? "").toLowerCase();
  return { answer: { kind: "found", isAuthentic, records, reason: "", owner }, lifeMs };
}

function failed(reason: string): ValidatedAnswer {
  return { kind: "failed", isAuthentic: false, records: [], reason, owner: "" };
}

function parseServer(text: string): { host: string; port: number } {
  if (isIP(text) !== 0) return { host: text, port: 53 };
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
}
