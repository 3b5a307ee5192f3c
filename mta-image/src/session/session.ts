/**
 * One inbound session: what comes over its connection is given to whoever reads it now (command-reader.ts for lines, the
 * conversation for content), in order, and every reply is said here. It lives until the connection's end or its last reply.
 *
 * Modes: *greeting* (nothing was said yet; whoever speaks now is turned away), *command* (lines), *content* (data up
 * to its end or a chunk), *waiting* (a commit, a check or a TLS handshake is under way; input is kept, up to a bound,
 * and read afterwards), *closed*.
 * Nobody may send ahead of our replies but clients that said EHLO, and they not behind a command that ends a
 * group (RFC 2920 3.1), whether it comes in one packet or while the answer is waited for: programs that do are no mail
 * servers, or smuggle.
 * A client that closes its side while a commit is under way still gets the reply; else its end ends the session.
 * A connection that is not read in turns (behind a PROXY header) and goes on after its first message is likely to stay,
 * and is moved.
 * What fails: a broken line drops the transaction, never a queued message; a spool that refuses shows as a 4xx at the
 * end of data; an unexpected error is a bug, is logged, and ends this connection with 421. `sweep` is the only clock.
 */
import { makeId } from "#base/ids.ts";

import type { ByteSocket } from "../net/byte-socket.ts";
import { isInNetworks } from "../net/networks.ts";
import { type Reply, makeReply, replies } from "../smtp/reply.ts";
import type { Secured } from "../smtp/secured.ts";
import type { NamedClient } from "../smtp/xclient.ts";
import { Traced } from "../trace/traced.ts";
import { CommandReader } from "./command-reader.ts";
import { Connection } from "./connection.ts";
import { type Conversation, type ConversationOptions, openConversation } from "./conversation.ts";
import { LastWords } from "./last-words.ts";
import type { SessionNeighbours, SessionOptions, SessionSettings } from "./options.ts";
import { type Peer, renamed } from "./peer.ts";
import { WaitingInput } from "./waiting-input.ts";

type Mode = "greeting" | "command" | "content" | "waiting" | "closed";
type Client = Pick<ConversationOptions, "peer" | "maySpeakForOthers" | "named">;

export class Session {
  readonly id: string;
  readonly remoteIp: string;
  readonly #settings: SessionSettings;
  readonly #near: SessionNeighbours;
  readonly #onClose: () => void;
  readonly #connection: Connection;
  readonly #reader: CommandReader;
  readonly #input = new WaitingInput();
  readonly #last = new LastWords();
  readonly #traced: Traced;
  /** With the client that is spoken for; another one when XCLIENT names another. */
  #talk: Conversation;
  #mode: Mode = "greeting";
  #isLeaving = false;
  /** The client closed its side while a commit was under way. */
  #hasEnded = false;
  #hasBroughtMail = false;
  #secured: Secured | null = null;

  constructor(socket: ByteSocket, { peer, settings, near, onClose }: SessionOptions) {
    this.#settings = settings;
    this.#near = near;
    this.#onClose = onClose;
    this.id = makeId(near.clock.now());
    this.remoteIp = peer.ip;
    this.#connection = new Connection(socket, {
      received: (chunk) => this.#onData(chunk),
      ended: () => this.#onEnd(),
      closed: () => this.#close("remote"),
    });
    this.#traced = this.#openTrace(peer);
    this.#reader = new CommandReader({
      ...{ clock: near.clock, traced: this.#traced, input: this.#input, last: this.#last },
      say: (reply) => this.#say(reply),
      turnAway: (reply) => this.#turnAway(reply),
    });
    const isProxy = settings.xclientNetworks !== null && isInNetworks(settings.xclientNetworks, peer.ip);
    this.#talk = this.#open({ peer, maySpeakForOthers: isProxy, named: {} });
    this.#connection.open();
    if (settings.implicitTls && settings.tls !== null) this.#startTls({ thenGreet: true });
    else this.#talk.greeting.plan(this.#reader.since);
  }

  #open(client: Client): Conversation {
    return openConversation({
      ...client,
      sessionId: this.id,
      socket: this.#connection.socket,
      settings: this.#settings,
      near: this.#near,
      flow: this.#connection.flow,
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
    this.#talk.greeting.plan(this.#reader.since);
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
    this.#connection.destroy();
  }

  /** Ends a session that is too slow. Called about once a second. */
  sweep(now: number): void {
    const { idleTimeoutMs } = this.#settings;
    let fault: Reply | null = null;
    if (this.#mode === "greeting") this.#talk.greeting.sweep(now);
    else if (this.#mode === "command" && now - this.#reader.since > idleTimeoutMs) fault = replies.timeout;
    else if (this.#mode !== "waiting") fault = this.#talk.commands.content.judgePace(now, idleTimeoutMs);
    if (fault === null) return;
    this.#near.counters.timeouts++;
    this.#say(fault);
  }

  /** Forgets what was on its way. A commit under way goes on: the spool alone decides about its message. */
  #close(by: "local" | "remote"): void {
    if (this.#mode === "closed") return;
    const { reply, state } = this.#last;
    this.#talk.hooks?.disconnect({ close: by, reply, state, error: this.#connection.error });
    this.#mode = "closed";
    this.#talk.commands.content.abort();
    this.#input.take();
    this.#traced.close(by === "local" ? "by us" : "by the client");
    this.#onClose();
  }

  #greet(): void {
    if (this.#mode === "greeting") this.#connection.look();
    if (this.#mode !== "greeting") return;
    this.#ready();
    this.#say(
      this.#talk.commands.introduction.banner ??
        makeReply(220, "", `${this.#settings.hostname} ESMTP Mailfleet`),
    );
  }

  /** Writes a reply; one that hangs up ends everything after its bytes. */
  #say(reply: Reply): void {
    if (this.#mode === "closed" || this.#connection.isDestroyed) return;
    this.#connection.write(reply.bytes);
    this.#traced.now?.server(reply.bytes.toString("latin1"));
    this.#last.said(reply);
    if (reply.hangUp) this.#hangUp();
  }

  #hangUp(by: "local" | "remote" = "local"): void {
    if (this.#mode === "closed") return;
    this.#close(by);
    this.#connection.close(this.#near.clock, { isAgreed: this.#last.reply === replies.bye });
  }

  #onEnd(): void {
    if (this.#mode === "waiting") this.#hasEnded = true;
    else this.#hangUp("remote");
  }

  #onData(chunk: Buffer): void {
    if (this.#mode === "closed") return;
    if (this.#mode === "greeting") return this.#turnAway(replies.earlyTalker);
    const data = this.#input.join(chunk);
    if (this.#mode === "waiting") {
      this.#input.keep(data);
      if (this.#input.isLarge) this.#connection.flow.stop("commit");
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
    const { socket } = this.#connection;
    socket.cork();
    let position = 0;
    while (position < data.length) {
      if (this.#mode === "command") position = this.#readCommand(data, position);
      else if (this.#mode === "content") position = this.#talk.commands.content.read(data, position);
      else break;
    }
    if (position < data.length && this.#mode === "waiting") this.#input.keep(data.subarray(position));
    socket.uncork();
    if (this.#mode !== "closed") this.#connection.flow.watchReplies();
  }

  #readCommand(data: Buffer, start: number): number {
    const next = this.#reader.read(data, start, this.#talk);
    this.#leaveIfIdle();
    return next;
  }

  #turnAway(reply: Reply): void {
    this.#near.counters.refusedCommands++;
    this.#say(reply);
  }

  #readContent(): void {
    this.#mode = "content";
    this.#last.heardContent();
  }

  #wait<T>(asked: Promise<T>, then: (value: T) => void): void {
    this.#mode = "waiting";
    void asked.then((value) => this.#endWait(() => then(value)));
  }

  #endWait(answer: () => void): void {
    if (this.#mode === "closed") return;
    const mayComeAhead = this.#last.mayComeAhead(this.#talk.commands.isExtended);
    this.#ready();
    this.#talk.commands.content.excuse();
    answer();
    this.#leaveIfIdle();
    this.#stay();
    this.#goOn(mayComeAhead);
  }

  /** Behind the reply to its second message, unless something else waits for the socket: many bring one and go. */
  #stay(): void {
    if (this.#last.state !== "EOD" || this.#mode !== "command" || this.#hasEnded) return;
    if (!this.#connection.flow.isOpen) return;
    if (this.#hasBroughtMail) this.#connection.settle();
    this.#hasBroughtMail = true;
  }

  #leaveIfIdle(): void {
    if (this.#isLeaving && !this.isBusy) this.#say(replies.shuttingDown);
  }

  #ready(mode: "greeting" | "command" = "command"): void {
    this.#mode = mode;
    this.#reader.since = this.#near.clock.monotonic();
  }

  /** `mayComeAhead`: what came meanwhile was sent by the rules. */
  #goOn(mayComeAhead: boolean): void {
    const kept = this.#input.take();
    if (kept !== null && mayComeAhead) this.#onData(kept);
    else if (kept !== null) this.#turnAway(replies.impatient);
    if (this.#mode === "waiting") return;
    this.#connection.flow.go("commit");
    if (this.#hasEnded) this.#hangUp("remote"); // It came behind all that was kept.
  }

  /** Everything said in the clear is forgotten (RFC 3207 4.2); bytes behind STARTTLS were refused before. */
  #startTls(options: { thenGreet: boolean }): void {
    const context = this.#settings.tls;
    if (context === null) return this.#hangUp();
    this.#talk.commands.content.abort();
    this.#connection.startTls({
      context,
      asksForCertificate: this.#settings.asksForCertificate,
      clock: this.#near.clock,
      onSecure: (secured) => this.#onSecure(secured, options.thenGreet),
      onFailure: () => this.#near.counters.tlsFailures++,
    });
    this.#mode = "waiting";
    this.#input.take();
  }

  #onSecure(secured: Secured, thenGreet: boolean): void {
    if (this.#mode === "closed") return;
    this.#traced.now?.tls(secured.description);
    this.#secured = secured;
    this.#talk.commands.secured(secured);
    this.#ready(thenGreet ? "greeting" : "command");
    if (thenGreet) this.#talk.greeting.plan(this.#reader.since);
    if (this.#isLeaving) this.#say(replies.shuttingDown);
    this.#goOn(false);
  }
}
