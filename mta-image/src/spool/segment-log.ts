/**
 * The append-only log of one shard: numbered segment files and group commit. Records that come while a write
 * is under way wait and leave together: one writev that returns when all is on disk (O_DSYNC: what fdatasync would do,
 * without another way to a thread and back), then everybody who waited is told.
 *
 * A write that finds no room, before anything of it was synced, costs its batch alone: what it left is cut off, durably, and
 * messages of the batch are refused with `spool-full`. What became of earlier ones was promised to nobody, but is
 * known already: those records stay, and go in front of the next batch (`isBehind` until then).
 *
 * The first other write, or sync, that fails closes the log for good: that batch and all later ones reject with
 * `spool-broken`. The failed sync is never repeated, since the kernel may have dropped the pages and would
 * then report success (fsyncgate).
 */
import { describe } from "#base/error.ts";

import { type SpoolFile, type SpoolFiles, SyncFailed } from "./files.ts";
import { SEGMENT_HEADER, isMessageHead } from "./record.ts";
import { SpoolFailure, failureOfWrite, isForRoom } from "./spool.ts";

export interface Location {
  /** 0: the record is in no segment (yet). */
  segment: number;
  offset: number;
  length: number;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (failure: SpoolFailure) => void;
}

/** Records that wait for room; as many come from attempts that were under way, and from orders of administrators. */
const MAX_BEHIND_BYTES = 64 * 1024 * 1024;

export function segmentName(number: number): string {
  return `segments/${String(number).padStart(10, "0")}.log`;
}

export class SegmentLog {
  readonly #files: SpoolFiles;
  readonly #maxBytes: number;
  readonly #onRotate: (segment: number) => void;
  /** Of the newest segment that there is: the one that `#file` is, if that is open. */
  #number: number;
  #file: SpoolFile | null = null;
  #end = 0;
  #buffers: Buffer[] = [];
  #locations: Location[] = [];
  #waiters: Waiter[] = [];
  /** Those who wait as long as their records do. */
  #patient: Waiter[] = [];
  #isBehind = false;
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
    this.#number = options.firstSegment - 1;
    this.#maxBytes = options.maxBytes;
    this.#onRotate = options.onRotate;
  }

  /** The newest that there is, open or not: a number beyond it belongs to records that are still to come. */
  get segment(): number {
    return this.#number;
  }

  get failure(): SpoolFailure | null {
    return this.#failure;
  }

  /** All that was appended is on disk, and more may be. */
  get isIdle(): boolean {
    return this.#failure === null && !this.#isBehind && !this.#isPlanned && !this.#isWriting;
  }

  /** Records wait for room on the disk, or there is not even a segment for them. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Without room it opens with the first batch that finds some. */
  async open(): Promise<void> {
    try {
      await this.#openNext();
    } catch (error) {
      if (!isForRoom(error)) throw error;
      this.#isBehind = true;
    }
  }

  /** Writes what has been waiting for room, if there is some now. Never rejects. */
  catchUp(): void {
    if (this.#isBehind) this.#plan();
  }

  /** Closes the log for good after a failed write or sync; the first failure is the one that is kept. */
  fail(cause: unknown): SpoolFailure {
    this.#isBehind = false;
    this.#failure ??= new SpoolFailure("spool-broken", describe(cause), { cause });
    return this.#failure;
  }

  /**
   * Takes a record for the next batch. The location is filled in when the batch is written. While others wait for room it waits
   * for the next look: to try all of them again for each that comes would cost the square of their number.
   */
  append(buffers: readonly Buffer[]): Location {
    const location = { segment: 0, offset: 0, length: 0 };
    if (this.#isClosing) return location;
    for (const buffer of buffers) {
      // One that is empty would stand behind the end of its record, for the next to begin with.
      if (buffer.length === 0) continue;
      location.length += buffer.length;
      this.#buffers.push(buffer);
    }
    this.#locations.push(location);
    if (!this.#isBehind) this.#plan();
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

  /** The same for whoever appended no message: waits for room as well. */
  syncedAtLast(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      this.#patient.push({ resolve, reject });
      if (!this.#isBehind) this.#plan();
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
    for (const waiter of this.#patient.splice(0)) waiter.reject(this.#failure);
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
    do await this.#writeBatch();
    while (this.#waiters.length > 0 || (!this.#isBehind && this.#buffers.length + this.#patient.length > 0));
    this.#isWriting = false;
  }

  async #writeBatch(): Promise<void> {
    const buffers = this.#buffers;
    const locations = this.#locations;
    const waiters = this.#waiters;
    const patient = this.#patient;
    this.#buffers = [];
    this.#locations = [];
    this.#waiters = [];
    this.#patient = [];
    try {
      if (this.#failure !== null) throw this.#failure;
      if (buffers.length > 0 || this.#file === null) await this.#writeOut(buffers, locations);
      this.#isBehind = false;
    } catch (error) {
      const full = this.#setBack(error, { buffers, locations });
      const failure = full ?? this.fail(error);
      for (const waiter of waiters) waiter.reject(failure);
      if (full !== null) this.#patient.unshift(...patient);
      else for (const waiter of patient) waiter.reject(failure);
      return;
    }
    for (const waiter of waiters) waiter.resolve();
    for (const waiter of patient) waiter.resolve();
  }

  async #writeOut(buffers: Buffer[], locations: Location[]): Promise<void> {
    if (this.#file === null) await this.#openNext();
    else if (this.#end >= this.#maxBytes) await this.#rotate();
    let end = this.#end;
    for (const location of locations) {
      location.segment = this.#number;
      location.offset = end;
      end += location.length;
    }
    const file = this.#file as unknown as SpoolFile;
    await file.append(buffers).catch((error: unknown) => this.#cutOff(file, error));
    this.#end = end;
  }

  /** Of a write that found no room nothing may be there after a crash: what is refused now must not come back. */
  async #cutOff(file: SpoolFile, error: unknown): Promise<never> {
    if (!isForRoom(error)) throw error;
    try {
      await file.truncate(this.#end);
      await file.sync();
    } catch (cause) {
      throw new SyncFailed(cause);
    }
    throw error;
  }

  /** For want of room: messages are taken out of the batch, all else waits in front of the next. Null: that is not why. */
  #setBack(error: unknown, batch: { buffers: Buffer[]; locations: Location[] }): SpoolFailure | null {
    const failure = failureOfWrite(error);
    if (failure.code !== "spool-full") return null;
    const kept = withoutMessages(batch);
    if (kept.locations.reduce((sum, { length }) => sum + length, 0) > MAX_BEHIND_BYTES) return null;
    this.#buffers = [...kept.buffers, ...this.#buffers];
    this.#locations = [...kept.locations, ...this.#locations];
    this.#isBehind = kept.locations.length > 0 || this.#file === null;
    return failure;
  }

  async #rotate(): Promise<void> {
    const full = this.#file;
    const number = this.#number;
    await this.#openNext();
    await full?.close();
    this.#onRotate(number);
  }

  /** All or nothing: one that finds no room leaves no file behind. */
  async #openNext(): Promise<void> {
    const number = this.#number + 1;
    const name = segmentName(number);
    const file = await this.#files.createSynced(name);
    try {
      await file.append([SEGMENT_HEADER]);
      await this.#files.syncFolder("segments").catch((error: unknown) => {
        throw new SyncFailed(error);
      });
    } catch (error) {
      await file.close();
      if (isForRoom(error)) await this.#files.remove(name);
      throw error;
    }
    this.#file = file;
    this.#number = number;
    this.#end = SEGMENT_HEADER.length;
  }
}

/** The records of a batch that tell what became of earlier messages. */
function withoutMessages(batch: { buffers: Buffer[]; locations: Location[] }): typeof batch {
  const kept: typeof batch = { buffers: [], locations: [] };
  let at = 0;
  for (const location of batch.locations) {
    const isMessage = isMessageHead(batch.buffers[at] as Buffer);
    if (isMessage) location.segment = 0;
    else kept.locations.push(location);
    for (let length = 0; length < location.length; at++) {
      const buffer = batch.buffers[at] as Buffer;
      length += buffer.length;
      if (!isMessage) kept.buffers.push(buffer);
    }
  }
  return kept;
}

function closed(): SpoolFailure {
  return new SpoolFailure("spool-closed", "the spool is shutting down");
}
