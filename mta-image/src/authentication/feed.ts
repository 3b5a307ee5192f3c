/**
 * A message on its way into the library that signs and verifies: pieces are pushed as they come, the library reads a
 * stream. Nothing but the header is held. A header without end is not handed on at all, and of fields that each cost
 * work only so many are (a thousand signatures would be a thousand hashes of the body). Never throws.
 */
import { PassThrough } from "node:stream";

import { type CompleteHead, fieldName, HeadReader, splitFields } from "./head.ts";

/** A whole message: bytes, or pieces as the spool reads them. */
export type MailBytes = Buffer | AsyncIterable<Buffer>;

/** RFC 6376 6.1 lets verifiers stop somewhere; real mail carries two or three. */
const MOST_SIGNATURES = 10;
const PIECE_BYTES = 65_536;

export class MailFeed {
  /** What the library reads. */
  readonly stream = new PassThrough();
  readonly #head = new HeadReader();
  #isBody = false;

  constructor() {
    // A feed that is given up is destroyed, and nobody else listens for that.
    this.stream.on("error", () => {});
  }

  /** The header was not to be read: there is no result. */
  get isUnreadable(): boolean {
    return this.#head.isOverlong;
  }

  /** False asks the caller to wait for `drained`. */
  push(piece: Buffer): boolean {
    if (this.isUnreadable || this.stream.destroyed || piece.length === 0) return true;
    if (this.#isBody) return this.stream.write(piece);
    const complete = this.#head.push(piece);
    return complete === null || this.isUnreadable || this.#pass(complete);
  }

  drained(): Promise<void> {
    if (!this.stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      this.stream.once("drain", resolve);
      this.stream.once("close", resolve);
    });
  }

  end(): void {
    if (this.isUnreadable) return this.abort();
    if (!this.#isBody) this.#pass(this.#head.end());
    this.stream.end();
  }

  abort(): void {
    this.stream.destroy();
  }

  #pass({ head, rest }: CompleteHead): boolean {
    this.#isBody = true;
    const kept = limitSignatures(head);
    const goesOn = kept.length === 0 || this.stream.write(kept);
    return rest.length === 0 ? goesOn : this.stream.write(rest);
  }
}

/** Pushes a whole message, with as much patience as the reader needs. Rejects when the pieces cannot be read. */
export async function pushAll(message: MailBytes, feed: MailFeed): Promise<void> {
  for await (const piece of Buffer.isBuffer(message) ? slices(message) : message) {
    if (!feed.push(piece)) await feed.drained();
  }
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

function limitSignatures(head: Buffer): Buffer {
  const fields = splitFields(head);
  const isSignature = (field: Buffer): boolean => fieldName(field) === "dkim-signature";
  if (fields.filter(isSignature).length <= MOST_SIGNATURES) return head;
  let left = MOST_SIGNATURES;
  const kept = fields.filter((field) => !isSignature(field) || left-- > 0);
  const bytes = fields.reduce((sum, field) => sum + field.length, 0);
  return Buffer.concat([...kept, head.subarray(bytes)]);
}
