/**
 * Messages in a frame of a snapshot, one behind another: numbers of seven bits a byte as in packed-text.ts, texts with
 * their length times two in front, plus one when they are UTF-16 and not Latin-1. A reply is written once for all frames
 * and is a number from then on, up to a bound. Writer and reader count alike, so frames are read in their order.
 *
 *   segment, offset, length, sizeBytes, recipients times two (plus one: the content is in a file), facts as packed,
 *   for each recipient: flags; unless it is settled: attempts, due time, delay notices, reply, [JSON of what is rare]
 */
import type { LiveMessage, Rested } from "./live-message.ts";
import type { Location } from "./batch.ts";
import type { EntryState } from "./spool.ts";

const MAX_REPLIES = 65_536;
const QUEUED = 1;
const HOLD = 2;
const HAS_REST = 4;
/** 53 bits, seven in each. */
const MAX_NUMBER_BYTES = 8;

export interface SnapshotEntry {
  readonly rested: Rested;
  readonly location: Location;
}

export class SnapshotWriter {
  readonly #replies = new Map<string, number>();
  #bytes = Buffer.allocUnsafe(256 * 1024);
  #end = 0;

  add(message: LiveMessage): void {
    const { segment, offset, length } = message.location;
    const { facts, sizeBytes, states, inFile } = message.rested();
    this.#numbers(segment, offset, length, sizeBytes, states.length * 2 + Number(inFile));
    this.#text(facts);
    for (const state of states) this.#state(state);
  }

  /** Since the last time. */
  get bytes(): number {
    return this.#end;
  }

  /** All since the last time. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#end));
    this.#end = 0;
    return taken;
  }

  #state(state: EntryState | null): void {
    if (state === null) return this.#numbers(0);
    const { status, attempts, dueAt, lastReply, delayNotices, ...rest } = state;
    const hasRest = Object.values(rest).some((value) => value !== undefined);
    this.#numbers(
      (status === "hold" ? HOLD : QUEUED) | (hasRest ? HAS_REST : 0),
      attempts,
      dueAt,
      delayNotices,
    );
    const known = this.#replies.get(lastReply) ?? 0;
    this.#numbers(known);
    if (known === 0) this.#text(lastReply);
    if (known === 0 && this.#replies.size < MAX_REPLIES) this.#replies.set(lastReply, this.#replies.size + 1);
    if (hasRest) this.#text(JSON.stringify(rest));
  }

  #numbers(...numbers: readonly number[]): void {
    for (const number of numbers) {
      this.#makeRoom(MAX_NUMBER_BYTES);
      let rest = number;
      for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#end++] = (rest % 128) + 128;
      this.#bytes[this.#end++] = rest;
    }
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#end + bytes) * 2);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }

  #text(text: string): void {
    // eslint-disable-next-line no-control-regex -- all of Latin-1
    const isWide = /[^\u0000-\u00ff]/.test(text);
    const length = isWide ? text.length * 2 : text.length;
    this.#numbers(length * 2 + Number(isWide));
    this.#makeRoom(length);
    this.#end += this.#bytes.write(text, this.#end, isWide ? "utf16le" : "latin1");
  }
}

export class SnapshotReader {
  readonly #replies: string[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  *read(bytes: Buffer): Generator<SnapshotEntry> {
    this.#bytes = bytes;
    this.#at = 0;
    while (this.#at < bytes.length) yield this.#entry();
  }

  #entry(): SnapshotEntry {
    const location = { segment: this.#number(), offset: this.#number(), length: this.#number() };
    const sizeBytes = this.#number();
    const shape = this.#number();
    const facts = this.#text();
    const states: (EntryState | null)[] = [];
    for (let left = Math.floor(shape / 2); left > 0; left--) states.push(this.#state());
    return { rested: { facts, sizeBytes, states, inFile: shape % 2 === 1 }, location };
  }

  #state(): EntryState | null {
    const flags = this.#number();
    if (flags === 0) return null;
    const attempts = this.#number();
    const dueAt = this.#number();
    const delayNotices = this.#number();
    const status = (flags & HOLD) === 0 ? "queued" : "hold";
    const state = { status, attempts, dueAt, lastReply: this.#reply(), delayNotices } as const;
    if ((flags & HAS_REST) === 0) return state;
    return { ...state, ...(JSON.parse(this.#text()) as Partial<EntryState>) };
  }

  #reply(): string {
    const known = this.#number();
    if (known > 0) return this.#replies[known - 1] ?? "";
    const reply = this.#text();
    if (this.#replies.length < MAX_REPLIES) this.#replies.push(reply);
    return reply;
  }

  #number(): number {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const digit = this.#bytes[this.#at++] ?? 0;
      if (digit <= 127) return number + digit * scale;
      number += (digit - 128) * scale;
    }
  }

  #text(): string {
    const shape = this.#number();
    const end = this.#at + Math.floor(shape / 2);
    const text = this.#bytes.toString(shape % 2 === 1 ? "utf16le" : "latin1", this.#at, end);
    this.#at = end;
    return text;
  }
}
