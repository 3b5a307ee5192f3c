/**
 * The segment that records are written to now: a fresh file that grows, what was the reserve, or an older segment that is written
 * over. Each write is on disk when it returns. One that finds no room leaves nothing behind; every other error is thrown as the
 * file has it, and nobody knows what is on disk then.
 */
import type { Batch, Location } from "./batch.ts";
import { type SpoolFile, SyncFailed } from "./files.ts";
import { SEGMENT_HEADER } from "./record.ts";
import { endMark, reusedStart } from "./segment-bytes.ts";
import { isForRoom } from "./spool.ts";

export class OpenSegment {
  readonly number: number;
  readonly #file: SpoolFile;
  /** Null: the file is fresh. */
  readonly #key: Buffer | null;
  #end: number;
  /** Where the zeros of the reserve end that it was; 0: it was none. */
  #reservedEnd: number;

  /** The file holds a header, and is open behind it. */
  constructor(file: SpoolFile, number: number, was: { key?: Buffer; reservedBytes?: number } = {}) {
    this.number = number;
    this.#file = file;
    this.#key = was.key ?? null;
    this.#end = this.#key === null ? SEGMENT_HEADER.length : reusedStart(this.#key).length;
    this.#reservedEnd = was.reservedBytes ?? 0;
  }

  isComplete(maxBytes: number): boolean {
    return this.#end >= Math.max(maxBytes, this.#reservedEnd);
  }

  /** Bytes that take no room from anybody; null where it was no reserve. */
  get reserved(): number | null {
    return this.#reservedEnd === 0 ? null : Math.max(0, this.#reservedEnd - this.#end);
  }

  async write(batch: Batch): Promise<void> {
    const key = this.#key;
    const end = batch.place(this.number, this.#end, key?.length ?? 0);
    const behind = key === null ? undefined : endMark(key, this.number);
    await this.#file.append(batch.buffers(key), behind).catch((error: unknown) => this.#cutOff(error));
    this.#end = end;
  }

  read({ offset, length }: Location): Promise<Buffer> {
    return this.#file.read(offset, length);
  }

  /** Spares the next start what is behind the records; nothing depends on it. */
  async trim(): Promise<void> {
    if (this.#key !== null || this.#reservedEnd > this.#end)
      await this.#file.truncate(this.#end).catch(() => {});
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Of a write that found no room nothing may be there after a crash: what is refused now must not come back. */
  async #cutOff(error: unknown): Promise<never> {
    if (!isForRoom(error)) throw error;
    this.#reservedEnd = Math.min(this.#reservedEnd, this.#end);
    try {
      await this.#file.truncate(this.#end);
      await this.#file.sync();
    } catch (cause) {
      throw new SyncFailed(cause);
    }
    throw error;
  }
}
