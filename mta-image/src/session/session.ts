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
 * A connection that is not read in turns (behind a PROXY header) and goes on after its first message is likely to stay,
 * and is moved.
 * What fails: a broken line drops the transaction, never a queued message; a spool that refuses shows as a 4xx at the
 * end of data; an unexpected error is a bug, is logged, and ends this connection with 421. `sweep` is the only clock.
 */
import { makeId } from "#base/ids.ts";

import { type Command, mayHaveMore, parseCommand, refused } from "../smtp/command.ts";
import type { NamedClient } from "../smtp/xclient.ts";
import { type Reply, makeReply, replies } from "../smtp/reply.ts";
import { Traced } from "../trace/traced.ts";
import { adopt, asNodeSocket } from "../net/adopt.ts";
import type { ByteSocket } from "../net/byte-socket.ts";
import { isInNetworks } from "../net/networks.ts";
import { readOn } from "../net/read-on.ts";
import { type Conversation, type ConversationOptions, openConversation } from "./conversation.ts";
import { closeBehindQuit, closeSoftly } from "./farewell.ts";
import { Flow } from "./flow.ts";
import { LineReader } from "./line-reader.ts";
import type { SessionNeighbours, SessionOptions, SessionSettings } from "./options.ts";
import { type Peer, renamed } from "./peer.ts";
import type { Secured } from "../smtp/secured.ts";
import { upgradeToTls } from "./tls-upgrade.ts";
import { WaitingInput } from "./waiting-input.ts";

type Mode = "greeting" | "command" | "content" | "waiting" | "closed";
type Client = Pick<ConversationOptions, "peer" | "maySpeakForOthers" | "named">;

export class Session {
  readonly id: string;
  readonly remoteIp: string;
  readonly #settings: SessionSettings;
  readonly #near: SessionNeighbours;
  readonly #onClose: () => void;
  readonly #lines = new LineReader();
  readonly #input = new WaitingInput();
  readonly #flow: Flow;
  readonly #traced: Traced;
  /** With the client that is spoken for; another one when XCLIENT names another. */
  #talk: Conversation;
  #socket: ByteSocket;
  #mode: Mode = "greeting";
  #isLeaving = false;
  /** The client closed its side while a commit was under way. */
  #hasEnded = false;
  #hasBroughtMail = false;
  #lastReply: Reply | null = null;
  /** What that answers: CONNECT, a command where a script wants to know at the end, or EOD. */
  #lastState = "CONNECT";
  #lastWord = "CONNECT";
  /** The last that came; null within content and behind it. */
  #lastCommand: Command | null = null;
  #lastError: NodeJS.ErrnoException | null = null;
  #secured: Secured | null = null;
  /** When the wait for the next complete command began. */
  #since: number;

  constructor(socket: ByteSocket, { peer, settings, near, onClose }: SessionOptions) {
    this.#settings = settings;
    this.#near = near;
    this.#onClose = onClose;
    this.#since = near.clock.monotonic();
    this.id = makeId(near.clock.now());
    this.remoteIp = peer.ip;
    this.#socket = socket;
    this.#flow = new Flow(socket);
    this.#traced = this.#openTrace(peer);
    const isProxy = settings.xclientNetworks !== null && isInNetworks(settings.xclientNetworks, peer.ip);
    this.#talk = this.#open({ peer, maySpeakForOthers: isProxy, named: {} });
    this.#attach(socket);
    if (settings.implicitTls && settings.tls !== null) this.#startTls({ thenGreet: true });
    else this.#talk.greeting.plan(this.#since);
  }

  #open(client: Client): Conversation {
    return openConversation({
      ...client,
      sessionId: this.id,
      socket: this.#socket,
      settings: this.#settings,
      near: this.#near,
      flow: this.#flow,
      traced: this.#traced,
      secured: this.#secured,
      greet: () => this.#greet(),
      floor: {
        say: (reply) => this.#say(reply),
        wait: (asked, then) => this.#wait(asked, then),
        read: (what) => (what === "content" ? this.#readContent() : this.#ready()),
        startTls: () => this.#startTls({ thenGreet: false }),
        become: (named) => this.#become(named),
      },
    });
  }

  #openTrace({ ip, port }: Peer): Traced {
    const about = { direction: "in", remoteIp: ip, remotePort: port, transportId: "", host: "" } as const;
    return new Traced(this.#near.traces, { ...about, id: this.id, listener: this.#settings.serverId });
  }

  /**
   * XCLIENT: from now on another client is spoken for, which is looked up and greeted like one that came by itself. How
   * many connections it has is still counted by who really came.
   */
  #become(named: NamedClient): void {
    const peer = renamed(this.#talk.peer, named, this.remoteIp);
    this.#talk = this.#open({ peer, maySpeakForOthers: true, named });
    this.#ready("greeting");
    this.#talk.greeting.plan(this.#since);
  }

  /** A message is on its way: MAIL was accepted, or a commit is under way. */
  get isBusy(): boolean {
    return this.#mode === "content" || this.#mode === "waiting" || this.#talk.commands.isInMail;
  }

  /** Ends the session as soon as no message is on its way: an idle one now, a busy one after its reply. */
  leave(): void {
    this.#isLeaving = true;
    this.#leaveIfIdle();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends a session that is too slow. Called about once a second. */
  sweep(now: number): void {
    const { idleTimeoutMs } = this.#settings;
    let fault: Reply | null = null;
    if (this.#mode === "greeting") this.#talk.greeting.sweep(now);
    else if (this.#mode === "command" && now - this.#since > idleTimeoutMs) fault = replies.timeout;
    else if (this.#mode !== "waiting") fault = this.#talk.commands.content.judgePace(now, idleTimeoutMs);
    if (fault === null) return;
    this.#near.counters.timeouts++;
    this.#say(fault);
  }

  /** Listeners stay for the socket's whole life: a reset may come at any moment, even after close. */
  #attach(socket: ByteSocket): void {
    socket.on("data", (chunk: Buffer) => {
      readOn(socket);
      this.#onData(chunk);
    });
    socket.on("error", (error) => {
      this.#lastError ??= error;
      socket.destroy();
    });
    socket.on("end", () => {
      if (this.#mode === "waiting") this.#hasEnded = true;
      else this.#hangUp("remote");
    });
    socket.on("close", () => {
      if (socket === this.#socket) this.#close("remote");
    });
  }

  /** Forgets what was on its way. A commit under way goes on: the spool alone decides about its message. */
  #close(by: "local" | "remote"): void {
    if (this.#mode === "closed") return;
    const [reply, state, error] = [this.#lastReply, this.#lastState, this.#lastError];
    this.#talk.hooks?.disconnect({ close: by, reply, state, error });
    this.#mode = "closed";
    this.#talk.commands.content.abort();
    this.#input.take();
    this.#traced.close(by === "local" ? "by us" : "by the client");
    this.#onClose();
  }

  #greet(): void {
    if (this.#mode === "greeting") this.#socket.look?.();
    if (this.#mode !== "greeting") return;
    this.#ready();
    this.#say(
      this.#talk.commands.introduction.banner ??
        makeReply(220, "", `${this.#settings.hostname} ESMTP Mailfleet`),
    );
  }

  /** Writes a reply; one that hangs up ends everything after its bytes. */
  #say(reply: Reply): void {
    if (this.#mode === "closed" || this.#socket.destroyed) return;
    this.#socket.write(reply.bytes);
    this.#traced.now?.server(reply.bytes.toString("latin1"));
    this.#lastReply = reply;
    this.#lastState = reply.code === 354 ? "DATA" : this.#lastWord;
    if (reply.hangUp) this.#hangUp();
  }

  #hangUp(by: "local" | "remote" = "local"): void {
    if (this.#mode === "closed") return;
    this.#close(by);
    const close = this.#lastReply === replies.bye ? closeBehindQuit : closeSoftly;
    close(this.#socket, this.#near.clock);
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
      else if (this.#mode === "content") position = this.#talk.commands.content.read(data, position);
      else break;
    }
    if (position < data.length && this.#mode === "waiting") this.#input.keep(data.subarray(position));
    socket.uncork();
    if (this.#mode !== "closed") this.#flow.watchReplies();
  }

  /** Runs one line and returns where the next begins; an incomplete one is kept and the end is returned. */
  #readLine(data: Buffer, start: number): number {
    const next = this.#lines.findEnd(data, start);
    const isAnswer = this.#talk.commands.isAsking;
    if (next === -1) {
      this.#input.keep(this.#lines.keep(data, start, isAnswer));
      if (this.#lines.isHopeless) this.#say(replies.inputTooLong);
      return data.length;
    }
    this.#since = this.#near.clock.monotonic();
    const fault = this.#lines.judge(data, { start, next, isAnswer });
    if (isAnswer) return this.#readAnswer(data, { start, next, fault });
    this.#traced.now?.client(data.toString("utf8", start, next - 2));
    const command = fault === null ? parseCommand(data, start, next - 2) : refused(fault);
    this.#lastCommand = command;
    if (this.#talk.hooks?.has("disconnect") === true)
      this.#lastWord = verbs[command.kind] ?? verbOf(data, start, next);
    if (next < data.length && !mayHaveMore(command, this.#talk.commands.isExtended))
      this.#turnAway(replies.impatient);
    else if (fault === null && this.#talk.hooks?.has("proxy") === true)
      this.#talk.commands.runAsked(data.toString("latin1", start, next - 2), command);
    else this.#talk.commands.run(command);
    this.#leaveIfIdle();
    return next;
  }

  /** A line of an exchange that AUTH began; its length and line end are judged like those of a command. */
  #readAnswer(data: Buffer, line: { start: number; next: number; fault: Reply | null }): number {
    const { start, next, fault } = line;
    this.#traced.now?.secret();
    if (next < data.length) this.#turnAway(replies.impatient);
    else this.#talk.commands.answer(data.toString("latin1", start, next - 2), fault);
    return next;
  }

  #turnAway(reply: Reply): void {
    this.#near.counters.refusedCommands++;
    this.#say(reply);
  }

  #readContent(): void {
    this.#mode = "content";
    this.#lastWord = "EOD";
    this.#lastCommand = null;
  }

  #wait<T>(asked: Promise<T>, then: (value: T) => void): void {
    this.#mode = "waiting";
    void asked.then((value) => this.#endWait(() => then(value)));
  }

  #endWait(answer: () => void): void {
    if (this.#mode === "closed") return;
    const mayComeAhead = this.#mayComeAhead;
    this.#ready();
    this.#talk.commands.content.excuse();
    answer();
    this.#leaveIfIdle();
    this.#stay();
    this.#goOn(mayComeAhead);
  }

  /** Behind the reply to its second message, unless something else waits for the socket: many bring one and go. */
  #stay(): void {
    if (this.#lastState !== "EOD" || this.#mode !== "command" || this.#hasEnded || !this.#flow.isOpen) return;
    if (!this.#hasBroughtMail) {
      this.#hasBroughtMail = true;
      return;
    }
    const socket = adopt(this.#socket);
    if (socket === this.#socket) return;
    this.#socket = socket;
    this.#attach(socket);
    this.#flow.moveTo(socket);
  }

  #leaveIfIdle(): void {
    if (this.#isLeaving && !this.isBusy) this.#say(replies.shuttingDown);
  }

  #ready(mode: "greeting" | "command" = "command"): void {
    this.#mode = mode;
    this.#since = this.#near.clock.monotonic();
  }

  #goOn(mayComeAhead: boolean): void {
    const kept = this.#input.take();
    if (kept !== null && mayComeAhead) this.#onData(kept);
    else if (kept !== null) this.#turnAway(replies.impatient);
    if (this.#mode === "waiting") return;
    this.#flow.go("commit");
    if (this.#hasEnded) this.#hangUp("remote"); // It came behind all that was kept.
  }

  /** What is sent while the client has yet to hear of its last command is judged like what comes in one packet. */
  get #mayComeAhead(): boolean {
    const { isExtended } = this.#talk.commands;
    return this.#lastCommand === null ? isExtended : mayHaveMore(this.#lastCommand, isExtended);
  }

  /** Everything said in the clear is forgotten (RFC 3207 4.2); bytes behind STARTTLS were refused before. */
  #startTls(options: { thenGreet: boolean }): void {
    const context = this.#settings.tls;
    if (context === null) return this.#hangUp();
    const plain = asNodeSocket(this.#socket);
    this.#talk.commands.content.abort();
    this.#mode = "waiting";
    this.#input.take();
    if (plain !== this.#socket) this.#attach(plain);
    // Our 220 leaves before TLS takes the connection over.
    plain.uncork();
    this.#socket = upgradeToTls({
      plain,
      context,
      asksForCertificate: this.#settings.asksForCertificate,
      clock: this.#near.clock,
      onSecure: (secured) => this.#onSecure(secured, options.thenGreet),
      onFailure: () => this.#near.counters.tlsFailures++,
    });
    this.#attach(this.#socket);
    this.#flow.moveTo(this.#socket);
  }

  #onSecure(secured: Secured, thenGreet: boolean): void {
    if (this.#mode === "closed") return;
    this.#traced.now?.tls(secured.description);
    this.#secured = secured;
    this.#talk.commands.secured(secured);
    this.#ready(thenGreet ? "greeting" : "command");
    if (thenGreet) this.#talk.greeting.plan(this.#since);
    if (this.#isLeaving) this.#say(replies.shuttingDown);
    this.#goOn(this.#mayComeAhead);
  }
}

/** Of commands that have one verb only. */
const verbs: Readonly<Partial<Record<Command["kind"], string>>> = {
  mail: "MAIL",
  rcpt: "RCPT",
  data: "DATA",
  bdat: "BDAT",
  rset: "RSET",
  noop: "NOOP",
  quit: "QUIT",
  auth: "AUTH",
};

/** The first word of a line, in upper case. */
function verbOf(line: Buffer, start: number, end: number): string {
  const [verb = ""] = /^[A-Za-z0-9]*/.exec(line.toString("latin1", start, Math.min(end, start + 16))) ?? [];
  return verb.toUpperCase();
}
