/**
 * A small DNS server over UDP and TCP that answers as a test tells it, well or badly. It knows A records and the ways
 * in which servers are of no help; `asked` holds every name that came, without the final dot.
 */
import { type Socket as UdpSocket, createSocket } from "node:dgram";
import { type AddressInfo, type Server, createServer } from "node:net";

export type DnsAnswer =
  | { readonly kind: "addresses"; readonly addresses: readonly string[]; readonly ttl?: number }
  | { readonly kind: "no-domain" | "server-failure" | "refused" | "silence" | "garbage" }
  /** UDP says "too long", TCP gives the addresses. */
  | { readonly kind: "truncated"; readonly addresses: readonly string[] };

const RCODE = { addresses: 0, truncated: 0, "server-failure": 2, "no-domain": 3, refused: 5 } as const;

export class MisbehavingDns {
  readonly asked: string[] = [];
  /** How many came over TCP. */
  tcpQuestions = 0;
  /** How far away it is, over UDP. */
  delayMs = 0;
  answer: (name: string) => DnsAnswer = () => ({ kind: "no-domain" });
  readonly #udp: UdpSocket = createSocket("udp4");
  readonly #tcp: Server;

  private constructor() {
    this.#udp.on("message", (question, from) => {
      const reply = this.#reply(question, { isTcp: false });
      if (reply === null) return;
      const send = (): void => this.#udp.send(reply, from.port, from.address);
      if (this.delayMs === 0) send();
      else setTimeout(send, this.delayMs);
    });
    this.#tcp = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", (data: Buffer) => {
        this.tcpQuestions++;
        const reply = this.#reply(data.subarray(2), { isTcp: true });
        if (reply === null) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([length, reply]));
      });
    });
  }

  static async start(): Promise<MisbehavingDns> {
    const server = new MisbehavingDns();
    await new Promise<void>((resolve) => server.#tcp.listen(0, "127.0.0.1", resolve));
    await new Promise<void>((resolve) => server.#udp.bind(server.#port, "127.0.0.1", resolve));
    return server;
  }

  get server(): string {
    return `127.0.0.1:${this.#port}`;
  }

  stop(): void {
    this.#udp.close();
    this.#tcp.close();
  }

  get #port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  #reply(question: Buffer, { isTcp }: { isTcp: boolean }): Buffer | null {
    const { name, end } = readName(question);
    this.asked.push(name);
    const answer = this.answer(name);
    if (answer.kind === "silence") return null;
    if (answer.kind === "garbage") return Buffer.concat([question.subarray(0, 2), Buffer.alloc(300, 0xc0)]);
    const isTruncated = answer.kind === "truncated" && !isTcp;
    const addresses = "addresses" in answer && !isTruncated ? answer.addresses : [];
    const ttl = answer.kind === "addresses" ? (answer.ttl ?? 60) : 60;
    const head = Buffer.alloc(12);
    question.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | (isTruncated ? 0x0200 : 0) | RCODE[answer.kind], 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(addresses.length, 6);
    return Buffer.concat([
      head,
      question.subarray(12, end + 4),
      ...addresses.map((address) => record(address, ttl)),
    ]);
  }
}

function readName(question: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), end: at + 1 };
}

function record(address: string, ttl: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(0xc00c, 0);
  bytes.writeUInt16BE(1, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt32BE(ttl, 6);
  bytes.writeUInt16BE(4, 10);
  Buffer.from(address.split(".").map(Number)).copy(bytes, 12);
  return bytes;
}
