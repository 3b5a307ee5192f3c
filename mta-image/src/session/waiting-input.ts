/**
 * What a client sent and the session has not run yet: the start of an incomplete line, or what came while a commit,
 * a check or a TLS handshake is under way. Bounded by the session, which stops reading when `isLarge`. Never fails.
 */

/** A client that sends more ahead is not read until the wait is over. */
const MAX_WAITING_BYTES = 65_536;

export class WaitingInput {
  #bytes: Buffer | null = null;

  get isLarge(): boolean {
    return this.#bytes !== null && this.#bytes.length > MAX_WAITING_BYTES;
  }

  keep(bytes: Buffer | null): void {
    this.#bytes = bytes;
  }

  /** Everything so far with what has just come; nothing is kept any more. */
  join(chunk: Buffer): Buffer {
    const before = this.take();
    return before === null ? chunk : Buffer.concat([before, chunk]);
  }

  take(): Buffer | null {
    const bytes = this.#bytes;
    this.#bytes = null;
    return bytes;
  }
}
