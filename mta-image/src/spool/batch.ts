/**
 * Records that are to be written together, in order, as the buffers that they were encoded into. Each has a location that is
 * shared with whoever appended it, and is filled in by the log when it writes. Nothing here fails.
 */
import { isMessageHead } from "./record.ts";

export interface Location {
  /** 0: the record is in no segment (yet). */
  segment: number;
  offset: number;
  length: number;
}

interface Appended {
  readonly location: Location;
  readonly buffers: readonly Buffer[];
}

export class Batch {
  readonly #records: Appended[];

  constructor(records: Appended[] = []) {
    this.#records = records;
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  get count(): number {
    return this.#records.length;
  }

  get bytes(): number {
    return this.#records.reduce((sum, { location }) => sum + location.length, 0);
  }

  /** With the key of their segment in front of each, where it has one. */
  buffers(key: Buffer | null): Buffer[] {
    if (key === null) return this.#records.flatMap(({ buffers }) => buffers);
    return this.#records.flatMap(({ buffers }) => [key, ...buffers]);
  }

  /** Takes a record, whose first buffer says what it is. */
  add(buffers: readonly Buffer[]): Location {
    const location = { segment: 0, offset: 0, length: 0 };
    for (const buffer of buffers) location.length += buffer.length;
    this.#records.push({ location, buffers });
    return location;
  }

  /** Says to all where they are, one behind another from `offset` on, each behind a gap; returns where the last one ends. */
  place(segment: number, offset: number, gap: number): number {
    let end = offset;
    for (const { location } of this.#records) {
      location.segment = segment;
      location.offset = end + gap;
      end += gap + location.length;
    }
    return end;
  }

  /** These, and the others behind them. */
  followedBy(others: Batch): Batch {
    return new Batch([...this.#records, ...others.#records]);
  }

  /** Those that tell what became of earlier messages; messages are told that they are in no segment. */
  withoutMessages(): Batch {
    const kept: Appended[] = [];
    for (const record of this.#records) {
      if (isMessageHead(record.buffers[0] as Buffer)) record.location.segment = 0;
      else kept.push(record);
    }
    return new Batch(kept);
  }

  /** The first of them, which together have at most so many bytes, and the rest. */
  split(bytes: number): [Batch, Batch] {
    let at = 0;
    for (let left = bytes; at < this.#records.length; at++) {
      left -= (this.#records[at] as Appended).location.length;
      if (left < 0) break;
    }
    return [new Batch(this.#records.slice(0, at)), new Batch(this.#records.slice(at))];
  }
}
