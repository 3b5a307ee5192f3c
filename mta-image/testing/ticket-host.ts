/**
 * A mail host with STARTTLS and REQUIRETLS over Node's own TLS, which takes sessions up again: its ticket keys stay when
 * its certificate changes, as those of hosts behind one balancer do. It takes every message, and remembers of each
 * handshake whether it took a session up.
 */
import { randomBytes } from "node:crypto";
import { type Server, type Socket, createServer } from "node:net";
import { type SecureVersion, TLSSocket, createSecureContext } from "node:tls";

export interface TicketHostOptions {
  readonly version: SecureVersion;
  readonly pem: { readonly key: string; readonly cert: string };
}

export class TicketHost {
  /** In the order of handshakes that came to their end on this side. */
  readonly resumed: boolean[] = [];
  /** What it shows from the next handshake on. */
  pem: TicketHostOptions["pem"];
  readonly #version: SecureVersion;
  readonly #ticketKeys = randomBytes(48);
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor({ version, pem }: TicketHostOptions) {
    this.#version = version;
    this.pem = pem;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      this.#greet(socket);
    });
  }

  static start(options: TicketHostOptions): Promise<TicketHost> {
    const host = new TicketHost(options);
    return new Promise((resolve) => host.#server.listen(0, "127.0.0.1", () => resolve(host)));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #greet(plain: Socket): void {
    plain.on("error", () => {});
    plain.write("220 host\r\n");
    const stop = converse(plain, ["STARTTLS"], () => {
      stop();
      plain.write("220 go on\r\n");
      const { key, cert } = this.pem;
      const versions = { minVersion: this.#version, maxVersion: this.#version };
      const secureContext = createSecureContext({ key, cert, ticketKeys: this.#ticketKeys, ...versions });
      const secure = new TLSSocket(plain, { isServer: true, secureContext });
      secure.on("error", () => {});
      secure.once("secure", () => this.resumed.push(secure.isSessionReused()));
      converse(secure, ["REQUIRETLS"], () => {});
    });
  }
}

/** Says yes to everything. What comes back ends it. */
function converse(socket: Socket, keywords: readonly string[], onStartTls: () => void): () => void {
  let text = "";
  let isContent = false;
  const command = (line: string): void => {
    if (line === "STARTTLS") return onStartTls();
    if (isContent && line !== ".") return;
    isContent = line === "DATA";
    if (line.startsWith("EHLO")) socket.write(["host", ...keywords].map(listed).join(""));
    else if (line === "QUIT") socket.end("221 bye\r\n");
    else socket.write(isContent ? "354 go on\r\n" : "250 ok\r\n");
  };
  const onData = (chunk: Buffer): void => {
    text += chunk.toString("latin1");
    const lines = text.split("\r\n");
    text = lines.pop() ?? "";
    for (const line of lines) command(line);
  };
  socket.on("data", onData);
  return () => socket.removeListener("data", onData);
}

const listed = (word: string, at: number, all: readonly string[]): string =>
  `250${at === all.length - 1 ? " " : "-"}${word}\r\n`;
