/**
 * The bytes of a segment as a start finds them (docs/spool-format.md), and what a segment begins with. A fresh one has records behind its
 * header, and ends where its file does. One that is written over an older one has bytes of that behind its own, which may be
 * anything that strangers wrote into mail. So it has a key of eight random bytes, made when the older one was complete: in
 * front of each record, and of the mark of its end. Nothing here fails.
 */
import { randomBytes } from "node:crypto";

import { HEADER_BYTES, SEGMENT_HEADER, confirmedLength, nextSound, soundLength } from "./record.ts";

/** As long as the header of a fresh one. */
export const REUSED_HEADER = Buffer.from("mailfleet spool format 2 segment\n");
const KEY_BYTES = 8;
const END = Buffer.from("MFRE");
/** Of a record that is torn, and whose length nothing confirms: so much is kept aside at most. */
const MOST_TORN_BYTES = 65_536;

export function makeKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/** What a segment begins with that is written over an older one: the key twice, so that damage to one costs nothing. */
export function reusedStart(key: Buffer): Buffer {
  return Buffer.concat([REUSED_HEADER, key, key]);
}

/** What stands behind the last record of such a segment. */
export function endMark(key: Buffer): Buffer {
  return Buffer.concat([key, END]);
}

export class SegmentBytes {
  readonly data: Buffer;
  readonly #key: Buffer | null;

  constructor(data: Buffer) {
    this.data = data;
    this.#key = keyOf(data);
  }

  get isReused(): boolean {
    return this.#key !== null;
  }

  /** Bytes in front of each record. */
  get gap(): number {
    return this.#key?.length ?? 0;
  }

  /** Where records begin; null where the header is not one of ours. */
  get start(): number | null {
    const header = this.data.subarray(0, SEGMENT_HEADER.length);
    if (header.equals(SEGMENT_HEADER)) return SEGMENT_HEADER.length;
    return this.#key !== null && header.equals(REUSED_HEADER) ? reusedStart(this.#key).length : null;
  }

  /** Of the sound record at `at`, with what is in front of it; null when none stands there. */
  soundLength(at: number): number | null {
    const length = this.#isMarked(at) ? soundLength(this.data, at + this.gap) : null;
    return length === null ? null : this.gap + length;
  }

  /** Where the next sound record begins behind the damage at `at`, or -1; not within messages that are damaged. */
  behindDamage(at: number): number {
    for (let next = at; ; ) {
      const length = this.#confirmedLength(next);
      if (length === 0) return this.#nextSound(next + 1);
      next += length;
      if (this.soundLength(next) !== null) return next;
    }
  }

  /** Behind `at` is no sound record: where what was written ends, as far as anybody was told of it, or as it is worth a look. */
  endOfTail(at: number): number {
    if (this.#key === null) return this.data.length;
    const end = this.data.indexOf(endMark(this.#key), at);
    if (end !== -1) return end;
    // A write was under way, in whose place the mark was. What is torn cannot be told from older bytes but by its own words.
    if (!this.#isMarked(at) || this.data.length < at + this.gap + HEADER_BYTES) return at;
    const said = this.gap + HEADER_BYTES + this.data.readUInt32BE(at + this.gap + 4);
    const length = Math.max(this.#confirmedLength(at), Math.min(said, MOST_TORN_BYTES));
    return Math.min(this.data.length, at + length);
  }

  #confirmedLength(at: number): number {
    const length = this.#isMarked(at) ? confirmedLength(this.data, at + this.gap) : 0;
    return length === 0 ? 0 : this.gap + length;
  }

  #nextSound(from: number): number {
    if (this.#key === null) return nextSound(this.data, from);
    for (let at = this.data.indexOf(this.#key, from); at !== -1; at = this.data.indexOf(this.#key, at + 1)) {
      if (this.soundLength(at) !== null) return at;
    }
    return -1;
  }

  #isMarked(at: number): boolean {
    return this.#key === null || this.#key.equals(this.data.subarray(at, at + KEY_BYTES));
  }
}

/** Null for a fresh segment. Where the header is damaged, copies of the key that agree tell the other kind. */
function keyOf(data: Buffer): Buffer | null {
  const header = data.subarray(0, SEGMENT_HEADER.length);
  if (header.equals(SEGMENT_HEADER)) return null;
  const copies = [0, 1, 2]
    .map((nth) => header.length + nth * KEY_BYTES)
    .map((at) => data.subarray(at, at + KEY_BYTES))
    .filter((copy) => copy.length === KEY_BYTES && copy.some((byte) => byte !== 0));
  const agreed = copies.find((copy, nth) => copies.some((other, n) => n !== nth && other.equals(copy)));
  return agreed ?? (header.equals(REUSED_HEADER) ? (copies[0] ?? null) : null);
}
