/**
 * One outbound connection as commands and replies: a socket, the reply parser and one deadline. Whoever owns the
 * wire sets `owner` and hears of each reply and, exactly once, of the end. After the end nothing is read or
 * written any more and the socket is destroyed; errors that a socket reports later go nowhere.
 *
 * Replies are hostile input. A reply nobody waits for is the owner's to judge; what is no reply at all ends the
 * wire as `garbage`.
 */
import type { Socket } from "node:net";
import {
  type ConnectionOptions,
  type PeerCertificate,
  type TLSSocket,
  connect as connectTls,
  rootCertificates,
} from "node:tls";
import type { X509Certificate } from "node:crypto";

import { describe } from "#base/error.ts";

import { adopt } from "../net/adopt.ts";
import type { ByteSocket } from "../net/byte-socket.ts";
import { readOn } from "../net/read-on.ts";
import { ProtocolError, ReplyParser, type ServerReply } from "../smtp/reply-parser.ts";
import type { TlsChoice } from "../smtp/tls-choice.ts";
import type { Traced } from "../trace/traced.ts";
import { type Leaving, connectTo } from "./connect-to.ts";
import type { Deadlines, Expiring } from "./deadlines.ts";
import { type EgressProxy, reachThrough } from "./egress.ts";
import type { Trouble } from "./outcome.ts";
import { checkNames } from "./certificate-names.ts";
import type { KeptSession, Shown } from "./tls-sessions.ts";
import type { Trail } from "./trail.ts";

export interface WireEnd {
  readonly trouble: Trouble;
  readonly detail: string;
}

export interface WireOwner {
  onReply(reply: ServerReply): void;
  onEnd(end: WireEnd): void;
  /** What was written has left; only after `write` returned false. */
  onDrain(): void;
  /** The deadline passed. False ends the wire; true says that the owner saw to it. */
  onDeadline(): boolean;
}

export interface WireTarget extends Leaving {
  readonly connectMs: number;
  /** From the connection to the first reply. */
  readonly greetingMs: number;
}

export interface TlsRequest {
  /** The host's name, for SNI and the certificate; an IP address is compared with the certificate's addresses. */
  readonly name: string;
  readonly isNameAnIp: boolean;
  readonly mustVerify: boolean;
  /** Certificates to trust, PEM; null for the well-known ones. */
  readonly ca: string | null;
  readonly choice: TlsChoice | null;
  /** Why a certificate is not the one, or null for the right one; asked in place of the authorities. */
  readonly judge: ((leaf: X509Certificate | undefined) => string | null) | null;
  /** One to take up again, or null. */
  readonly session: KeptSession | null;
  /** A session for another time; may come long after the handshake. */
  readonly onSession: (kept: KeptSession) => void;
}

const LEFT: WireEnd = { trouble: "lost", detail: "QUIT was sent" };

/** Owns a wire that nobody cares for: its end is not news. */
export const nobody: WireOwner = { onReply() {}, onEnd() {}, onDrain() {}, onDeadline: () => false };

export class Wire implements Expiring {
  expiresAt = Infinity;
  owner: WireOwner = nobody;
  /** Set by who opens it for a host; it only tells here of TLS and of the end. */
  traced: Traced | null = null;
  /** Set by who opens it for a host; what is learned of the connection is noted here. */
  trail: Trail | null = null;
  #socket: ByteSocket;
  readonly #plain: Socket;
  readonly #parser = new ReplyParser();
  readonly #deadlines: Deadlines;
  readonly #onData = (chunk: Buffer): void => {
    readOn(this.#socket);
    this.#read(chunk);
  };
  readonly #onReply = (reply: ServerReply): void => {
    if (this.ended === null) this.owner.onReply(reply);
  };
  /** Null in the clear. */
  #shown: Shown | null = null;
  #isConnected = false;
  #isLeaving = false;
  #ended: WireEnd | null = null;

  constructor(target: WireTarget, deadlines: Deadlines) {
    this.#deadlines = deadlines;
    this.#plain = connectTo(target);
    this.#socket = this.#plain;
    this.#listen(this.#socket);
    this.#plain.once("connect", () => {
      if (target.proxy === null) this.#onReached(target);
      else void this.#reach(target, target.proxy);
    });
    deadlines.watch(this);
    this.expectWithin(target.connectMs);
  }

  /** Why nothing can be said any more, or null. */
  get ended(): WireEnd | null {
    return this.#ended ?? (this.#isLeaving ? LEFT : null);
  }

  /** Bytes of an incomplete reply were read: there must be none where the dialogue changes (STARTTLS). */
  get hasPartialReply(): boolean {
    return this.#parser.pendingBytes > 0;
  }

  /** While a reply is told of: more came with it, and no goodbye, which may come at any time (RFC 5321 3.8). */
  get hasMore(): boolean {
    return this.#parser.unreadBytes > 0 && this.#parser.unreadCode !== 421;
  }

  /** "TLSv1.3 TLS_AES_256_GCM_SHA384", or null in the clear. */
  get tls(): string | null {
    const socket = this.#socket as Partial<TLSSocket>;
    return socket.encrypted === true ? `${socket.getProtocol?.()} ${socket.getCipher?.().name}` : null;
  }

  /** Why the certificate would not have been accepted if it had to be; null where it would, and in the clear. */
  get unverified(): string | null {
    return this.#shown?.unverified ?? null;
  }

  /** Sets the one deadline: the next step must be over by then. */
  expectWithin(delayMs: number): void {
    this.expiresAt = this.#deadlines.in(delayMs);
  }

  expire(): void {
    if (!this.owner.onDeadline()) this.end(this.#isConnected ? "reply-timeout" : "connect-timeout", "");
  }

  /** A message went over it and another follows: it is read in turns from now on, where that can be. */
  stay(): void {
    if (this.ended !== null) return;
    const socket = adopt(this.#socket);
    if (socket === this.#socket) return;
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Sends text. False when the socket wants the caller to wait for onDrain. */
  write(text: string): boolean {
    return this.ended !== null || this.#socket.write(text, "utf8");
  }

  writeBytes(bytes: Buffer): boolean {
    return this.ended !== null || this.#socket.write(bytes);
  }

  /** Sends content and what follows it in one system call. */
  writeBody(body: readonly Buffer[], tail: string): void {
    if (this.ended !== null) return;
    this.#socket.cork();
    for (const piece of body) this.#socket.write(piece);
    // As bytes: Node gathers text among them only by way of one more copy of all text.
    this.#socket.write(Buffer.from(tail));
    this.#socket.uncork();
  }

  /** Goes on in TLS. Resolves with null, or with the trouble; then the wire has ended. */
  upgrade(request: TlsRequest): Promise<WireEnd | null> {
    // Bytes behind the reply to STARTTLS may have ended the wire already; nobody would hear of it a second time.
    if (this.ended !== null) return Promise.resolve(this.ended);
    // No message has gone over it yet: it is Node's own.
    const plain = this.#plain;
    plain.removeListener("data", this.#onData);
    return new Promise((resolve) => {
      this.owner = { ...nobody, onEnd: resolve };
      const secure = connectTls({
        socket: plain,
        ...(request.isNameAnIp ? { host: request.name } : { servername: request.name, host: request.name }),
        rejectUnauthorized: request.mustVerify,
        ...(request.session === null ? {} : { session: request.session.session }),
        ...(request.ca === null ? {} : { ca: request.ca }),
        ...(request.choice === null ? {} : chosen(request.choice, request)),
      });
      this.#socket = secure;
      secure.once("secureConnect", () => {
        if (this.#ended !== null) return;
        const shown = shownBy(secure, request.session);
        this.#shown = shown;
        const refusal = request.judge === null ? null : request.judge(shown.leaf ?? undefined);
        this.#note(shown, refusal);
        if (refusal !== null) return this.end("tls-unverified", refusal);
        this.owner = nobody;
        this.traced?.now?.tls(this.tls ?? "");
        resolve(null);
      });
      secure.on("session", (session) => {
        const keep = (): void => {
          if (this.#shown !== null) request.onSession({ session, shown: this.#shown });
        };
        // Before TLS 1.3 it comes ahead of what was shown.
        if (this.#shown === null) secure.once("secureConnect", keep);
        else keep();
      });
      this.#listen(secure);
    });
  }

  /** Says QUIT and goes; the reply is not worth waiting for (RFC 5321 4.1.1.10 asks only not to cut early). */
  quit(): void {
    if (this.ended !== null) return;
    this.#isLeaving = true;
    this.owner = nobody;
    this.traced?.now?.client("QUIT", this.traced.now.opening);
    this.#socket.end("QUIT\r\n");
    this.expectWithin(QUIT_MS);
  }

  /** Ends the wire for a reason that the owner hears. */
  end(trouble: Trouble, detail: string): void {
    if (this.#ended !== null) return;
    this.#ended = { trouble, detail };
    this.#deadlines.unwatch(this);
    this.#socket.destroy();
    this.#plain.destroy();
    this.traced?.close(this.#isLeaving ? "by us" : `${trouble} ${detail}`.trim());
    const { owner } = this;
    this.owner = nobody;
    owner.onEnd(this.#ended);
  }

  #onReached({ greetingMs, proxy }: WireTarget): void {
    this.#isConnected = true;
    const { localAddress = "", localPort = 0 } = this.#plain;
    // Behind a proxy our own end says nothing to the host.
    if (this.trail !== null && proxy === null)
      Object.assign(this.trail, { localIp: localAddress, localPort });
    this.expectWithin(greetingMs);
  }

  #note(shown: Shown, refusal: string | null): void {
    if (this.trail === null) return;
    this.trail.tls = { description: this.tls ?? "", ...shown };
    this.trail.judged(refusal);
  }

  /** What the proxy says is no reply of the host. */
  async #reach(target: WireTarget, proxy: EgressProxy): Promise<void> {
    const { ip, port, connectMs: timeoutMs } = target;
    this.#plain.removeListener("data", this.#onData);
    const sourceIp = target.sourceIp ?? "";
    const refusal = await reachThrough(proxy, this.#plain, { ip, port, sourceIp, timeoutMs });
    if (this.ended !== null) return;
    if (refusal !== null) return this.end("connect-failed", refusal);
    this.#plain.on("data", this.#onData);
    this.#onReached(target);
  }

  #listen(socket: ByteSocket): void {
    socket.on("data", this.#onData);
    socket.on("drain", () => this.owner.onDrain());
    socket.on("end", () => this.end("lost", ""));
    socket.on("close", () => this.end("lost", ""));
    // Stays for the socket's whole life: an error without a listener would end the process.
    socket.on("error", (error: NodeJS.ErrnoException) =>
      this.end(this.#troubleOf(socket, error), reasonOf(error)),
    );
  }

  #read(chunk: Buffer): void {
    if (this.ended !== null) return;
    try {
      this.#parser.push(chunk, this.#onReply);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.end("garbage", error.message);
    }
  }

  #troubleOf(socket: ByteSocket, error: NodeJS.ErrnoException): Trouble {
    if (!this.#isConnected) {
      if (error.code === "ECONNREFUSED") return "connect-refused";
      return error.code === "ETIMEDOUT" ? "connect-timeout" : "connect-failed";
    }
    const code = error.code ?? "";
    if (/^(?:CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA)/.test(code)) {
      return "tls-unverified";
    }
    return socket === this.#socket && (code.startsWith("ERR_SSL") || code === "EPROTO")
      ? "tls-failed"
      : "lost";
  }
}

/** A session that was taken up shows nothing and is held against no name: what counts is what its own handshake showed. */
function shownBy(secure: TLSSocket, taken: KeptSession | null): Shown {
  if (taken !== null && secure.isSessionReused()) return taken.shown;
  const { authorizationError: error = null } = secure as Partial<TLSSocket>;
  return {
    leaf: secure.getPeerX509Certificate() ?? null,
    unverified: error === null ? null : ((error as NodeJS.ErrnoException).code ?? String(error)),
  };
}

/** A certificate is held against the host's name, whatever name was asked for, or against those that the script gave. */
function chosen(choice: TlsChoice, { ca, name }: TlsRequest): ConnectionOptions {
  const { serverName, verifyHost, verifyNames, defaultCa, versions, ciphers, certificate } = choice;
  const isUsual = verifyNames === null && (serverName === null || verifyHost === false);
  return {
    ...(serverName === null ? {} : { servername: serverName }),
    ...(isUsual
      ? {}
      : {
          checkServerIdentity: (_asked: string, shown: PeerCertificate) =>
            checkNames(verifyNames ?? [name], shown),
        }),
    ...(verifyHost === false && verifyNames === null ? { checkServerIdentity: () => undefined } : {}),
    ...(ciphers === null ? {} : { ciphers }),
    ...certificate,
    ...(defaultCa === true && ca !== null ? { ca: [ca, ...rootCertificates] } : {}),
    ...(versions === null ? {} : { minVersion: versions.lowest, maxVersion: versions.highest }),
  };
}

/** How long the other side may take to close after QUIT. */
const QUIT_MS = 5_000;

function reasonOf(error: NodeJS.ErrnoException): string {
  return error.code ?? describe(error);
}
