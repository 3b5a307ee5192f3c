/**
 * A connection that has said hello: takes jobs from its source and speaks one transaction after the other.
 *
 * Where the host offers PIPELINING, the next job's group MAIL, RCPT..., DATA goes out right behind the final dot
 * of the message before it, in the same write (RFC 2920 3.1 allows content to start a group), so a message costs
 * one round trip. At most one transaction waits behind the one that is answered.
 *
 * States: idle -> busy -> idle ... -> gone. It goes when the source wants the place, after its number of
 * transactions, on trouble, and on a reply nobody asked for.
 *
 * When it goes, each job gets the right word: a transaction whose end of data was sent is unclear; one that the
 * host has not answered and that is not the connection's first is handed back, for the connection was at fault
 * (idle too long, its number of messages used up); any other is deferred.
 */
import { isAscii } from "node:buffer";

import type { Outcome } from "../queue/courier.ts";
import type { Reached } from "../smtp/reached.ts";
import { type ServerReply, textOf } from "../smtp/reply-parser.ts";
import type { Content } from "../spool/spool.ts";
import type { SessionTrace } from "../trace/session-trace.ts";
import { BodyStuffer, chunkForm, wireForm } from "./body.ts";
import type { Capabilities } from "./capabilities.ts";
import { type Job, outcomeOfReadError } from "./job.ts";
import { outcomeOfReply, outcomeOfTrouble, type Trouble, unclearOutcome } from "./outcome.ts";
import { type Next, type Phase, Transaction } from "./transaction.ts";
import type { Timeouts } from "./transport.ts";
import type { Wire, WireEnd, WireOwner } from "./wire.ts";

/** Who gives work to connections. Jobs given out have their content. */
export interface JobSource {
  /** The next job, or null when there is none or this connection should make room. */
  next(connection: Connection): Job | null;
  /** Takes back a job that was not tried; it goes first. */
  giveBack(job: Job): void;
  /** The connection waits for `offer`. Leaves it when it should close. */
  onIdle(connection: Connection): void;
  onGone(connection: Connection): void;
}

export interface ConnectionOptions {
  /** The host's name, for outcomes. */
  readonly host: string;
  readonly capabilities: Capabilities;
  readonly timeouts: Timeouts;
  readonly maxTransactions: number;
  readonly isLmtp: boolean;
  /** BDAT where the host offers it. */
  readonly mayChunk: boolean;
  readonly source: JobSource;
  /** What watched outcomes tell of the connection. */
  readonly reached: Reached;
}

const RSET = "RSET\r\n";
/** A job that several connections failed to come to is deferred, so that it cannot go round for ever. */
const MOST_HAND_BACKS = 5;

export class Connection implements WireOwner {
  readonly host: string;
  readonly #wire: Wire;
  readonly #capabilities: Capabilities;
  readonly #timeouts: Timeouts;
  readonly #source: JobSource;
  readonly #reached: Reached;
  readonly #maxTransactions: number;
  readonly #isLmtp: boolean;
  readonly #mayChunk: boolean;
  #current: Transaction | null = null;
  /** Sent behind the current one and not answered yet. */
  #next: Transaction | null = null;
  #started = 0;
  #onDrained: (() => void) | null = null;

  constructor(wire: Wire, options: ConnectionOptions) {
    this.host = options.host;
    this.#wire = wire;
    this.#capabilities = options.capabilities;
    this.#timeouts = options.timeouts;
    this.#source = options.source;
    this.#reached = options.reached;
    this.#isLmtp = options.isLmtp;
    this.#mayChunk = options.mayChunk && options.capabilities.chunking;
    this.#maxTransactions = Math.min(
      options.maxTransactions,
      options.capabilities.maxTransactions ?? Number.POSITIVE_INFINITY,
    );
    wire.owner = this;
  }

  get transactions(): number {
    return this.#started;
  }

  get isGone(): boolean {
    return this.ended !== null;
  }

  /** Why nothing can be said any more, or null. */
  get ended(): WireEnd | null {
    return this.#wire.ended;
  }

  /** TLS version and cipher, or null in the clear. */
  get tls(): string | null {
    return this.#wire.tls;
  }

  /** Takes the first job from the source, or waits for one. Called once, after construction, and when idle. */
  work(): void {
    if (this.#current !== null || this.isGone) return;
    if (this.#started >= this.#maxTransactions) return this.leave();
    this.#current = this.#take();
    if (this.#current === null) {
      this.#wire.expiresAt = Number.POSITIVE_INFINITY;
      this.#source.onIdle(this);
      return;
    }
    if (this.#started > 1) this.#wire.stay();
    this.#wire.expectWithin(this.#timeouts.mailMs);
    this.#wire.write(this.#said(this.#current, this.#current.opening()));
  }

  /** Closes an idle connection politely. */
  leave(): void {
    this.#wire.quit();
    this.#source.onGone(this);
  }

  /** Sets when an idle connection has waited long enough. */
  idleFor(delayMs: number): void {
    this.#wire.expectWithin(delayMs);
  }

  /** Ends at once, whatever is under way. */
  cut(trouble: Trouble): void {
    this.#wire.end(trouble, "");
  }

  onReply(reply: ServerReply): void {
    const transaction = this.#current;
    this.#wire.traced?.now?.server(textOf(reply), transaction?.traced ?? undefined);
    // Nothing was asked: mostly "421 idle too long". The connection is of no use any more.
    if (transaction === null) return this.#wire.end("lost", "reply without a command");
    if (reply.code === 421) return this.#onGoodbye(transaction, reply);
    const next = transaction.onReply(reply);
    if (this.#isOutOfStep(next))
      return this.#wire.end("garbage", `more behind ${reply.code} than was asked for`);
    switch (next) {
      case "wait":
        return this.#expect(transaction);
      case "send":
        this.#expect(transaction);
        this.#wire.write(this.#said(transaction, transaction.command()));
        return;
      case "body":
        return this.#sendBody(transaction);
      case "lone-dot":
        this.#wire.expectWithin(this.#timeouts.endOfDataMs);
        this.#wire.write(this.#said(transaction, ".\r\n"));
        return;
      case "reset":
        return this.#reset(transaction);
      case "over":
        return this.#complete(transaction);
      case "garbage":
        return this.#wire.end("garbage", `${reply.code} in phase ${transaction.phase}`);
    }
  }

  /**
   * All that was asked is answered, and more came with the last answer. It belongs to nothing, and would be taken for the
   * answers to what is asked from here on: a 250 for content that was not sent yet, another recipient's refusal.
   */
  #isOutOfStep(next: Next): boolean {
    return next !== "wait" && next !== "garbage" && this.#next === null && this.#wire.hasMore;
  }

  onEnd(end: WireEnd): void {
    const current = this.#current;
    const next = this.#next;
    this.#current = null;
    this.#next = null;
    this.#onDrained?.();
    // In this order, so that the older of the two goes first again.
    if (next !== null) this.#handBack(next, end);
    if (current !== null) this.#giveUp(current, end);
    this.#source.onGone(this);
  }

  onDrain(): void {
    this.#onDrained?.();
  }

  onDeadline(): boolean {
    if (this.#current !== null) return false;
    this.leave();
    return true;
  }

  /** The next job as a transaction; jobs that the host cannot take are settled on the way. */
  #take(): Transaction | null {
    for (;;) {
      const job = this.#source.next(this);
      if (job === null) return null;
      job.goesOver(this.#reached, this.#started + 1);
      const trouble = this.#unfit(job);
      if (trouble === null) return this.#start(job);
      job.settleAll(outcomeOfTrouble(trouble, this.host));
    }
  }

  #unfit(job: Job): Trouble | null {
    const { smtpUtf8, maxSizeBytes, requireTls, deliverBy } = this.#capabilities;
    if (job.requiresTls && (!requireTls || this.tls === null)) return "requiretls-not-offered";
    if (job.attempt.deliverBy?.mode === "return") {
      // It waited for this connection for too long.
      if (job.attempt.deliverBy.seconds <= 0) return "too-late";
      if (!deliverBy) return "deliverby-not-offered";
    }
    if (!smtpUtf8 && job.needsUtf8) return "needs-smtputf8";
    return maxSizeBytes !== null && job.message.sizeBytes > maxSizeBytes ? "too-large" : null;
  }

  #start(whole: Job): Transaction {
    const { maxRecipients, eightBitMime, size, pipelining, dsn, deliverBy, priority } = this.#capabilities;
    let job = whole;
    if (job.positions.length > maxRecipients) {
      this.#source.giveBack(whole.part(whole.positions.slice(maxRecipients)));
      job = whole.part(whole.positions.slice(0, maxRecipients));
      job.via = whole.via;
    }
    this.#started++;
    return new Transaction(job, this.host, {
      parameters: {
        sizeBytes: size ? job.message.sizeBytes : null,
        // A host without 8BITMIME gets the bytes as they are: converting would break signatures, and hosts
        // that cut the eighth bit are not seen any more. RFC 6152 3 would have us convert or return it.
        eightBit: eightBitMime && isEightBit(job),
        smtpUtf8: job.needsUtf8,
        requireTls: job.requiresTls,
        dsn: dsn ? (job.message.envelope.dsn ?? null) : null,
        deliverBy: deliverBy ? (job.attempt.deliverBy ?? null) : null,
        priority: priority ? (job.message.envelope.priority ?? 0) : 0,
      },
      isPipelined: pipelining,
      isLmtp: this.#isLmtp,
      // A message in pieces is not counted before its last piece has come.
      isChunked: this.#mayChunk && job.content?.kind === "memory",
    });
  }

  #expect(transaction: Transaction): void {
    const { mailMs, rcptMs, dataMs, endOfDataMs } = this.#timeouts;
    const waits: Partial<Record<Phase, number>> = { rcpt: rcptMs, data: dataMs, final: endOfDataMs };
    this.#wire.expectWithin(waits[transaction.phase] ?? mailMs);
  }

  #sendBody(transaction: Transaction): void {
    const content = transaction.job.content;
    if (content?.kind === "file") {
      transaction.phase = "body";
      void this.#stream(transaction, content.chunks());
      return;
    }
    const pieces = content === null ? [] : piecesOf(content);
    transaction.phase = "final";
    this.#wire.expectWithin(this.#timeouts.endOfDataMs);
    const trace = this.#traced(transaction);
    if (trace !== null) for (const piece of pieces) trace.content(piece, transaction.traced ?? undefined);
    if (transaction.isChunked) return this.#sendChunk(content?.bytes ?? Buffer.alloc(0));
    const { body, end } = wireForm(pieces, content?.isPlain);
    this.#wire.writeBody(body, end + this.#nextGroup());
  }

  #sendChunk(bytes: Buffer): void {
    const { command, body } = chunkForm(bytes);
    this.#wire.writeBody([Buffer.from(command), body], this.#nextGroup());
  }

  /** Sends a message in pieces, waiting whenever the socket is full. Never rejects. */
  async #stream(transaction: Transaction, pieces: AsyncIterable<Buffer>): Promise<void> {
    const stuffer = new BodyStuffer();
    try {
      for await (const piece of pieces) {
        if (this.#current !== transaction) return;
        this.#wire.expectWithin(this.#timeouts.blockMs);
        this.#traced(transaction)?.content(piece, transaction.traced ?? undefined);
        if (!this.#wire.writeBytes(stuffer.push(piece))) await this.#drained();
      }
    } catch (error) {
      // Without its end of data the host drops what it has (RFC 5321 4.1.1.4); only closing says that.
      if (this.#current === transaction) transaction.abandon(outcomeOfReadError(error));
      this.#wire.end("lost", "the message could not be read");
      return;
    }
    if (this.#current !== transaction) return;
    transaction.phase = "final";
    this.#wire.expectWithin(this.#timeouts.endOfDataMs);
    this.#wire.write(stuffer.end() + this.#nextGroup());
  }

  /** Resolves when the socket has room again or the connection is gone. */
  #drained(): Promise<void> {
    if (this.isGone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onDrained = () => {
        this.#onDrained = null;
        resolve();
      };
    });
  }

  #reset(transaction: Transaction): void {
    this.#wire.expectWithin(this.#timeouts.mailMs);
    this.#wire.write(this.#said(transaction, RSET) + this.#nextGroup());
  }

  /** Starts the next job behind what is about to be sent, when the host allows. */
  #nextGroup(): string {
    if (!this.#capabilities.pipelining || this.#started >= this.#maxTransactions) return "";
    this.#next = this.#take();
    return this.#next === null ? "" : this.#said(this.#next, this.#next.opening());
  }

  #traced(transaction: Transaction): SessionTrace | null {
    const trace = this.#wire.traced?.now ?? null;
    if (trace !== null) transaction.traced ??= trace.startPart(transaction.job.message.id);
    return trace;
  }

  /** What is about to be written, as it is. */
  #said(transaction: Transaction, text: string): string {
    const trace = this.#traced(transaction);
    if (trace !== null) trace.client(text, transaction.traced ?? undefined);
    return text;
  }

  #complete(transaction: Transaction): void {
    const overflow = transaction.takeOverflow();
    if (overflow !== null) this.#source.giveBack(overflow);
    this.#current = this.#next;
    this.#next = null;
    if (this.#current === null) return this.work();
    this.#wire.stay();
    this.#expect(this.#current);
  }

  #onGoodbye(transaction: Transaction, reply: ServerReply): void {
    if (!this.#isConnectionToBlame(transaction)) {
      transaction.abandon(outcomeOfReply(reply, transaction.step, this.host));
      this.#current = null;
    }
    this.#wire.end("lost", `421 ${reply.lines[0] ?? ""}`);
  }

  #giveUp(transaction: Transaction, end: WireEnd): void {
    if (transaction.isUnclear) return transaction.abandon(unclearOutcome(end.trouble, this.host, end.detail));
    if (end.trouble === "lost" && this.#isConnectionToBlame(transaction))
      return this.#handBack(transaction, end);
    transaction.abandon(this.#outcomeOf(end, transaction));
  }

  /** The host answered an earlier transaction of this connection and none of this one. */
  #isConnectionToBlame(transaction: Transaction): boolean {
    return transaction.isUntouched && this.#started > 1;
  }

  #handBack(transaction: Transaction, end: WireEnd): void {
    const { job } = transaction;
    job.handBacks++;
    if (job.handBacks > MOST_HAND_BACKS) return transaction.abandon(this.#outcomeOf(end, transaction));
    this.#source.giveBack(job);
  }

  #outcomeOf(end: WireEnd, transaction: Transaction): Outcome {
    const where = `in phase ${transaction.phase}`;
    return outcomeOfTrouble(end.trouble, this.host, end.detail === "" ? where : end.detail);
  }
}

function isEightBit(job: Job): boolean {
  if (job.message.envelope.eightBit) return true;
  return job.content?.kind === "memory" && !piecesOf(job.content).every((piece) => isAscii(piece));
}

/** Asked for first: to have the bytes in one costs a copy. */
function piecesOf(content: Extract<Content, { kind: "memory" }>): readonly Buffer[] {
  return content.pieces ?? [content.bytes];
}
