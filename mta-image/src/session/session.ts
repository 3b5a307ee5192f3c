/**
 * One inbound connection: reads bytes, runs commands in order, writes every reply. It is the only writer to
 * its socket, and it lives until the socket's `close` or its last reply.
 *
 * Modes: *greeting* (nothing was said yet; whoever speaks now is turned away), *command* (lines), *content* (data up
 * to its end or a chunk), *waiting* (a commit, a check or a TLS handshake is under way; input is kept, up to a bound,
 * and read afterwards), *closed*.
 * Nobody may send ahead of our replies but clients that said EHLO, and they not behind a command that ends a
 * group (RFC 2920 3.1): programs that do are no mail servers, or smuggle.
 * A client that closes its side while a commit is under way still gets the reply; else its end ends the session.
 * What fails: a broken line drops the transaction, never a queued message; a spool that refuses shows as a 4xx at the
 * end of data; an unexpected error is a bug, is logged, and ends this connection with 421. `sweep` is the only clock.
 */
import type { Socket } from "node:net";

import { makeId } from "#base/ids.ts";

import { type Command, mayHaveMore, parseCommand, refused } from "../smtp/command.ts";
import { type Reply, makeReply, replies } from "../smtp/reply.ts";
import { mayRelayFrom } from "./access.ts";
import { Content } from "./content.ts";
import { countMessage } from "./counters.ts";
import { closeSoftly } from "./farewell.ts";
import { Flow } from "./flow.ts";
import { Greeting } from "./greeting.ts";
import type { IncomingMail } from "./incoming-mail.ts";
import { LineReader } from "./line-reader.ts";
import { Login } from "./login.ts";
import type { SessionNeighbours, SessionOptions, SessionSettings } from "./options.ts";
import { messageOf } from "./origin.ts";
import { Patience } from "./patience.ts";
import { Screening } from "./screening.ts";
import { upgradeToTls } from "./tls-upgrade.ts";
import { Transaction } from "./transaction.ts";
import { WaitingInput } from "./waiting-input.ts";

type Special = "foreign" | "data" | "bdat" | "startTls" | "auth";
type Mode = "greeting" | "command" | "content" | "waiting" | "closed";

export class Session {
  readonly id: string;
  readonly remoteIp: string;
  readonly #settings: SessionSettings;
  readonly #near: SessionNeighbours;
  readonly #remotePort: number;
  readonly #mayRelay: boolean;
  readonly #onClose: () => void;
  readonly #lines = new LineReader();
  readonly #input = new WaitingInput();
  readonly #flow: Flow;
  readonly #content: Content;
  readonly #patience: Patience;
  readonly #login: Login;
  readonly #screening: Screening;
  readonly #greeting: Greeting;
  #socket: Socket;
  #transaction: Transaction;
  #mode: Mode = "greeting";
  #tls: string | null = null;
  #isLeaving = false;
  /** The client closed its side while a commit was under way. */
  #hasEnded = false;
  /** When the wait for the next complete command began. */
  #since: number;

  constructor(socket: Socket, { peer, settings, near, onClose }: SessionOptions) {
    this.#settings = settings;
    this.#near = near;
    this.#onClose = onClose;
    this.#since = near.clock.monotonic();
    this.id = makeId(near.clock.now());
    this.remoteIp = peer.ip;
    this.#remotePort = peer.port;
    this.#mayRelay = peer.isLocal || mayRelayFrom(settings.access, this.remoteIp);
    this.#socket = socket;
    this.#flow = new Flow(socket);
    this.#patience = new Patience(settings);
    this.#login = new Login(settings.credentials);
    this.#screening = new Screening(near, { ip: this.remoteIp, isTrusted: this.#mayRelay });
    this.#greeting = new Greeting(this.#screening, {
      delayMs: this.#mayRelay ? 0 : settings.greetDelayMs,
      greet: () => this.#greet(),
      refuse: (reply) => this.#say(reply),
    });
    this.#content = new Content({
      intake: this.#screening.intake,
      clock: near.clock,
      flow: this.#flow,
      maxBytes: settings.maxSizeBytes,
      owner: {
        answerChunk: (reply, { isOver }) => this.#answerChunk(reply, isOver),
        commit: (mail) => this.#commit(mail),
      },
    });
    this.#transaction = this.#newTransaction();
    socket.setNoDelay(true);
    this.#attach(socket);
    if (settings.implicitTls && settings.tls !== null) this.#startTls({ thenGreet: true });
    else this.#greeting.plan(this.#since);
  }

  /** A message is on its way: MAIL was accepted, or a commit is under way. */
  get isBusy(): boolean {
    return this.#mode === "content" || this.#mode === "waiting" || this.#transaction.isOpen;
  }

  /** Ends the session as soon as no message is on its way: an idle one now, a busy one after its reply. */
  leave(): void {
    this.#isLeaving = true;
    if (!this.isBusy) this.#say(replies.shuttingDown);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends a session that is too slow. Called about once a second. */
  sweep(now: number): void {
    const { idleTimeoutMs } = this.#settings;
    let fault: Reply | null = null;
    if (this.#mode === "greeting") this.#greeting.sweep(now);
    else if (this.#mode === "content") fault = this.#content.judgePace(now, idleTimeoutMs);
    else if (this.#mode === "command" && now - this.#since > idleTimeoutMs) fault = replies.timeout;
    if (fault === null) return;
    this.#near.counters.timeouts++;
    this.#say(fault);
  }

  #newTransaction(): Transaction {
    return new Transaction(this.#settings, { mayRelay: this.#mayRelay, isSecure: this.#tls !== null });
  }

  /** Listeners stay for the socket's whole life: a reset may come at any moment, even after close. */
  #attach(socket: Socket): void {
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("end", () => {
      if (this.#mode === "waiting") this.#hasEnded = true;
      else this.#hangUp();
    });
    socket.on("close", () => {
      if (socket === this.#socket) this.#close();
    });
  }

  /** Forgets what was on its way. A commit under way goes on: the spool alone decides about its message. */
  #close(): void {
    if (this.#mode === "closed") return;
    this.#mode = "closed";
    this.#content.abort();
    this.#input.take();
    this.#onClose();
  }

  #greet(): void {
    if (this.#mode !== "greeting") return;
    this.#ready();
    this.#say(makeReply(220, "", `${this.#settings.hostname} ESMTP Mailfleet`));
  }

  /** Writes a reply; one that hangs up ends everything after its bytes. */
  #say(reply: Reply): void {
    if (this.#mode === "closed" || this.#socket.destroyed) return;
    this.#socket.write(reply.bytes);
    if (reply.hangUp) this.#hangUp();
  }

  #hangUp(): void {
    if (this.#mode === "closed") return;
    this.#close();
    closeSoftly(this.#socket, this.#near.clock);
  }

  #onData(chunk: Buffer): void {
    if (this.#mode === "closed") return;
    if (this.#mode === "greeting") return this.#turnAway(replies.earlyTalker);
    const data = this.#input.join(chunk);
    if (this.#mode === "waiting") {
      this.#input.keep(data);
      if (this.#input.isLarge) this.#flow.stop("commit");
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
    const socket = this.#socket;
    socket.cork();
    let position = 0;
    while (position < data.length) {
      if (this.#mode === "command") position = this.#readLine(data, position);
      else if (this.#mode === "content") position = this.#content.read(data, position);
      else break;
    }
    if (position < data.length && this.#mode === "waiting") this.#input.keep(data.subarray(position));
    socket.uncork();
    if (this.#mode !== "closed") this.#flow.watchReplies();
  }

  /** Runs one line and returns where the next begins; an incomplete one is kept and the end is returned. */
  #readLine(data: Buffer, start: number): number {
    const next = this.#lines.findEnd(data, start);
    if (next === -1) {
      this.#input.keep(this.#lines.keep(data, start));
      if (this.#lines.isHopeless) this.#say(replies.inputTooLong);
      return data.length;
    }
    this.#since = this.#near.clock.monotonic();
    const fault = this.#lines.judge(data, start, next);
    if (this.#login.isAsking) return this.#readAnswer(data, { start, next, fault });
    const command = fault === null ? parseCommand(data, start, next - 2) : refused(fault);
    if (next < data.length && !mayHaveMore(command, this.#transaction.isExtended))
      this.#turnAway(replies.impatient);
    else this.#run(command);
    return next;
  }

  #turnAway(reply: Reply): void {
    this.#near.counters.refusedCommands++;
    this.#say(reply);
  }

  #run(command: Command): void {
    if (this.#runSpecial(command)) return;
    if (command.kind === "mail" && !this.#near.accepting()) return this.#say(replies.notTakingMail);
    if (command.kind === "rcpt" && this.#content.hasChunks) return this.#refuse(replies.inChunks);
    const reply = this.#transaction.handle(command);
    if (!this.#transaction.isOpen) this.#content.abort();
    if (reply.code >= 400) {
      if (command.kind === "rcpt") this.#near.counters.refusedRecipients++;
      return this.#refuse(reply);
    }
    const isProgress = command.kind === "mail" || command.kind === "rcpt";
    if (!isProgress && this.#patience.endsWithIdle()) return this.#say(replies.tooManyErrors);
    if (command.kind === "mail") this.#answerMail(command.path.address, reply);
    else this.#say(reply);
    if (this.#isLeaving && !this.isBusy) this.#say(replies.shuttingDown);
  }

  #answerMail(sender: string, reply: Reply): void {
    const asked = this.#screening.mailFrom(this.#transaction.heloName, sender);
    if (asked === null) return this.#say(reply);
    this.#mode = "waiting";
    void asked.then((refusal) => {
      if (refusal !== null) this.#transaction.reset();
      this.#endWait(() => this.#answer(refusal ?? reply));
    });
  }

  /** Commands that change what the next bytes mean, or end the conversation. */
  #runSpecial(command: Command): command is Extract<Command, { kind: Special }> {
    if (command.kind === "foreign") this.#say(replies.notSmtp);
    else if (command.kind === "data") this.#startData();
    else if (command.kind === "bdat") this.#startChunk(command);
    else if (command.kind === "startTls") this.#commandStartTls();
    else if (command.kind === "auth") this.#followLogin(this.#login.start(command, this.#transaction));
    else return false;
    return true;
  }

  /** A line of the exchange; its length and line end are judged like those of a command. */
  #readAnswer(data: Buffer, line: { start: number; next: number; fault: Reply | null }): number {
    const { start, next, fault } = line;
    if (fault !== null) this.#login.cancel();
    if (next < data.length) this.#turnAway(replies.impatient);
    else this.#followLogin(fault ?? this.#login.answer(data.toString("latin1", start, next - 2)));
    return next;
  }

  #followLogin(said: Reply | Promise<Reply>): void {
    if (!(said instanceof Promise)) return this.#answer(said);
    this.#mode = "waiting";
    void said.then((reply) => this.#endWait(() => this.#answer(reply)));
  }

  #answer(reply: Reply): void {
    if (reply === replies.authOk) this.#transaction.logIn();
    if (reply.code >= 400) this.#refuse(reply);
    else this.#say(reply);
  }

  #refuse(reply: Reply): void {
    this.#near.counters.refusedCommands++;
    this.#say(reply);
    if (this.#patience.endsWith(reply)) this.#say(replies.tooManyErrors);
  }

  #startData(): void {
    const refusal = this.#transaction.dataRefusal ?? (this.#content.hasChunks ? replies.inChunks : null);
    if (refusal !== null) return this.#refuse(refusal);
    this.#content.startData(this.#message());
    this.#mode = "content";
    this.#say(replies.sendData);
  }

  /** The bytes of a chunk follow whatever we make of it (RFC 3030 2). */
  #startChunk(chunk: { size: number; isLast: boolean }): void {
    this.#mode = "content";
    const refusal = this.#transaction.dataRefusal;
    if (refusal === null) this.#content.startChunk(chunk, this.#message());
    else this.#content.refuseChunk(chunk, refusal);
  }

  #answerChunk(reply: Reply, isOver: boolean): void {
    this.#ready();
    if (isOver) {
      this.#transaction.reset();
      this.#near.counters.refusedMessages++;
    }
    this.#answer(reply);
  }

  #message(): ReturnType<typeof messageOf> {
    const { serverId } = this.#settings;
    const client = { serverId, sessionId: this.id, remoteIp: this.remoteIp, remotePort: this.#remotePort };
    const secured = { tls: this.#tls, isLoggedIn: this.#login.login !== null };
    return messageOf(this.#transaction, { ...client, ...secured });
  }

  #commit(mail: IncomingMail): void {
    this.#mode = "waiting";
    void mail.commit().then(({ reply, isAccepted }) => this.#finish(mail, reply, isAccepted));
  }

  /** Answers the end of data, counts, and is ready for the next command. */
  #finish(mail: IncomingMail, reply: Reply, isAccepted: boolean): void {
    countMessage(this.#near.counters, mail.bytes, isAccepted ? this.#transaction.recipientCount : 0);
    if (isAccepted) this.#patience.renew();
    this.#transaction.reset();
    this.#content.forget();
    this.#endWait(() => this.#say(reply));
  }

  #endWait(answer: () => void): void {
    if (this.#mode === "closed") return;
    this.#ready();
    answer();
    if (this.#isLeaving && !this.isBusy) this.#say(replies.shuttingDown);
    this.#goOn();
  }

  #ready(mode: "greeting" | "command" = "command"): void {
    this.#mode = mode;
    this.#since = this.#near.clock.monotonic();
  }

  #goOn(): void {
    const kept = this.#input.take();
    if (kept !== null && this.#transaction.isExtended) this.#onData(kept);
    else if (kept !== null) this.#turnAway(replies.impatient);
    if (this.#mode === "waiting") return;
    this.#flow.go("commit");
    if (this.#hasEnded) this.#hangUp(); // It came behind all that was kept.
  }

  #commandStartTls(): void {
    if (this.#tls !== null) return this.#refuse(replies.alreadyTls);
    if (this.#settings.tls === null) return this.#refuse(replies.noTls);
    this.#say(replies.startTls);
    this.#startTls({ thenGreet: false });
  }

  /** Everything said in the clear is forgotten (RFC 3207 4.2); bytes behind STARTTLS were refused before. */
  #startTls(options: { thenGreet: boolean }): void {
    const plain = this.#socket;
    const context = this.#settings.tls;
    if (context === null) return this.#hangUp();
    this.#content.abort();
    this.#mode = "waiting";
    this.#input.take();
    // Our 220 leaves before TLS takes the connection over.
    plain.uncork();
    this.#socket = upgradeToTls({
      plain,
      context,
      clock: this.#near.clock,
      onSecure: (description) => this.#onSecure(description, options.thenGreet),
      onFailure: () => this.#near.counters.tlsFailures++,
    });
    this.#attach(this.#socket);
    this.#flow.moveTo(this.#socket);
  }

  #onSecure(description: string, thenGreet: boolean): void {
    if (this.#mode === "closed") return;
    this.#tls = description;
    this.#transaction = this.#newTransaction();
    this.#ready(thenGreet ? "greeting" : "command");
    if (thenGreet) this.#greeting.plan(this.#since);
    if (this.#isLeaving) this.#say(replies.shuttingDown);
    this.#goOn();
  }
}
