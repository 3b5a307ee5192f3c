/**
 * The client's side of one SMTP connection, a command at a time: connect, say hello, STARTTLS, sign on. Every wait is
 * bounded by the server's timeout and ends with the signal. Rejects on trouble with the connection or the protocol; what
 * the server says is the caller's business.
 */
import { type Socket, connect as connectPlain, isIP } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

import type { Clock } from "#base/clock.ts";

import type { SmtpServer } from "../script/ports.ts";
import { ReplyParser, type ServerReply } from "../smtp/reply-parser.ts";

export class SmtpTalk {
  readonly #server: SmtpServer;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #socket: Socket | null = null;
  #parser = new ReplyParser();
  #replies: ServerReply[] = [];
  #error: Error | null = null;
  #wake: (() => void) | null = null;
  #extensions: readonly string[] = [];

  constructor(server: SmtpServer, around: { readonly clock: Clock; readonly signal: AbortSignal }) {
    this.#server = server;
    this.#clock = around.clock;
    this.#signal = around.signal;
  }

  async connect(): Promise<void> {
    const { host, port, implicitTls } = this.#server;
    const socket = implicitTls ? connectTls(this.#tls(null)) : connectPlain({ host, port });
    await this.#ready(socket, implicitTls ? "secureConnect" : "connect");
  }

  async hello(name: string): Promise<void> {
    const reply = await this.command(`EHLO ${name}`);
    this.#extensions = reply.code === 250 ? reply.lines.slice(1).map((line) => line.toUpperCase()) : [];
    if (reply.code !== 250 && (await this.command(`HELO ${name}`)).code !== 250)
      throw new Error(`the server refused our greeting: ${reply.code} ${reply.lines.join(" ")}`);
  }

  /** Starts TLS as the server's mode wants; says why when it had to be and could not. */
  async secure(name: string): Promise<string | null> {
    const { tls, implicitTls } = this.#server;
    if (tls === "disabled" || implicitTls) return null;
    const isRequired = tls === "require" || tls === "require_verify" || tls === "dane";
    if (!this.#extensions.includes("STARTTLS")) return isRequired ? "the server has no STARTTLS" : null;
    const reply = await this.command("STARTTLS");
    if (reply.code !== 220) return isRequired ? "the server refused STARTTLS" : null;
    const plain = this.#socket as Socket;
    plain.removeAllListeners("data");
    // What came before TLS may be an attacker's (RFC 3207 4.2).
    if (this.#parser.pendingBytes > 0 || this.#replies.length > 0) throw new Error("data before TLS");
    await this.#ready(connectTls(this.#tls(plain)), "secureConnect");
    await this.hello(name);
    return null;
  }

  /** PLAIN, or LOGIN where that is all there is. */
  async signOn(username: string, password: string): Promise<ServerReply> {
    const code = (text: string): string => Buffer.from(text, "latin1").toString("base64");
    const offered = this.#extensions.find((line) => line.startsWith("AUTH")) ?? "";
    if (!/\bLOGIN\b/.test(offered) || /\bPLAIN\b/.test(offered))
      return this.command(`AUTH PLAIN ${code(`\0${username}\0${password}`)}`);
    const first = await this.command("AUTH LOGIN");
    if (first.code !== 334) return first;
    const second = await this.command(code(username));
    return second.code === 334 ? this.command(code(password)) : second;
  }

  async quit(): Promise<void> {
    await this.write("QUIT\r\n");
  }

  close(): void {
    this.#socket?.destroy();
  }

  async command(line: string): Promise<ServerReply> {
    if (/[\r\n\0]/.test(line)) throw new Error("a line end within a command");
    await this.write(`${line}\r\n`);
    return this.reply();
  }

  write(data: string | Buffer): Promise<void> {
    return this.#wait((done, fail) =>
      this.#socket?.write(data, "latin1", (error) => (error ? fail(error) : done())),
    );
  }

  async reply(): Promise<ServerReply> {
    while (this.#replies.length === 0) {
      if (this.#error !== null) throw this.#error;
      await this.#wait((done) => {
        this.#wake = done;
      });
    }
    return this.#replies.shift() as ServerReply;
  }

  #tls(socket: Socket | null): ConnectionOptions {
    const { host, port, tls } = this.#server;
    return {
      ...(socket === null ? { host, port } : { socket }),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: tls.endsWith("verify"),
    };
  }

  async #ready(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
    this.#socket = socket;
    this.#parser = new ReplyParser();
    const stop = (error: Error): void => {
      this.#error ??= error;
      this.#wake?.();
    };
    socket.on("error", stop);
    socket.on("close", () => stop(new Error("the server closed the connection")));
    await this.#wait((done, fail) => {
      socket.once("error", fail);
      socket.once(event, () => done());
    });
    socket.on("data", (bytes: Buffer) => this.#take(bytes, stop));
  }

  #take(bytes: Buffer, stop: (error: Error) => void): void {
    try {
      this.#parser.push(bytes, (reply) => this.#replies.push(reply));
      this.#wake?.();
    } catch (error) {
      stop(error as Error);
    }
  }

  #wait(start: (done: () => void, fail: (error: Error) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (go: () => void): void => {
        timer.cancel();
        this.#signal.removeEventListener("abort", aborted);
        go();
      };
      const aborted = (): void => end(() => reject(new Error("the script ended")));
      const timer = this.#clock.after(this.#server.timeoutMs, () =>
        end(() => reject(new Error("no answer in time"))),
      );
      this.#signal.addEventListener("abort", aborted, { once: true });
      start(
        () => end(resolve),
        (error) => end(() => reject(error)),
      );
    });
  }
}
