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
/** At what may be a key, or may prove one. */
const MOST_LOOKS = 16;

export function makeKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/** What a segment begins with that is written over an older one: the key twice, so that damage to one costs nothing. */
export function reusedStart(key: Buffer): Buffer {
  return Buffer.concat([REUSED_HEADER, key, key]);
}

/** What stands behind the last record of such a segment. The number tells it from what the older one has left. */
export function endMark(key: Buffer, segment: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(segment >>> 0);
  return Buffer.concat([key, END, number]);
}

export class SegmentBytes {
  readonly data: Buffer;
  readonly #key: Buffer | null;
  /** Null where there is no key. */
  readonly #end: Buffer | null;

  constructor(data: Buffer, segment: number) {
    this.data = data;
    this.#key = keyOf(data, segment);
    this.#end = this.#key === null ? null : endMark(this.#key, segment);
  }

  get isReused(): boolean {
    return this.#key !== null;
  }

  /** Bytes in front of each record. */
  get gap(): number {
    return this.#key?.length ?? 0;
  }

  /** It is written over an older one, and what is its own cannot be told from the rest. */
  get isUnreadable(): boolean {
    const { data } = this;
    const header = data.subarray(0, SEGMENT_HEADER.length);
    if (this.#key !== null || header.equals(SEGMENT_HEADER)) return false;
    if (header.equals(REUSED_HEADER)) return true;
    return inFrontOfRecords(data).some((key) => isRepeated(data, key));
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

  /**
   * Where the next sound record begins behind the damage at `at`, or -1; not within messages that are damaged. Nobody was told of what
   * is behind the mark of the end: of a write that a loss of power cut the disk may have later records and not the first.
   */
  behindDamage(at: number): number {
    if (this.#isEnd(at)) return -1;
    for (let next = at; ; ) {
      const length = this.#confirmedLength(next);
      if (length === 0) return this.#nextSound(next + 1);
      next += length;
      if (this.soundLength(next) !== null) return next;
    }
  }

  /** Behind `at` is no sound record: where what was written ends, as far as anybody was told of it, or as it is worth a look. */
  endOfTail(at: number): number {
    if (this.#end === null) return this.data.length;
    const end = this.data.indexOf(this.#end, at);
    if (end !== -1) return end;
    // A write was under way, in whose place the mark was, or there is damage. Nothing but its own words says how much of it is ours.
    if (!this.#isMarked(at)) return Math.min(this.data.length, at + MOST_TORN_BYTES);
    return Math.min(this.data.length, at + Math.max(this.#confirmedLength(at), this.#tornLength(at)));
  }

  #isEnd(at: number): boolean {
    return this.#end?.equals(this.data.subarray(at, at + this.#end.length)) ?? false;
  }

  #tornLength(at: number): number {
    const record = at + this.gap;
    if (this.data.length < record + HEADER_BYTES) return MOST_TORN_BYTES;
    const said = this.gap + HEADER_BYTES + this.data.readUInt32BE(record + 4);
    return at + said === this.data.length ? said : Math.min(said, MOST_TORN_BYTES);
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
    return this.#key === null || this.#key.equals(eightAt(this.data, at));
  }
}

/** Null: it has none, or none that can be told. */
function keyOf(data: Buffer, segment: number): Buffer | null {
  const header = data.subarray(0, SEGMENT_HEADER.length);
  if (header.equals(SEGMENT_HEADER)) return null;
  const copies = [0, 1, 2].map((nth) => eightAt(data, header.length + nth * KEY_BYTES));
  const agreed = copies.find((copy, nth) => copies.some((other, n) => n !== nth && other.equals(copy)));
  if (header.equals(REUSED_HEADER) && agreed?.length === KEY_BYTES) return agreed;
  const hasEnd = (key: Buffer): boolean => key.length === KEY_BYTES && data.includes(endMark(key, segment));
  const proved = copies.find((key) => hasEnd(key) || isRepeated(data, key));
  return proved ?? inFrontOfRecords(data).find(hasEnd) ?? null;
}

function eightAt(data: Buffer, at: number): Buffer {
  return data.subarray(at, at + KEY_BYTES);
}

/** Behind a sound record with the key in front comes the key of the next one, or of the mark of the end. */
function isRepeated(data: Buffer, key: Buffer): boolean {
  if (key.length < KEY_BYTES) return false;
  let looks = MOST_LOOKS;
  for (let at = data.indexOf(key); at !== -1 && looks > 0; at = data.indexOf(key, at + 1), looks--) {
    const length = soundLength(data, at + KEY_BYTES);
    if (length !== null && eightAt(data, at + KEY_BYTES + length).equals(key)) return true;
  }
  return false;
}

/** What may be keys, of this segment or of the older one; a record right behind another has none, and may be mail's own words. */
function inFrontOfRecords(data: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let behind = -1;
  for (let at = nextSound(data, 0); at !== -1 && found.length < MOST_LOOKS; at = nextSound(data, at)) {
    if (at >= KEY_BYTES && at !== behind) found.push(eightAt(data, at - KEY_BYTES));
    at += soundLength(data, at) ?? 1;
    behind = at;
  }
  return found;
}
