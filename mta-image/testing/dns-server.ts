/**
 * A DNS server on loopback with answers from a table, so that the resolver is tested through the real library: enough
 * of RFC 1035 for A, AAAA, MX, TXT, TLSA and one CNAME on the way over UDP. Names without an entry get NXDOMAIN; a code in place of records is sent as
 * it is; "silence" gets no answer.
 */
import { type Socket, createSocket } from "node:dgram";
import { once } from "node:events";

export interface DnsTable {
  readonly [name: string]: {
    readonly mx?: readonly (readonly [preference: number, exchange: string])[];
    readonly a?: readonly string[];
    readonly aaaa?: readonly (readonly number[])[];
    readonly cname?: string;
    readonly txt?: readonly string[];
    /** Usage, selector and type, then the data. */
    readonly tlsa?: readonly Buffer[];
    /** Of types by number, without their names. */
    readonly other?: Readonly<Record<string, readonly Buffer[]>>;
    /** SERVFAIL is 2, NXDOMAIN 3, REFUSED 5. */
    readonly code?: number;
    readonly isSilent?: boolean;
    /** Seconds; 120 when absent. */
    readonly ttl?: number;
    /** Addresses of other names, which nobody asked about, in the answer and behind it. */
    readonly beside?: Readonly<Record<string, string>>;
    /** The answer says that it was validated (RFC 4035 3.2.3). */
    readonly isAuthentic?: boolean;
  };
}

const TYPES = { a: 1, cname: 5, mx: 15, txt: 16, aaaa: 28, tlsa: 52 } as const;
const TTL_SECONDS = 120;

export class DnsServer {
  /** Questions in order, such as "mx example.net". */
  readonly asked: string[] = [];
  readonly #socket: Socket;
  readonly #table: DnsTable;

  private constructor(socket: Socket, table: DnsTable) {
    this.#socket = socket;
    this.#table = table;
    socket.on("message", (query, from) => {
      const answer = this.#answer(query);
      if (answer !== null) socket.send(answer, from.port, from.address);
    });
  }

  static async start(table: DnsTable): Promise<DnsServer> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new DnsServer(socket, table);
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  stop(): void {
    this.#socket.close();
  }

  #answer(query: Buffer): Buffer | null {
    const { name, end } = readName(query);
    const type = query.readUInt16BE(end);
    const word = Object.entries(TYPES).find(([, number]) => number === type)?.[0] ?? String(type);
    this.asked.push(`${word} ${name}`);
    const entry = this.#table[name.toLowerCase()];
    if (entry?.isSilent === true) return null;
    const alias = word === "cname" ? undefined : entry?.cname;
    const target = alias === undefined ? undefined : this.#table[alias];
    const own = recordsOf(entry ?? {}, word).map((bytes) => record(type, bytes, undefined, entry?.ttl));
    const far = recordsOf(target ?? {}, word).map((bytes) => record(type, bytes, alias));
    const hop = alias === undefined ? [] : [record(TYPES.cname, writeName(alias))];
    const beside = Object.entries(entry?.beside ?? {}).map(([owner, ip]) =>
      record(TYPES.a, Buffer.from(ip.split(".").map(Number)), owner),
    );
    const data = [...hop, ...own, ...far, ...beside];
    const isAuthentic = entry?.isAuthentic === true && (target === undefined || target.isAuthentic === true);
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    const authentic = isAuthentic ? 0x20 : 0;
    head.writeUInt16BE(0x8180 | authentic | (entry === undefined ? 3 : (entry.code ?? 0)), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(data.length, 6);
    head.writeUInt16BE(beside.length, 10);
    return Buffer.concat([head, query.subarray(12, end + 4), ...data, ...beside]);
  }
}

function recordsOf(entry: DnsTable[string], word: string): Buffer[] {
  if (word === "a") return (entry.a ?? []).map((ip) => Buffer.from(ip.split(".").map(Number)));
  if (word === "aaaa") return (entry.aaaa ?? []).map((bytes) => Buffer.from(bytes));
  if (word === "txt") return (entry.txt ?? []).map(writeText);
  if (word === "cname") return entry.cname === undefined ? [] : [writeName(entry.cname)];
  if (word === "tlsa") return [...(entry.tlsa ?? [])];
  if (word !== "mx") return [...(entry.other?.[word] ?? [])];
  return (entry.mx ?? []).map(([preference, exchange]) =>
    Buffer.concat([Buffer.from([preference >> 8, preference & 255]), writeName(exchange)]),
  );
}

/** In strings of at most 255 bytes (RFC 1035 3.3.14). */
function writeText(text: string): Buffer {
  const strings = text.match(/.{1,255}/g) ?? [""];
  return Buffer.concat(strings.map((part) => Buffer.from([part.length, ...Buffer.from(part)])));
}

/** Without an owner the name is that of the question, at offset 12. */
function record(type: number, data: Buffer, owner?: string, ttl = TTL_SECONDS): Buffer {
  const name = owner === undefined ? Buffer.from([0xc0, 12]) : writeName(owner);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(ttl, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, head, data]);
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), end: at + 1 };
}

function writeName(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}
