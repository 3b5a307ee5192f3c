/**
 * One question to name servers of our choosing, over UDP and over TCP when an answer is cut, with what they say of DNSSEC
 * (the AD bit, which Node's own resolver hides). What is not asked for is not believed: an answer counts only from the
 * server asked, with the number and the question that were sent. Keeps nothing. Never rejects: servers that do not
 * answer, and answers that make no sense, are `failed`.
 */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import { type Packet, decode, encode, streamEncode } from "dns-packet";

import type { Clock, Timer } from "#base/clock.ts";

/** The forms of records that are more than a text. */
export type { CaaData, SoaData, SrvData, TlsaData } from "dns-packet";

export type QuestionType =
  | "A"
  | "AAAA"
  | "CAA"
  | "CNAME"
  | "MX"
  | "NS"
  | "PTR"
  | "SOA"
  | "SRV"
  | "TLSA"
  | "TXT";

export interface ServerAnswer {
  /**
   * `none`: there are no such records; `no-domain`: no such name, or one that cannot be; `failed`: nobody can tell now, or
   * the answer was bogus (SERVFAIL).
   */
  readonly kind: "found" | "none" | "no-domain" | "failed";
  readonly isAuthentic: boolean;
  /** The data of records of the type asked for, as the library gives them. */
  readonly records: readonly unknown[];
  readonly reason: string;
  /** Whose the records are: another name than the one asked for where CNAMEs lead there, which it vouches for too. */
  readonly owner: string;
  /** How long it may be kept; 0 for what failed. */
  readonly ttlMs: number;
}

export interface Asking {
  readonly clock: Clock;
  /** "192.0.2.1", "192.0.2.1:53" or "[::1]:53", in the order to ask them. */
  readonly servers: readonly string[];
  /** Of one try at one server. */
  readonly timeoutMs: number;
  /** Of all tries together; absent: each has its own time. */
  readonly totalMs?: number;
}

/** DO: DNSSEC is understood (RFC 3225); AD: we want to know (RFC 6840 5.7). */
const EDNS = { type: "OPT", name: ".", udpPayloadSize: 1232, flags: 0x8000 } as const;
const RECURSE_AND_TELL = 0x100 | 0x20;
/** RFC 2308 would take this from the SOA record. */
const NEGATIVE_MS = 60_000;
const MOST_TCP_BYTES = 65_537;

export async function askServers(asking: Asking, name: string, type: QuestionType): Promise<ServerAnswer> {
  const { clock, servers, timeoutMs, totalMs = Infinity } = asking;
  if (!isDnsName(name)) return { ...failed("no name of DNS"), kind: "no-domain" };
  const end = clock.monotonic() + totalMs;
  let last = failed("no server is configured");
  // Each server twice: a lost packet is no answer about the name.
  for (const server of [...servers, ...servers]) {
    const withinMs = Math.min(timeoutMs, end - clock.monotonic());
    if (withinMs <= 0) break;
    last = await askServer({ server, clock, endsAt: clock.monotonic() + withinMs }, name, type);
    if (last.kind !== "failed" || last.reason === "SERVFAIL") break;
  }
  return last;
}

/** RFC 1035 2.3.4. The library writes longer labels, and dots beside line ends, as something else. */
function isDnsName(name: string): boolean {
  if (name === ".") return true;
  const bare = name.endsWith(".") ? name.slice(0, -1) : name;
  const lengths = bare.split(".").map((label) => Buffer.byteLength(label));
  return (
    Buffer.byteLength(bare) <= 253 &&
    !/[\0-\x20]/.test(bare) &&
    lengths.every((bytes) => bytes > 0 && bytes <= 63)
  );
}

interface Way {
  readonly place: { readonly host: string; readonly port: number };
  readonly question: Packet;
  readonly clock: Clock;
  /** On the monotonic clock. */
  readonly endsAt: number;
}

async function askServer(
  { server, clock, endsAt }: { readonly server: string } & Pick<Way, "clock" | "endsAt">,
  name: string,
  type: QuestionType,
): Promise<ServerAnswer> {
  const question: Packet = {
    type: "query",
    id: randomInt(65_536),
    flags: RECURSE_AND_TELL,
    questions: [{ type, name }],
    additionals: [{ ...EDNS, options: [] } as never],
  };
  const way = { place: parseServer(server), question, clock, endsAt };
  try {
    const answer = await overUdp(way, encode(question));
    return judgeDnsAnswer(answer.flag_tc === true ? await overTcp(way) : answer, type);
  } catch (error) {
    return failed(error instanceof Error ? error.message : "no answer");
  }
}

function giveUpLater({ clock, endsAt }: Way, reject: (error: Error) => void): Timer {
  return clock.after(Math.max(0, endsAt - clock.monotonic()), () => reject(new Error("no answer in time")));
}

type Decoded = Packet & { readonly rcode?: string; readonly flag_ad?: boolean; readonly flag_tc?: boolean };

function overUdp(way: Way, bytes: Buffer): Promise<Decoded> {
  const { place, question } = way;
  const socket = createSocket(isIP(place.host) === 6 ? "udp6" : "udp4");
  return new Promise<Decoded>((resolve, reject) => {
    const timer = giveUpLater(way, reject);
    socket.on("error", reject);
    socket.on("message", (heard) => {
      const answer = readDnsAnswer(heard, question);
      if (answer !== null) resolve(answer);
    });
    // Connected: the kernel drops what comes from elsewhere.
    socket.connect(place.port, place.host, () => socket.send(bytes));
    socket.on("close", () => timer.cancel());
  }).finally(() => socket.close());
}

function overTcp(way: Way): Promise<Decoded> {
  const { place, question } = way;
  const socket = connect(place);
  let held = Buffer.alloc(0);
  return new Promise<Decoded>((resolve, reject) => {
    const timer = giveUpLater(way, reject);
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
    return isOurs && nameOf(echoed) === nameOf(asked) ? answer : null;
  } catch {
    return null;
  }
}

function nameOf(question: { readonly name: string } | undefined): string {
  return (question?.name ?? "").toLowerCase().replace(/\.$/, "");
}

export function judgeDnsAnswer(answer: Decoded, type: QuestionType): ServerAnswer {
  const { rcode = "SERVFAIL", flag_ad: isAuthentic = false } = answer;
  if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return failed(rcode);
  const found = (answer.answers ?? []).filter((record) => record.type === type) as {
    readonly name: string;
    readonly data: unknown;
    readonly ttl?: number;
  }[];
  if (found.length === 0) {
    const kind = rcode === "NXDOMAIN" ? "no-domain" : "none";
    return { kind, isAuthentic, records: [], reason: "", owner: "", ttlMs: NEGATIVE_MS };
  }
  const ttlMs = Math.min(...found.map(({ ttl = 0 }) => ttl)) * 1000;
  const records = found.map(({ data }) => data);
  const owner = (found[0]?.name ?? "").toLowerCase();
  return { kind: "found", isAuthentic, records, reason: "", owner, ttlMs };
}

export function failed(reason: string): ServerAnswer {
  return { kind: "failed", isAuthentic: false, records: [], reason, owner: "", ttlMs: 0 };
}

function parseServer(text: string): { host: string; port: number } {
  if (isIP(text) !== 0) return { host: text, port: 53 };
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
}
