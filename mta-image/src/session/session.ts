/**
 * One inbound connection: reads bytes, runs commands in order, writes every reply. It is the only writer to
 * its socket, and it lives until the socket's `close`.
 *
 * Modes: *command* (lines), *data* (content up to CRLF.CRLF), *waiting* (a commit or a TLS handshake is under
 * way; input is kept, up to a bound, and read afterwards), *closed*.
 * What fails: a broken line drops the transaction, never a queued message; a spool that refuses shows as a 4xx
 * at the end of data; an unexpected error inside is a bug, is logged, and ends this connection with 421.
 * There are no timers here: `sweep` is called about once a second for every session.
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

import { makeId } from "#base/ids.ts";

import type { IntakeResult, Reception } from "../intake/intake.ts";
import type { Origin } from "../message/envelope.ts";
import { type Command, parseCommand } from "../smtp/command.ts";
import { DataReader } from "../smtp/data.ts";
import { type Reply, makeReply, replies } from "../smtp/reply.ts";
import { mayRelayFrom, normalizeIp } from "./access.ts";
import type { SessionNeighbours, SessionSettings } from "./options.ts";
import { Transaction } from "./transaction.ts";

const LF = 10;
const CR = 13;
/** RFC 5321 4.5.3.1.4 asks for 512; extensions add to it, and nothing valid comes near this. */
const MAX_LINE_BYTES = 2048;
/** Input kept while a commit is under way; a client that sends more is not read until then. */
const MAX_WAITING_BYTES = 65_536;
/** A line without end may be discarded up to here before the connection is given up. */
const MAX_DISCARDED_BYTES = 1_048_576;
/** Postfix's smtpd_min_data_rate; judged after the first minute. */
const MIN_DATA_BYTES_PER_SECOND = 500;
const DATA_GRACE_MS = 60_000;

type Mode = "command" | "data" | "waiting" | "closed";

export class Session {
  readonly id: string;
  readonly remoteIp: string;
  readonly #settings: SessionSettings;
  readonly #near: SessionNeighbours;
  readonly #remotePort: number;
  readonly #mayRelay: boolean;
  readonly #onClose: (session: Session) => void;
  readonly #reader = new DataReader();
  #socket: Socket;
  #transaction: Transaction;
  #mode: Mode = "command";
  #tls: string | null = null;
  #input: Buffer | null = null;
  #discarded = 0;
  #reception: Reception | null = null;
  #contentBytes = 0;
  #errors = 0;
  #idleCommands = 0;
  #isLeaving = false;
  /** When the wait for the next complete command, or the content, began. */
  #since: number;
  readonly #write = (content: Buffer): void => this.#takeContent(content);

  constructor(
    socket: Socket,
    settings: SessionSettings,
    near: SessionNeighbours,
    onClose: (session: Session) => void,
  ) {
    this.#settings = settings;
    this.#near = near;
    this.#onClose = onClose;
    this.#since = near.clock.monotonic();
    this.id = makeId(near.clock.now());
    this.remoteIp = normalizeIp(socket.remoteAddress ?? "");
    this.#remotePort = socket.remotePort ?? 0;
    this.#mayRelay = socket.remoteAddress === undefined || mayRelayFrom(settings.access, this.remoteIp);
    this.#socket = socket;
    this.#transaction = this.#newTransaction();
    socket.setNoDelay(true);
    this.#attach(socket);
    if (settings.implicitTls && settings.tls !== null) this.#startTls();
    else this.#greet();
  }

  /** A message is on its way: MAIL was accepted, or a commit is under way. */
  get isBusy(): boolean {
    return this.#mode === "data" || this.#mode === "waiting" || this.#transaction.isOpen;
  }

  /** Ends the session as soon as no message is on its way: an idle one now, a busy one after its reply. */
  leave(): void {
    this.#isLeaving = true;
    if (!this.isBusy) this.#say(replies.shuttingDown);
  }

  /** Cuts the connection whatever is on its way. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends a session that is too slow. Called about once a second. */
  sweep(now: number): void {
    if (this.#mode === "waiting" || this.#mode === "closed") return;
    const elapsed = now - this.#since;
    if (this.#mode === "command" && elapsed > this.#settings.idleTimeoutMs) this.#timeOut(replies.timeout);
    if (this.#mode !== "data" || elapsed < DATA_GRACE_MS) return;
    if (this.#contentBytes < (elapsed / 1000) * MIN_DATA_BYTES_PER_SECOND) this.#timeOut(replies.tooSlow);
  }

  #timeOut(reply: Reply): void {
    this.#near.counters.timeouts++;
    this.#say(reply);
  }

  #newTransaction(): Transaction {
    const offersTls = this.#settings.tls !== null && this.#tls === null;
    return new Transaction(this.#settings, { mayRelay: this.#mayRelay, offersTls });
  }

  /** Listeners stay for the socket's whole life: a reset may come at any moment, even after close. */
  #attach(socket: Socket): void {
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.end());
    socket.on("close", () => this.#onSocketClosed(socket));
  }

  #onSocketClosed(socket: Socket): void {
    if (socket !== this.#socket || this.#mode === "closed") return;
    const wasWaiting = this.#mode === "waiting";
    this.#mode = "closed";
    // A commit under way goes on: its message is accepted or not by the spool alone.
    if (!wasWaiting) this.#reception?.abort();
    this.#reception = null;
    this.#onClose(this);
  }

  #greet(): void {
    this.#say(makeReply(220, "", `${this.#settings.hostname} ESMTP Mailfleet`));
  }

  /** Writes a reply; one that hangs up ends everything after its bytes. */
  #say(reply: Reply): void {
    if (this.#mode === "closed" || this.#socket.destroyed) return;
    this.#socket.write(reply.bytes);
    if (reply.hangUp) this.#hangUp();
  }

  #hangUp(): void {
    const socket = this.#socket;
    const reception = this.#reception;
    if (this.#mode === "closed") return;
    if (this.#mode !== "waiting") reception?.abort();
    this.#reception = null;
    this.#mode = "closed";
    socket.end();
    // A client that never closes its side is cut: nothing it sends is read any more.
    socket.resume();
    this.#near.clock.after(2000, () => socket.destroy());
    this.#onClose(this);
  }

  #onData(chunk: Buffer): void {
    if (this.#mode === "closed") return;
    const data = this.#input === null ? chunk : Buffer.concat([this.#input, chunk]);
    this.#input = null;
    if (this.#mode === "waiting") {
      this.#input = data;
      if (data.length > MAX_WAITING_BYTES) this.#socket.pause();
      return;
    }
    try {
      this.#consume(data);
    } catch (error) {
      this.#near.log.error({ session: this.id, error }, "session-bug");
      this.#say(replies.shuttingDown);
    }
  }

  /** Runs what is complete in `data`; keeps the rest. Replies of one round leave in one packet. */
  #consume(data: Buffer): void {
    this.#socket.cork();
    let position = 0;
    while (position < data.length && (this.#mode === "command" || this.#mode === "data")) {
      position = this.#mode === "data" ? this.#readContent(data, position) : this.#readLine(data, position);
    }
    if (position < data.length && this.#mode === "waiting") this.#input = data.subarray(position);
    this.#socket.uncork();
  }

  /** Runs one line and returns where the next begins; an incomplete one is kept and the end is returned. */
  #readLine(data: Buffer, start: number): number {
    const lf = data.indexOf(LF, start);
    if (lf === -1) return this.#keepPart(data, start);
    const next = lf + 1;
    this.#since = this.#near.clock.monotonic();
    if (this.#discarded > 0 || lf - start > MAX_LINE_BYTES) {
      this.#discarded = 0;
      this.#refuse(replies.lineTooLong);
      return next;
    }
    if (lf === start || data[lf - 1] !== CR || hasStray(data, start, lf - 1)) {
      this.#refuse(replies.badLineEnd);
      return next;
    }
    this.#run(parseCommand(data, start, lf - 1), next < data.length);
    return next;
  }

  #keepPart(data: Buffer, start: number): number {
    const length = data.length - start;
    if (this.#discarded > 0 || length > MAX_LINE_BYTES) {
      this.#discarded += length;
      if (this.#discarded > MAX_DISCARDED_BYTES) this.#say(replies.inputTooLong);
    } else {
      this.#input = data.subarray(start);
    }
    return data.length;
  }

  #run(command: Command, hasMore: boolean): void {
    switch (command.kind) {
      case "foreign":
        return this.#say(replies.notSmtp);
      case "data":
        return this.#startData(hasMore);
      case "startTls":
        return this.#commandStartTls(hasMore);
      case "mail":
        if (!this.#near.accepting()) return this.#say(replies.notTakingMail);
    }
    const reply = this.#transaction.handle(command);
    if (reply.code >= 400) return this.#refuse(reply);
    if (
      command.kind !== "mail" &&
      command.kind !== "rcpt" &&
      ++this.#idleCommands > this.#settings.maxIdleCommands
    ) {
      return this.#say(replies.tooManyErrors);
    }
    this.#say(reply);
    if (this.#isLeaving && !this.isBusy) this.#say(replies.shuttingDown);
  }

  #refuse(reply: Reply): void {
    this.#near.counters.refusedCommands++;
    // Recipients beyond the limit are the protocol's own way of splitting mail and no error (RFC 5321 4.5.3.1.10).
    if (reply !== replies.tooManyRecipients) this.#errors++;
    this.#say(reply);
    if (this.#errors >= this.#settings.maxErrors) this.#say(replies.tooManyErrors);
  }

  #startData(hasMore: boolean): void {
    const refusal = this.#transaction.dataRefusal;
    if (refusal !== null) return this.#refuse(refusal);
    // DATA ends a pipelined group (RFC 2920 3.1): bytes behind it were sent without waiting for our 354.
    if (hasMore) return this.#say(replies.impatient);
    this.#reception = this.#near.intake.begin(this.#transaction.envelope(), this.#origin());
    this.#reader.reset();
    this.#contentBytes = 0;
    this.#since = this.#near.clock.monotonic();
    this.#mode = "data";
    this.#say(replies.sendData);
  }

  #origin(): Origin {
    const { isExtended, heloName } = this.#transaction;
    const utf8 = this.#transaction.envelope().smtpUtf8;
    const tlsMark = this.#tls === null ? "" : "S";
    return {
      kind: "smtp",
      serverId: this.#settings.serverId,
      remoteIp: this.remoteIp,
      remotePort: this.#remotePort,
      helo: heloName,
      protocol: utf8 ? `UTF8SMTP${tlsMark}` : isExtended ? `ESMTP${tlsMark}` : "SMTP",
      tls: this.#tls,
      sessionId: this.id,
    };
  }

  #readContent(data: Buffer, start: number): number {
    const end = this.#reader.read(data, start, this.#write);
    if (end === -1) return data.length;
    this.#endOfData();
    return end;
  }

  #takeContent(content: Buffer): void {
    this.#contentBytes += content.length;
    if (this.#contentBytes > this.#settings.maxSizeBytes) {
      // Too large already: the rest is read and thrown away, the answer comes at the end (RFC 1870 6.3).
      this.#reception?.abort();
      this.#reception = null;
      return;
    }
    const full = this.#reception?.write(content) ?? null;
    if (full === null) return;
    const socket = this.#socket;
    socket.pause();
    void full.then(() => socket.resume());
  }

  #endOfData(): void {
    const reception = this.#reception;
    const accepted = this.#transaction.acceptedRecipients;
    this.#mode = "waiting";
    if (reception === null) return this.#finish({ kind: "refused", reply: null }, replies.tooLarge);
    if (this.#reader.isBad) {
      reception.abort();
      return this.#finish({ kind: "refused", reply: null }, replies.badContent);
    }
    void reception.commit().then((result) => {
      if (result.kind === "accepted") {
        this.#near.counters.acceptedMessages++;
        this.#near.counters.acceptedBytes += this.#contentBytes;
        this.#near.counters.acceptedRecipients += accepted;
      }
      this.#finish(result, toReply(result));
      this.#goOn();
    });
  }

  /** Answers the end of data and is ready for the next command. */
  #finish(result: IntakeResult | { kind: "refused"; reply: null }, reply: Reply): void {
    if (result.kind === "refused") this.#near.counters.refusedMessages++;
    this.#near.counters.refusedRecipients += this.#transaction.refusedRecipients;
    this.#transaction.refusedRecipients = 0;
    this.#transaction.acceptedRecipients = 0;
    this.#transaction.reset();
    this.#reception = null;
    if (this.#mode === "closed") return;
    this.#mode = "command";
    this.#since = this.#near.clock.monotonic();
    this.#say(reply);
    if (this.#isLeaving) this.#say(replies.shuttingDown);
  }

  /** Reads what came in while waiting. */
  #goOn(): void {
    const kept = this.#input;
    this.#input = null;
    if (kept !== null) this.#onData(kept);
    if ((this.#mode as Mode) !== "closed" && this.#socket.isPaused()) this.#socket.resume();
  }

  #commandStartTls(hasMore: boolean): void {
    if (this.#tls !== null) return this.#refuse(replies.alreadyTls);
    if (this.#settings.tls === null) return this.#refuse(replies.noTls);
    // Plain text behind STARTTLS would be read as if it had come through TLS (command injection, CVE-2011-0411).
    if (hasMore) return this.#say(replies.impatient);
    this.#say(replies.startTls);
    this.#startTls();
  }

  /** Everything said in the clear is forgotten (RFC 3207 4.2). The handshake has the idle timeout as deadline. */
  #startTls(): void {
    const plain = this.#socket;
    const isImplicit = this.#transaction.heloName === "" && this.#settings.implicitTls;
    this.#mode = "waiting";
    this.#input = null;
    plain.removeAllListeners("data");
    plain.removeAllListeners("end");
    const context = this.#settings.tls;
    const secure = new TLSSocket(plain, {
      isServer: true,
      ...(context === null ? {} : { secureContext: context }),
    });
    this.#socket = secure;
    const deadline = this.#near.clock.after(30_000, () => secure.destroy());
    this.#attach(secure);
    plain.on("close", () => secure.destroy());
    secure.once("close", () => deadline.cancel());
    secure.once("secure", () => {
      deadline.cancel();
      if (this.#mode === "closed") return;
      this.#tls = `${secure.getProtocol() ?? "TLS"} ${secure.getCipher().name}`;
      this.#transaction = this.#newTransaction();
      this.#since = this.#near.clock.monotonic();
      this.#mode = "command";
      if (isImplicit) this.#greet();
      this.#goOn();
    });
    secure.on("error", () => {
      if (this.#tls === null) this.#near.counters.tlsFailures++;
    });
  }
}

/** A CR inside the line or a NUL anywhere. */
function hasStray(data: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (data[i] === CR || data[i] === 0) return true;
  return false;
}

function toReply(result: IntakeResult): Reply {
  if (result.kind === "accepted") return makeReply(250, "2.0.0", `Ok: queued as ${result.id}`);
  const { code, enhanced, text } = result.reply;
  return makeReply(code, enhanced, text, { hangUp: code === 421 });
}
