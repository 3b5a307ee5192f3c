/**
 * A SOCKS5 proxy for outbound connections over IPv4, with a login where `login` is set: it joins both connections. `refuse`
 * makes it say no.
 */
import { type Server, type Socket, connect, createServer } from "node:net";

const OWN = "127.0.0.44";

interface Way {
  readonly to: string;
  /** What came behind the request, for the far side. */
  readonly rest: Buffer;
}

export class SocksProxy {
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

  static start(): Promise<SocksProxy> {
    return new Promise((resolve) => {
      const server = createServer((socket) => proxy.#serve(socket));
      const proxy = new SocksProxy(server);
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

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    const read = makeSocksReader(socket, this.login);
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
    const far = connect({ host, port: Number(port), localAddress: OWN }, () => {
      client.write(socksReply(0));
      far.write(way.rest);
      client.pipe(far).pipe(client);
    });
    this.#sockets.add(far);
    far.on("error", () => client.destroy());
  }
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
    return { to, rest: request.subarray(10) };
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
