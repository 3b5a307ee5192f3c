/**
 * The content of mail on one connection: bytes behind 354 up to their end, or counted chunks (BDAT, RFC 3030). It
 * holds the message that was begun, and the session hands it bytes while `isReading`. A chunk that is refused is
 * read to its end all the same, for its bytes must not run as commands. Never throws.
 */
import type { Clock } from "#base/clock.ts";

import type { Intake } from "../intake/intake.ts";
import type { Envelope, Origin } from "../message/envelope.ts";
import { type Reply, replies } from "../smtp/reply.ts";
import type { Traced } from "../trace/traced.ts";
import type { Flow } from "./flow.ts";
import { IncomingMail, isTooSlow } from "./incoming-mail.ts";

export interface ContentOwner {
  /** A chunk has come to its end and gets this reply. `isOver`: its transaction is of no use any more. */
  answerChunk(reply: Reply, options: { readonly isOver: boolean }): void;
  /** The message is complete; `forget` it before another begins. */
  commit(mail: IncomingMail): void;
}

interface Chunk {
  left: number;
  readonly size: number;
  readonly begunAt: number;
  readonly isLast: boolean;
  readonly refusal: Reply | null;
}

export interface ContentOptions {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly flow: Flow;
  readonly traced: Traced;
  readonly maxBytes: number;
  readonly owner: ContentOwner;
}

export class Content {
  readonly #options: ContentOptions;
  #mail: IncomingMail | null = null;
  #chunk: Chunk | null = null;
  #isData = false;
  /** When bytes last came. */
  #lastAt = 0;

  constructor(options: ContentOptions) {
    this.#options = options;
  }

  /** The next bytes are content. */
  get isReading(): boolean {
    return this.#isData || this.#chunk !== null;
  }

  /** A chunk of the message was taken, so only chunks may follow. */
  get hasChunks(): boolean {
    return this.#mail !== null;
  }

  startData({ envelope, origin }: { readonly envelope: Envelope; readonly origin: Origin }): void {
    this.#open(envelope, origin);
    this.#isData = true;
  }

  startChunk(
    chunk: { size: number; isLast: boolean },
    message: { envelope: Envelope; origin: Origin },
  ): void {
    if (this.#mail === null) this.#open(message.envelope, message.origin);
    this.#begin(chunk, null);
  }

  /** Reads over a chunk and then gives the reply. */
  refuseChunk(chunk: { size: number; isLast: boolean }, refusal: Reply): void {
    this.#begin(chunk, refusal);
  }

  /** Reads content from `start` on; returns the offset behind what was read. */
  read(data: Buffer, start: number): number {
    const now = this.#options.clock.monotonic();
    this.#lastAt = now;
    if (this.#chunk !== null) return this.#readChunk(this.#chunk, { data, start, now });
    const mail = this.#mail as IncomingMail;
    const end = mail.read(data, start, now);
    if (end === -1) return data.length;
    this.#isData = false;
    this.#options.owner.commit(mail);
    return end;
  }

  /**
   * What is wrong with the pace of a client that is sending, or null. Called about once a second, also between chunks: a message
   * in many small ones comes no slower than another, and neither does what is only read over.
   */
  judgePace(now: number, idleTimeoutMs: number): Reply | null {
    const mail = this.#mail;
    if (mail !== null && this.#options.flow.waitsForDisk) {
      mail.excuse(now);
      this.#lastAt = now;
    } else if (this.isReading && now - this.#lastAt > idleTimeoutMs) return replies.timeout;
    else if (mail?.isTooSlow(now) === true || this.#isSkippedTooSlowly(now)) return replies.tooSlow;
    return null;
  }

  /** The client was kept waiting until now, by a script say. */
  excuse(): void {
    this.#mail?.excuse(this.#options.clock.monotonic());
  }

  #isSkippedTooSlowly(now: number): boolean {
    const chunk = this.#chunk;
    if (chunk === null || chunk.refusal === null) return false;
    return isTooSlow({ elapsedMs: now - chunk.begunAt, bytes: chunk.size - chunk.left });
  }

  /** Ends what was begun. Harmless for a message that is being committed: the spool alone decides then. */
  abort(): void {
    this.#mail?.abort();
    this.forget();
  }

  forget(): void {
    this.#mail = null;
    this.#chunk = null;
    this.#isData = false;
  }

  #open(envelope: Envelope, origin: Origin): void {
    const { intake, clock, flow, traced, maxBytes } = this.#options;
    const now = clock.monotonic();
    this.#lastAt = now;
    this.#mail = new IncomingMail({ reception: intake.begin(envelope, origin), flow, traced, maxBytes, now });
  }

  #begin({ size, isLast }: { size: number; isLast: boolean }, refusal: Reply | null): void {
    this.#lastAt = this.#options.clock.monotonic();
    const chunk = { left: size, size, begunAt: this.#lastAt, isLast, refusal };
    this.#chunk = chunk;
    if (size === 0) this.#endChunk(chunk);
  }

  #readChunk(chunk: Chunk, { data, start, now }: { data: Buffer; start: number; now: number }): number {
    const end = Math.min(data.length, start + chunk.left);
    chunk.left -= end - start;
    if (chunk.refusal === null) this.#mail?.readChunk(data.subarray(start, end), now);
    if (chunk.left === 0) this.#endChunk(chunk);
    return end;
  }

  #endChunk({ refusal, isLast }: Chunk): void {
    const { owner } = this.#options;
    const mail = this.#mail;
    this.#chunk = null;
    if (refusal !== null || mail === null) {
      owner.answerChunk(refusal ?? replies.mailFirst, { isOver: false });
    } else if (isLast) owner.commit(mail);
    else if (mail.isTooLarge) {
      this.abort();
      owner.answerChunk(replies.tooLarge, { isOver: true });
    } else owner.answerChunk(replies.chunkOk, { isOver: false });
  }
}
