/**
 * The content of one message on its way: in memory while it is small, else in a body file of the spool, written while
 * more arrives. What is in memory counts among the bytes of all mail on its way, and beyond their bound this message is
 * given up and nothing else suffers. Held by the door (accept.ts) and, until they are decided, by messages that scripts
 * decide about (held-mail.ts). Writing never rejects: trouble shows in `refusal`, and then nothing more is taken.
 */
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { BodyWriter, Spool } from "../spool/spool.ts";
import { HeldPieces, type IntakeFigures } from "./held-pieces.ts";
import type { Refused } from "./intake.ts";
import { refusals } from "./refusals.ts";

export interface HeldContentOptions {
  readonly spool: Pick<Spool, "createBody">;
  readonly log: Log;
  /** Where bytes in memory are counted; one value for all that share a bound. */
  readonly figures: IntakeFigures;
  /** Larger mail gets a file of its own. */
  readonly inlineBytes?: number | undefined;
  /** Bound on the bytes of mail on its way that are in memory. */
  readonly maxBytesInFlight?: number | undefined;
}

const INLINE_BYTES = 256 * 1024;
const MAX_BYTES_IN_FLIGHT = 256 * 1024 * 1024;

export class HeldContent {
  /** Of the body file, if there is to be one. */
  readonly #id: string;
  readonly #options: HeldContentOptions;
  /** What the client is told of a failure, which is logged there. */
  readonly #explain: (error: unknown) => Refused;
  readonly #pieces: HeldPieces;
  #body: BodyWriter | null = null;
  /** The write to the body file under way; pieces follow one another. */
  #writing: Promise<void> | null = null;
  #isOver = false;
  #refusal: Refused | null = null;
  size = 0;

  constructor(id: string, options: HeldContentOptions, explain: (error: unknown) => Refused) {
    this.#id = id;
    this.#options = options;
    this.#explain = explain;
    this.#pieces = new HeldPieces(options.figures);
  }

  /** Why the message cannot be taken: the first reason that came up. */
  get refusal(): Refused | null {
    return this.#refusal;
  }

  /** It takes more. */
  get isOpen(): boolean {
    return this.#refusal === null && !this.#isOver;
  }

  /** Null while all of it is in memory. */
  get body(): BodyWriter | null {
    return this.#body;
  }

  refuse(refusal: Refused): void {
    this.#refusal ??= refusal;
  }

  /** As a reception does. */
  write(chunk: Buffer): Promise<void> | null {
    const { figures, inlineBytes = INLINE_BYTES, maxBytesInFlight = MAX_BYTES_IN_FLIGHT } = this.#options;
    if (!this.isOpen) return null;
    this.size += chunk.length;
    this.#pieces.push(chunk);
    if (figures.bytesInFlight > maxBytesInFlight) {
      this.refuse(refusals.busy);
      this.#pieces.drop();
      return null;
    }
    return this.size > inlineBytes ? this.#spill() : null;
  }

  /** Until nothing is being written any more; null: nothing is. */
  written(): Promise<void> | null {
    return this.#writing;
  }

  /** Not while something is being written. Null: it stands there; the promise rejects when the body file cannot take it. */
  putInFront(head: Buffer): Promise<void> | null {
    this.size += head.length;
    if (this.#body !== null) return this.#body.prepend(head);
    this.#pieces.putInFront(head);
    return null;
  }

  /** What is in memory, large mail as it came. */
  pieces(): readonly Buffer[] {
    return this.#pieces.all();
  }

  /** What is in memory, in one. */
  joined(): Buffer {
    return this.#pieces.join();
  }

  /** Somebody else has it now. */
  release(): void {
    this.#isOver = true;
    this.#pieces.drop();
  }

  /** Gives it up; harmless for one that was released. */
  drop(): void {
    if (this.#isOver) return;
    this.release();
    // The file may be on its way into being: it is given up behind the last write.
    void this.#writing
      ?.then(() => this.#body?.abort())
      .catch((error: unknown) =>
        this.#options.log.warn({ message: this.#id, error: describe(error) }, "body-left-behind"),
      );
  }

  /** Moves what is held to the body file; one write at a time, the caller waits for it. */
  #spill(): Promise<void> {
    this.#writing = Promise.resolve(this.#writing).then(async () => {
      try {
        await this.#pieces.moveTo(async (piece) => {
          this.#body ??= await this.#options.spool.createBody(this.#id);
          await this.#body.write(piece);
        });
      } catch (error) {
        this.refuse(this.#explain(error));
      }
    });
    return this.#writing;
  }
}
