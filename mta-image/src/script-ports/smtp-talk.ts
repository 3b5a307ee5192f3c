/**
 * The client's side of one SMTP or LMTP connection, a command at a time: connect, say hello, STARTTLS, XCLIENT, sign on. Every
 * wait is bounded by the timeout of its state and ends with the signal. Rejects on trouble with the connection or the
 * protocol (TlsTrouble where it was only TLS); what the server says is the caller's business.
 */
import type { X509Certificate } from "node:crypto";
import { type Socket, isIP } from "node:net";
import { type ConnectionOptions, type TLSSocket, connect as connectTls, rootCertificates } from "node:tls";

import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";

import { connectTo } from "../delivery/connect-to.ts";
import { judgeChain } from "../delivery/dane.ts";
import { type SourceAddress, reachThrough } from "../delivery/egress.ts";
import type { Host } from "../delivery/route.ts";
import type { TlsDemand } from "../delivery/tls-rules.ts";
import { isNamed } from "../script/library/tls-socket.ts";
import type { SmtpReached, SmtpSecured, SmtpState } from "../script/ports.ts";
import { ReplyParser, type ServerReply } from "../smtp/reply-parser.ts";
import { encodeXtext } from "../smtp/xtext.ts";
import { type Way, timeoutIn } from "./smtp-way.ts";

/** Only TLS did not work: the server may still be spoken to in the clear where the mode allows it. */
export class TlsTrouble extends Error {
  override readonly name = "TlsTrouble";
}

const LONGEST_QUIT_MS = 5_000;

export interface TalkOptions {
  readonly way: Way;
  readonly host: Host;
  /** An address, a name that the system looks up, or the path of a socket. */
  readonly ip: string;
  readonly source: SourceAddress | null;
  /** What TLS must be like. */
  readonly demand: TlsDemand;
  /** Our name. */
  readonly hostname: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export class SmtpTalk {
  readonly #options: TalkOptions;
  #socket: Socket | null = null;
  #parser = new ReplyParser();
  #replies: ServerReply[] = [];
  #error: Error | null = null;
  #wake: (() => void) | null = null;
  #extensions: readonly string[] = [];
  /** Null until it is open. */
  reached: SmtpReached | null = null;
  /** The step that is under way, or was last. */
  state: SmtpState | null = null;

  constructor(options: TalkOptions) {
    this.#options = options;
  }

  /** Open, in TLS where that comes first. */
  async connect(): Promise<void> {
    const { way, host, ip, source } = this.#options;
    const { connectMs, tls } = way.server;
    const proxy = source?.proxy ?? null;
    const { bind = null } = way.settings;
    const socket = connectTo({ ip, port: host.port, sourceIp: source?.ip ?? null, proxy, bind });
    await this.#opened(socket, "connect", connectMs);
    if (proxy !== null) {
      const target = { ip, port: host.port, sourceIp: source?.ip ?? "", timeoutMs: connectMs };
      const refusal = await reachThrough(proxy, socket, target);
      if (refusal !== null) throw new Error(refusal);
    }
    this.reached = { localIp: source?.ip ?? socket.localAddress ?? "", remoteIp: ip, remoteMx: host.name };
    if (tls.isImplicit) await this.#secured(socket);
    else this.#listen(socket);
  }

  greeting(): Promise<ServerReply> {
    this.state = "BANNER";
    return this.reply();
  }

  /** The last reply. */
  async hello(): Promise<ServerReply> {
    const { way, hostname, source } = this.#options;
    const name = way.server.helo ?? source?.hostname ?? hostname;
    const isLmtp = way.server.isLmtp;
    const reply = await this.command(isLmtp ? "LHLO" : "EHLO", `${isLmtp ? "LHLO" : "EHLO"} ${name}`);
    this.#extensions = reply.code === 250 ? reply.lines.slice(1).map((line) => line.toUpperCase()) : [];
    return reply.code < 500 || isLmtp ? reply : this.command("HELO", `HELO ${name}`);
  }

  /** Null when nothing is left to do, else why TLS had to be and could not. Rejects with TlsTrouble. */
  async secure(): Promise<string | null> {
    const { mode } = this.#options.demand;
    if (mode === "disabled" || this.secured !== null) return null;
    const isRequired = mode.startsWith("require");
    if (!this.#extensions.includes("STARTTLS")) return isRequired ? "the server has no STARTTLS" : null;
    const reply = await this.command("STARTTLS", "STARTTLS");
    if (reply.code !== 220) throw new TlsTrouble("the server refused STARTTLS");
    const plain = this.#socket as Socket;
    plain.removeAllListeners("data");
    // What came before TLS may be an attacker's (RFC 3207 4.2).
    if (this.#parser.pendingBytes > 0 || this.#replies.length > 0) throw new Error("data before TLS");
    await this.#secured(plain);
    return null;
  }

  /** Null in the clear. */
  get secured(): SmtpSecured | null {
    const socket = this.#socket as Partial<TLSSocket> | null;
    if (socket?.encrypted !== true) return null;
    const { isCaptured } = this.#options.way.server.tls;
    return {
      protocol: String(socket.getProtocol?.() ?? ""),
      cipher: socket.getCipher?.().name ?? "",
      certificate: isCaptured ? this.#certificate : null,
    };
  }

  get #certificate(): X509Certificate | null {
    return (this.#socket as TLSSocket).getPeerX509Certificate() ?? null;
  }

  /** Says whom we speak for; the session begins anew (XCLIENT_README of Postfix). The last reply. */
  async nameClient(attributes: Readonly<Record<string, string>>): Promise<ServerReply> {
    const words = Object.entries(attributes).map(([name, value]) => `${name}=${encodeXtext(value)}`);
    const reply = await this.command("XCLIENT", ["XCLIENT", ...words].join(" "));
    return reply.code >= 400 ? reply : this.hello();
  }

  /** PLAIN, or LOGIN where that is all there is. */
  async signOn(username: string, password: string): Promise<ServerReply> {
    const code = (text: string): string => Buffer.from(text, "latin1").toString("base64");
    const offered = this.#extensions.find((line) => line.startsWith("AUTH")) ?? "";
    if (!/\bLOGIN\b/.test(offered) || /\bPLAIN\b/.test(offered))
      return this.command("AUTH-PLAIN", `AUTH PLAIN ${code(`\0${username}\0${password}`)}`);
    const first = await this.command("AUTH-LOGIN", "AUTH LOGIN");
    if (first.code !== 334) return first;
    const second = await this.command("AUTH-LOGIN-USER", code(username));
    return second.code === 334 ? this.command("AUTH", code(password)) : second;
  }

  /** Says QUIT and goes: nobody waits for the reply, but cutting it off would look like trouble to the server. */
  quit(): void {
    const { clock, way } = this.#options;
    const timer = clock.after(Math.min(timeoutIn("QUIT", way), LONGEST_QUIT_MS), () => this.close());
    this.#socket?.once("close", () => timer.cancel());
    this.#socket?.end("QUIT\r\n");
  }

  close(): void {
    this.#socket?.destroy();
  }

  async command(state: SmtpState, line: string): Promise<ServerReply> {
    if (/[\r\n\0]/.test(line)) throw new Error("a line end within a command");
    this.state = state;
    await this.write(`${line}\r\n`);
    return this.reply();
  }

  write(data: string | Buffer): Promise<void> {
    return this.#wait(this.#options.way.settings.timeouts.blockMs, (done, fail) =>
      this.#socket?.write(data, "latin1", (error) => (error ? fail(error) : done())),
    );
  }

  async reply(): Promise<ServerReply> {
    while (this.#replies.length === 0) {
      if (this.#error !== null) throw this.#error;
      await this.#wait(timeoutIn(this.state ?? "BANNER", this.#options.way), (done) => {
        this.#wake = done;
      });
    }
    return this.#replies.shift() as ServerReply;
  }

  async #secured(plain: Socket): Promise<void> {
    const { settings, server } = this.#options.way;
    const withinMs = server.timeouts.STARTTLS ?? settings.timeouts.tlsMs;
    try {
      await this.#opened(connectTls({ socket: plain, ...this.#tls() }), "secureConnect", withinMs);
      const refusal = this.#judge();
      if (refusal !== null) throw new Error(refusal);
    } catch (error) {
      throw new TlsTrouble(describe(error));
    }
    this.#listen(this.#socket as Socket);
  }

  #tls(): ConnectionOptions {
    const { way, host, demand } = this.#options;
    const { serverName, versions, ciphers, defaultCa, ca } = way.server.tls;
    // DANE's records stand at a name, and its servers choose by it (RFC 7672 8.1).
    const asked = demand.tlsa === null ? serverName : (demand.tlsaName ?? host.name);
    const name = asked === true ? host.name : asked === false ? "" : asked;
    return {
      ...(name === "" || isIP(name) !== 0 ? {} : { servername: name }),
      ...(versions === null ? {} : { minVersion: versions.lowest, maxVersion: versions.highest }),
      ...(ciphers === null ? {} : { ciphers }),
      ...(defaultCa && ca.length === 0 ? {} : { ca: [...ca, ...(defaultCa ? rootCertificates : [])] }),
      ...way.certificate,
      rejectUnauthorized: demand.tlsa === null && demand.mode.endsWith("_verify"),
      // Names are looked at once it is open: one of several is enough.
      checkServerIdentity: () => undefined,
    };
  }

  /** Null for a certificate that will do. */
  #judge(): string | null {
    const { way, host, demand, clock } = this.#options;
    const leaf = this.#certificate;
    if (demand.tlsa !== null) {
      const facts = { names: [demand.tlsaName ?? host.name, host.name], now: new Date(clock.now()) };
      return judgeChain(demand.tlsa, leaf ?? undefined, facts);
    }
    const { names, verifyHost } = way.server.tls;
    // A policy of the domain wants the name (RFC 8461 4.1), whatever a script says.
    const own = verifyHost || demand.policy.type === "sts" ? [host.name] : [];
    const isGood = [...(names.length > 0 ? [names] : []), ...(own.length > 0 ? [own] : [])].every((some) =>
      some.some((name) => isNamed(leaf, name)),
    );
    return isGood ? null : "the certificate is for another name";
  }

  #opened(socket: Socket, event: "connect" | "secureConnect", withinMs: number): Promise<void> {
    this.#socket = socket;
    // Stays for the socket's whole life: an error without a listener would end the process.
    socket.on("error", (error) => this.#stop(error));
    return this.#wait(withinMs, (done, fail) => {
      socket.once("error", fail);
      socket.once("close", () => fail(new Error("the server closed the connection")));
      socket.once(event, () => done());
    });
  }

  #listen(socket: Socket): void {
    this.#parser = new ReplyParser();
    socket.on("close", () => this.#stop(new Error("the server closed the connection")));
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
  }

  #stop(error: Error): void {
    this.#error ??= error;
    this.#wake?.();
  }

  #take(bytes: Buffer): void {
    try {
      this.#parser.push(bytes, (reply) => this.#replies.push(reply));
      this.#wake?.();
    } catch (error) {
      this.#stop(error as Error);
    }
  }

  #wait(withinMs: number, start: (done: () => void, fail: (error: Error) => void) => void): Promise<void> {
    const { clock, signal } = this.#options;
    if (signal.aborted) return Promise.reject(new Error("the script ended"));
    return new Promise((resolve, reject) => {
      const end = (go: () => void): void => {
        timer.cancel();
        signal.removeEventListener("abort", aborted);
        go();
      };
      const aborted = (): void => end(() => reject(new Error("the script ended")));
      const timer = clock.after(withinMs, () => end(() => reject(new Error("no answer in time"))));
      signal.addEventListener("abort", aborted, { once: true });
      start(
        () => end(resolve),
        (error) => end(() => reject(error)),
      );
    });
  }
}
