/**
 * A message that is complete and not decided: in memory while small, else in a body file of the spool that is given up
 * afterwards. Its bytes count among those of mail on its way, and beyond the bound it is refused like all mail. Read
 * by whoever decides and by the copies that are stored; `drop` ends it, always. Writing never rejects: trouble shows in
 * `refusal`.
 */
import { makeId } from "#base/ids.ts";
import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { BodyWriter, Spool } from "../spool/spool.ts";
import { HeldPieces, type IntakeFigures } from "./held-pieces.ts";
import type { Refused } from "./intake.ts";
import { refusalFor, refusals } from "./refusals.ts";

export interface HeldMailOptions {
  readonly spool: Pick<Spool, "createBody">;
  readonly clock: Clock;
  readonly log: Log;
  readonly figures: IntakeFigures;
  /** Larger mail goes to a file. */
  readonly inlineBytes?: number;
  readonly maxBytesInFlight?: number;
}

const INLINE_BYTES = 256 * 1024;
const MAX_BYTES_IN_FLIGHT = 256 * 1024 * 1024;

export class HeldMail {
  readonly #options: HeldMailOptions;
  readonly #pieces: HeldPieces;
  #memory: Buffer | null = null;
  #body: BodyWriter | null = null;
  #writing: Promise<void> | null = null;
  #isOver = false;
  size = 0;
  refusal: Refused | null = null;

  constructor(options: HeldMailOptions) {
    this.#options = options;
    this.#pieces = new HeldPieces(options.figures);
  }

  /** As a reception does. */
  write(chunk: Buffer): Promise<void> | null {
    const { figures, inlineBytes = INLINE_BYTES, maxBytesInFlight = MAX_BYTES_IN_FLIGHT } = this.#options;
    if (this.#isOver || this.refusal !== null) return null;
    this.size += chunk.length;
    this.#pieces.push(chunk);
    if (figures.bytesInFlight > maxBytesInFlight) {
      this.refusal = refusals.busy;
      this.#release();
      return null;
    }
    return this.size > inlineBytes ? this.#spill() : null;
  }

  /** All is written, with `head` in front; from now on it can be read. */
  async end(head: string): Promise<void> {
    await this.#writing;
    try {
      if (head !== "" && this.#body !== null) await this.#body.prepend(Buffer.from(head));
    } catch (error) {
      this.#fail(error);
    }
    if (this.#body === null) {
      if (head !== "") this.#pieces.putInFront(Buffer.from(head));
      this.#memory = this.#pieces.join();
      this.size = this.#memory.length;
    } else this.size = this.#body.sizeBytes;
  }

  read(start: number, end: number): Buffer | Promise<Buffer> {
    if (this.#body !== null) return this.#body.read(start, end - start);
    return this.#memory?.subarray(start, end) ?? Buffer.alloc(0);
  }

  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    void Promise.resolve(this.#writing)
      .then(() => this.#body?.abort())
      .catch((error: unknown) => this.#options.log.warn({ error: describe(error) }, "body-left-behind"));
  }

  #release(): void {
    this.#pieces.drop();
    this.#memory = null;
  }

  #spill(): Promise<void> {
    const { spool, clock } = this.#options;
    this.#writing = Promise.resolve(this.#writing).then(async () => {
      try {
        await this.#pieces.moveTo(async (piece) => {
          this.#body ??= await spool.createBody(makeId(clock.now()));
          await this.#body.write(piece);
        });
      } catch (error) {
        this.#fail(error);
      }
    });
    return this.#writing;
  }

  #fail(error: unknown): void {
    this.#options.log.error({ error: describe(error) }, "message-not-held");
    this.refusal ??= refusalFor(error);
  }
}
