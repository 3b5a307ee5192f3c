/**
 * A proxy for outbound connections, as an egress host runs one: SOCKS5 for IPv4, with a login where `login` is set, or the PROXY header. It
 * connects from the address named in that header (any of 127.0.0.0/8 in tests) and joins both connections. `refuse`
 * makes it say no.
 */
import { type Server, type Socket, connect, createServer } from "node:net";

import { readProxyHeader } from "#mta/net/proxy-header.ts";

interface Way {
  readonly to: string;
  readonly from: string;
  /** What came behind the request, for the far side. */
  readonly rest: Buffer;
  /** What the client is told once the far side is there. */
  readonly first: Buffer | null;
}

export class EgressProxy {
  /** Where connections were asked for, such as "127.0.0.1:2525". */
  readonly asked: string[] = [];
  refuse = false;
  /** "user:password"; null asks for none. */
  login: string | null = null;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static start(protocol: "socks5" | "proxy"): Promise<EgressProxy> {
    return new Promise((resolve) => {
      const server = createServer((socket) => proxy.#serve(socket, protocol));
      const proxy = new EgressProxy(server);
      server.listen(0, "127.0.0.1", () => resolve(proxy));
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket, protocol: "socks5" | "proxy"): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    const read = protocol === "proxy" ? readHeader : makeSocksReader(socket, this.login);
    let held = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk]);
      const way = read(held);
      if (way === null) return;
      socket.removeListener("data", onData);
      if (this.refuse) socket.end(socksReply(2));
      else this.#join(socket, way);
    };
    socket.on("data", onData);
  }

  #join(client: Socket, way: Way): void {
    this.asked.push(way.to);
    const [host = "", port] = way.to.split(":");
    const far = connect({ host, port: Number(port), localAddress: way.from }, () => {
      if (way.first !== null) client.write(way.first);
      far.write(way.rest);
      client.pipe(far).pipe(client);
    });
    this.#sockets.add(far);
    far.on("error", () => client.destroy());
  }
}

function readHeader(held: Buffer): Way | null {
  const header = readProxyHeader(held);
  if (header === null || header === "invalid") return null;
  const to = `${[...held.subarray(20, 24)].join(".")}:${held.readUInt16BE(26)}`;
  return { to, from: header.source?.ip ?? "", rest: held.subarray(header.end), first: null };
}

/** The greeting is three bytes of one method, the request ten with an IPv4 address. */
function makeSocksReader(socket: Socket, login: string | null): (held: Buffer) => Way | null {
  let hasGreeted = false;
  let loginBytes: number | null = login === null ? 0 : null;
  return (held) => {
    const greeting = 2 + (held[1] ?? 0);
    if (!hasGreeted && held.length >= 3) {
      hasGreeted = true;
      socket.write(Buffer.from([5, login === null ? 0 : 2]));
    }
    if (loginBytes === null) loginBytes = readLogin(socket, held.subarray(greeting), login ?? "");
    if (loginBytes === null) return null;
    const request = held.subarray(greeting + loginBytes);
    if (request.length < 10) return null;
    const to = `${[...request.subarray(4, 8)].join(".")}:${request.readUInt16BE(8)}`;
    return { to, from: "127.0.0.44", rest: request.subarray(10), first: socksReply(0) };
  };
}

/** Version 1, length and name, length and password (RFC 1929). */
function readLogin(socket: Socket, held: Buffer, login: string): number | null {
  const nameEnd = 2 + (held[1] ?? 0);
  const end = nameEnd + 1 + (held[nameEnd] ?? 0);
  if (held.length < 3 || held.length < end) return null;
  const said = `${held.toString("utf8", 2, nameEnd)}:${held.toString("utf8", nameEnd + 1, end)}`;
  if (said !== login) {
    socket.end(Buffer.from([1, 1]));
    return null;
  }
  socket.write(Buffer.from([1, 0]));
  return end;
}

function socksReply(status: number): Buffer {
  return Buffer.from([5, status, 0, 1, 127, 0, 0, 1, 0, 0]);
}
