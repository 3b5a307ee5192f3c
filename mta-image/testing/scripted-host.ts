/**
 * A mail host that does exactly what a test says, wrong things too: its own small loop over raw sockets, no library,
 * so that replies can be missing, early, broken or in pieces. Lines end in CRLF and nothing else ends them; every
 * line of a connection is kept, and whatever stood between DATA and the lone dot is kept as a message.
 */
import { type Server, type Socket, createServer } from "node:net";

/** Bytes to send, "cut" to end the connection without a word, "silence" to say nothing, or undefined for the usual. */
export type HostReply = string | undefined;

export interface Asked {
  /** The command line; "." for the end of data, "" for the greeting. */
  readonly line: string;
  /** Number of the connection, from 1. */
  readonly connection: number;
  /** Messages of this connection that came to their end of data, this one included. */
  readonly message: number;
}

export class ScriptedHost {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #interruption = "";
  /** What the host says; replaced by a test at any time. */
  answer: (asked: Asked) => HostReply = () => undefined;
  /** EHLO keywords. */
  keywords: readonly string[] = ["PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8"];
  readonly lines: string[] = [];
  /** Raw content between DATA and the lone dot, still dot-stuffed. */
  readonly messages: string[] = [];
  connections = 0;
  /** Where the last connection came from. */
  lastPeer = "";
  /** Most connections at one time. */
  mostOpen = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static start(): Promise<ScriptedHost> {
    return new Promise((resolve) => {
      const server = createServer((socket) => host.#serve(socket));
      const host = new ScriptedHost(server);
      server.listen(0, "127.0.0.1", () => resolve(host));
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get open(): number {
    return this.#sockets.size;
  }

  /** Command words that came, such as "MAIL RCPT DATA . QUIT". */
  get words(): string {
    return this.lines.map((line) => line.split(" ")[0]?.toUpperCase()).join(" ");
  }

  /** Says something that nobody asked for, on every connection. */
  sayToAll(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  /**
   * Says something that nobody asked for as soon as more comes, on whichever connection. Whoever sends more has read what
   * was said until now, so that the two never arrive in one read.
   */
  interrupt(text: string): void {
    this.#interruption = text;
  }

  takeInterruption(): string {
    const text = this.#interruption;
    this.#interruption = "";
    return text;
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    this.lastPeer = socket.remoteAddress ?? "";
    const dialogue = new Dialogue(this, socket, ++this.connections);
    this.mostOpen = Math.max(this.mostOpen, this.#sockets.size);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => dialogue.push(chunk));
    dialogue.say("");
  }
}

class Dialogue {
  readonly #host: ScriptedHost;
  readonly #socket: Socket;
  readonly #connection: number;
  #text = "";
  #content: string | null = null;
  #messages = 0;

  constructor(host: ScriptedHost, socket: Socket, connection: number) {
    this.#host = host;
    this.#socket = socket;
    this.#connection = connection;
  }

  push(chunk: Buffer): void {
    const interruption = this.#host.takeInterruption();
    if (interruption !== "") this.#socket.write(interruption, "latin1");
    this.#text += chunk.toString("latin1");
    for (let end = this.#text.indexOf("\r\n"); end !== -1; end = this.#text.indexOf("\r\n")) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      if (this.#content === null) this.#command(line);
      else if (line === ".") this.#endOfData(this.#content);
      else this.#content += `${line}\r\n`;
      if (this.#socket.destroyed) return;
    }
  }

  say(line: string): void {
    const asked = { line, connection: this.#connection, message: this.#messages };
    const reply = this.#host.answer(asked) ?? this.#usual(line);
    if (reply === "silence") return;
    if (reply === "cut") this.#socket.destroy();
    else this.#socket.write(reply, "latin1");
    if (line.toUpperCase() === "DATA" && reply.startsWith("354")) this.#content = "";
  }

  #command(line: string): void {
    this.#host.lines.push(line);
    this.say(line);
    if (line.toUpperCase() === "QUIT") this.#socket.end();
  }

  #endOfData(content: string): void {
    this.#host.lines.push(".");
    this.#host.messages.push(content);
    this.#content = null;
    this.#messages++;
    this.say(".");
  }

  #usual(line: string): string {
    switch (line.split(" ")[0]?.toUpperCase()) {
      case "":
        return "220 host.example.net ready\r\n";
      case "EHLO":
        return ["host.example.net", ...this.#host.keywords]
          .map((text, i, all) => `250${i === all.length - 1 ? " " : "-"}${text}\r\n`)
          .join("");
      case "DATA":
        return "354 go on\r\n";
      case "QUIT":
        return "221 2.0.0 bye\r\n";
      case ".":
        return "250 2.0.0 taken\r\n";
      default:
        return "250 2.1.0 ok\r\n";
    }
  }
}
