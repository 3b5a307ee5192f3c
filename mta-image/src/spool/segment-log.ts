/**
 * The append-only log of one shard: numbered segment files and group commit. Records that come while a write
 * is under way wait and leave together: one writev that returns when all is on disk (O_DSYNC: what fdatasync would do,
 * without another way to a thread and back), then everybody who waited is told.
 *
 * The first write or sync that fails closes the log for good: that batch and all later ones reject with
 * `spool-broken`. The failed sync is never repeated, since the kernel may have dropped the pages and would
 * then report success (fsyncgate).
 */
import { describe } from "#base/error.ts";

import type { SpoolFile, SpoolFiles } from "./files.ts";
import { SEGMENT_HEADER } from "./record.ts";
import { SpoolFailure } from "./spool.ts";

export interface Location {
  segment: number;
  offset: number;
  length: number;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (failure: SpoolFailure) => void;
}

export function segmentName(number: number): string {
  return `segments/${String(number).padStart(10, "0")}.log`;
}

export class SegmentLog {
  readonly #files: SpoolFiles;
  readonly #maxBytes: number;
  readonly #onRotate: (segment: number) => void;
  #number: number;
  #file: SpoolFile | null = null;
  #end = 0;
  #buffers: Buffer[] = [];
  #locations: Location[] = [];
  #waiters: Waiter[] = [];
  #isWriting = false;
  #isPlanned = false;
  #isClosing = false;
  #failure: SpoolFailure | null = null;

  /** Starts with a new segment, so that nothing is ever written behind what a crash left. */
  constructor(options: {
    files: SpoolFiles;
    firstSegment: number;
    maxBytes: number;
    onRotate: (segment: number) => void;
  }) {
    this.#files = options.files;
    this.#number = options.firstSegment;
    this.#maxBytes = options.maxBytes;
    this.#onRotate = options.onRotate;
  }

  get segment(): number {
    return this.#number;
  }

  get failure(): SpoolFailure | null {
    return this.#failure;
  }

  /** All that was appended is on disk, and more may be. */
  get isIdle(): boolean {
    return this.#failure === null && !this.#isPlanned && !this.#isWriting;
  }

  async open(): Promise<void> {
    this.#file = await this.#files.createSynced(segmentName(this.#number));
    await this.#file.append([SEGMENT_HEADER]);
    await this.#files.syncFolder("segments");
    this.#end = SEGMENT_HEADER.length;
  }

  /** Closes the log for good after a failed write or sync; the first failure is the one that is kept. */
  fail(cause: unknown): SpoolFailure {
    this.#failure ??= new SpoolFailure("spool-broken", describe(cause), { cause });
    return this.#failure;
  }

  /** Takes a record for the next batch. The location is filled in when the batch is written. */
  append(buffers: readonly Buffer[]): Location {
    const location = { segment: 0, offset: 0, length: 0 };
    if (this.#isClosing) return location;
    for (const buffer of buffers) {
      location.length += buffer.length;
      this.#buffers.push(buffer);
    }
    this.#locations.push(location);
    this.#plan();
    return location;
  }

  /** Resolves when everything appended so far is on disk. Rejects with the failure that closed the log. */
  synced(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      if (this.#isClosing) return reject(closed());
      this.#waiters.push({ resolve, reject });
      this.#plan();
    });
  }

  /** Reads a record's bytes from a segment that may be the open one. */
  async read(location: Location): Promise<Buffer> {
    if (location.segment === this.#number && this.#file !== null) {
      const { segment } = location;
      return this.#file.read(location.offset, location.length).catch((error: unknown) => {
        // A rotation closed the file under the read: the segment is found by name from now on.
        if (segment === this.#number) throw error;
        return this.read(location);
      });
    }
    const file = await this.#files.open(segmentName(location.segment));
    return file.read(location.offset, location.length).finally(() => file.close());
  }

  /** Writes what was appended before, takes nothing more. */
  async close(): Promise<void> {
    const last = this.synced();
    this.#isClosing = true;
    await last.catch(() => {});
    this.#failure ??= closed();
    await this.#file?.close();
    this.#file = null;
  }

  /** The batch starts behind the events of this turn, so that all of them are in it. */
  #plan(): void {
    if (this.#isPlanned || this.#isWriting) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      void this.#writeBatches();
    });
  }

  async #writeBatches(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    while (this.#buffers.length > 0 || this.#waiters.length > 0) await this.#writeBatch();
    this.#isWriting = false;
  }

  async #writeBatch(): Promise<void> {
    const buffers = this.#buffers;
    const locations = this.#locations;
    const waiters = this.#waiters;
    this.#buffers = [];
    this.#locations = [];
    this.#waiters = [];
    try {
      if (this.#failure !== null) throw this.#failure;
      if (buffers.length > 0) await this.#writeOut(buffers, locations);
    } catch (error) {
      const failure = this.fail(error);
      for (const waiter of waiters) waiter.reject(failure);
      return;
    }
    for (const waiter of waiters) waiter.resolve();
  }

  async #writeOut(buffers: Buffer[], locations: Location[]): Promise<void> {
    if (this.#end >= this.#maxBytes) await this.#rotate();
    let end = this.#end;
    for (const location of locations) {
      location.segment = this.#number;
      location.offset = end;
      end += location.length;
    }
    const file = this.#file as SpoolFile;
    await file.append(buffers);
    this.#end = end;
  }

  async #rotate(): Promise<void> {
    const full = this.#file;
    const number = this.#number;
    this.#file = null;
    this.#number++;
    await this.open().finally(() => full?.close());
    this.#onRotate(number);
  }
}

function closed(): SpoolFailure {
  return new SpoolFailure("spool-closed", "the spool is shutting down");
}
