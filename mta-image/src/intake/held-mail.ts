/**
 * A message that is complete and not decided. Read by whoever decides and by the copies that are stored; `drop` ends it,
 * always, and gives up its file if it has one. Neither writing nor `end` rejects: trouble shows in `refusal`.
 */
import { describe } from "#base/error.ts";

import { HeldContent, type HeldContentOptions } from "./held-content.ts";
import type { Refused } from "./intake.ts";
import { refusalFor } from "./refusals.ts";

export class HeldMail {
  readonly #options: HeldContentOptions;
  readonly #content: HeldContent;
  /** Of a small message that has come to its end. */
  #memory: Buffer | null = null;

  /** `id` is of its file, if it is to have one. */
  constructor(id: string, options: HeldContentOptions) {
    this.#options = options;
    this.#content = new HeldContent(id, options, (error) => this.#explain(error));
  }

  get refusal(): Refused | null {
    return this.#content.refusal;
  }

  get size(): number {
    return this.#content.size;
  }

  /** As a reception does. */
  write(chunk: Buffer): Promise<void> | null {
    return this.#content.write(chunk);
  }

  /** All is written, with `head` in front; from now on it can be read. Null: it can at once. */
  end(head: string): Promise<void> | null {
    const writing = this.#content.written();
    if (writing !== null) return this.#endInFile(writing, head);
    if (head !== "") void this.#content.putInFront(Buffer.from(head));
    this.#memory = this.#content.joined();
    return null;
  }

  read(start: number, end: number): Buffer | Promise<Buffer> {
    const { body } = this.#content;
    if (body !== null) return body.read(start, end - start);
    const memory = this.#memory;
    if (memory === null) return Buffer.alloc(0);
    return start === 0 && end === memory.length ? memory : memory.subarray(start, end);
  }

  drop(): void {
    this.#memory = null;
    this.#content.drop();
  }

  async #endInFile(writing: Promise<void>, head: string): Promise<void> {
    await writing;
    try {
      if (head !== "") await this.#content.putInFront(Buffer.from(head));
    } catch (error) {
      this.#content.refuse(this.#explain(error));
    }
    if (this.#content.body === null) this.#memory = this.#content.joined();
  }

  #explain(error: unknown): Refused {
    this.#options.log.error({ error: describe(error) }, "message-not-held");
    return refusalFor(error);
  }
}
