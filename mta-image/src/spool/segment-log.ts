/**
 * The append-only log of one shard: numbered segment files and group commit. Records that come while a write
 * is under way wait and leave together: one writev that returns when all is on disk (O_DSYNC: what fdatasync would do,
 * without another way to a thread and back), then everybody who waited is told.
 *
 * A write that finds no room, before anything of it was synced, costs its batch alone: what it left is cut off, durably, and
 * messages of the batch are refused with `spool-full`. What became of earlier ones was promised to nobody, but is
 * known already: those records go into the reserve (reserve.ts), which becomes the open segment. Until there is room for
 * another reserve (`isBehind`) only such records are written. Those that find no room there either stay in memory,
 * and go in front of the next batch (`isStuck` until then).
 *
 * The first other write, or sync, that fails closes the log for good: that batch and all later ones reject with
 * `spool-broken`. The failed sync is never repeated, since the kernel may have dropped the pages and would
 * then report success (fsyncgate).
 */
import { describe } from "#base/error.ts";

import { Batch, type Location } from "./batch.ts";
import { type SpoolFiles, settleFolder } from "./files.ts";
import { OpenSegment } from "./open-segment.ts";
import { SEGMENT_HEADER } from "./record.ts";
import { Reserve } from "./reserve.ts";
import { Spare } from "./spare.ts";
import { SpoolFailure, failureOfWrite, isForRoom } from "./spool.ts";

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (failure: SpoolFailure) => void;
}

/** Records that wait for room; as many come from attempts that were under way, and from orders of administrators. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

export function segmentName(number: number): string {
  return `segments/${String(number).padStart(10, "0")}.log`;
}

export class SegmentLog {
  readonly #files: SpoolFiles;
  readonly #maxBytes: number;
  readonly #onRotate: (segment: number) => void;
  /** Of the newest segment that there is, open or not. */
  #number: number;
  #open: OpenSegment | null = null;
  readonly #reserve: Reserve;
  readonly #spare: Spare;
  readonly #isFull: () => boolean;
  /** Since the last look. */
  #foundFull = false;
  /** Nothing is to be left of what was mail. */
  keepsNoSpare = false;
  readonly #onRoom: () => void;
  #batch = new Batch();
  #waiters: Waiter[] = [];
  /** Those who wait as long as their records do. */
  #patient: Waiter[] = [];
  #isStuck = false;
  /** Somebody has looked for room since the last batch. */
  #mayHaveRoom = false;
  #writing: Promise<void> | null = null;
  #isPlanned = false;
  #isClosing = false;
  #failure: SpoolFailure | null = null;

  /** Starts with a new segment, so that nothing is ever written behind what a crash left. */
  constructor(options: {
    files: SpoolFiles;
    firstSegment: number;
    maxBytes: number;
    reserveBytes: number;
    /** As far as anybody has looked. */
    isDiskFull: () => boolean;
    onRotate: (segment: number) => void;
    /** After a full disk all is as before. */
    onRoom: () => void;
  }) {
    this.#files = options.files;
    this.#reserve = new Reserve(options.files, options.reserveBytes);
    this.#isFull = () => this.#foundFull || options.isDiskFull() || this.isBehind;
    this.#spare = new Spare(options.files, options.maxBytes, () => this.keepsNoSpare || this.#isFull());
    this.#onRoom = options.onRoom;
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
    return this.#failure === null && !this.#isStuck && !this.#isPlanned && this.#writing === null;
  }

  /** No message is taken: records wait for room on the disk, or the next ones would have none kept for them. */
  get isBehind(): boolean {
    return this.#isStuck || this.#reserve.isMissing;
  }

  /** Records wait for room on the disk, or there is not even a segment for them. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  /** Without room it opens with the first batch that finds some. Rejects with what else is wrong with the disk. */
  async open(): Promise<void> {
    await this.#reserve.find();
    await this.#spare.find();
    try {
      await this.#openNext();
    } catch (error) {
      if (!isForRoom(error)) throw error;
      this.#isStuck = true;
    }
    await this.#reserve.make();
  }

  /** Nobody needs this complete segment any more. Rejects with what kept it from being gone, which then may be tried again. */
  discard(segment: number): Promise<void> {
    return this.#spare.discard(segmentName(segment));
  }

  /** Gives room back that is kept for the next segment; what fails stays, and may be tried again. */
  async giveBack(): Promise<void> {
    await this.#spare.drop().catch(() => {});
  }

  /** The disk was looked at: there may be room for what has been waiting for it, and for a reserve. Never rejects. */
  catchUp(): void {
    if (this.#failure !== null || this.#isClosing) return;
    if (this.#isFull()) void this.giveBack();
    this.#foundFull = false;
    if (!this.#isStuck && this.#reserve.isWhole) return;
    this.#mayHaveRoom = true;
    this.#plan();
  }

  /** Closes the log for good after a failed write or sync; the first failure is the one that is kept. */
  fail(cause: unknown): SpoolFailure {
    this.#isStuck = false;
    this.#failure ??= new SpoolFailure("spool-broken", describe(cause), { cause });
    return this.#failure;
  }

  /**
   * Takes a record for the next batch. The location is filled in when the batch is written. While others wait for room it waits
   * for the next look: to try all of them again for each that comes would cost the square of their number.
   */
  append(buffers: readonly Buffer[]): Location {
    if (this.#isClosing) return new Batch().add(buffers);
    const location = this.#batch.add(buffers);
    if (!this.#isStuck) this.#plan();
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
      // The record was not taken.
      if (this.#isClosing) return reject(closed());
      this.#patient.push({ resolve, reject });
      if (!this.#isStuck) this.#plan();
    });
  }

  /** Reads a record's bytes from a segment that may be the open one. */
  async read(location: Location): Promise<Buffer> {
    const { segment } = location;
    if (this.#open?.number === segment) {
      return this.#open.read(location).catch((error: unknown) => {
        // A rotation closed the file under the read: the segment is found by name from now on.
        if (segment === this.#number) throw error;
        return this.read(location);
      });
    }
    const file = await this.#files.open(segmentName(segment));
    return file.read(location.offset, location.length).finally(() => file.close());
  }

  /** Writes what was appended before, takes nothing more. */
  async close(): Promise<void> {
    const last = this.synced();
    this.#isClosing = true;
    await last.catch(() => {});
    await this.#writing;
    this.#failure ??= closed();
    for (const waiter of this.#patient.splice(0)) waiter.reject(this.#failure);
    // Of a disk in trouble nothing is touched any more.
    if (this.#failure.code === "spool-closed") await this.#open?.trim();
    await this.#open?.close();
    this.#open = null;
  }

  /** The batch starts behind the events of this turn, so that all of them are in it. */
  #plan(): void {
    if (this.#isPlanned || this.#writing !== null) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      this.#writing ??= this.#writeBatches();
    });
  }

  async #writeBatches(): Promise<void> {
    do await this.#writeBatch();
    while (this.#hasWork);
    // In the same turn as the last look, or a record that comes in between waits for nobody.
    this.#writing = null;
  }

  get #hasWork(): boolean {
    if (this.#waiters.length > 0 || this.#mayHaveRoom) return true;
    return !this.#isStuck && (!this.#batch.isEmpty || this.#patient.length > 0);
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#batch;
    const waiters = this.#waiters;
    const patient = this.#patient;
    this.#batch = new Batch();
    this.#waiters = [];
    this.#patient = [];
    let failure: SpoolFailure | null;
    try {
      failure = await this.#write(batch);
    } catch (error) {
      failure = this.fail(error);
    }
    if (failure?.code === "spool-full") this.#patient.unshift(...patient);
    else tell(patient, failure);
    tell(waiters, failure);
  }

  /** Null: all of it is on disk. `spool-full`: its messages are refused, and what else found no room was put back. */
  async #write(batch: Batch): Promise<SpoolFailure | null> {
    const looked = this.#mayHaveRoom;
    this.#mayHaveRoom = false;
    if (this.#failure !== null) throw this.#failure;
    const [now, later] = this.isBehind ? this.#fitting(batch, looked) : [batch, new Batch()];
    try {
      if (!now.isEmpty || this.#open === null) await this.#writeOut(now);
    } catch (error) {
      return this.#writeWithoutRoom(batch, error);
    }
    this.#isStuck = false;
    if (!later.isEmpty) this.#putBack(later);
    else if (looked) await this.#makeReserve();
    return now.count === batch.count ? null : noRoomLeft();
  }

  async #writeOut(batch: Batch): Promise<void> {
    if (this.#open?.isComplete(this.#maxBytes) ?? true) await this.#openNext();
    await this.#open?.write(batch);
  }

  /** What may be written on a full disk: between looks what is left of a reserve is all the room there is. */
  #fitting(batch: Batch, looked: boolean): [Batch, Batch] {
    const reserved = this.#open?.reserved ?? null;
    const isLimited = reserved !== null && !(looked && this.#isStuck);
    return batch.withoutMessages().split(isLimited ? reserved : Number.POSITIVE_INFINITY);
  }

  /** What tells of earlier mail goes into the reserve, else in front of the next batch. */
  async #writeWithoutRoom(batch: Batch, error: unknown): Promise<SpoolFailure | null> {
    const failure = failureOfWrite(error);
    if (failure.code !== "spool-full") throw error;
    this.#foundFull = true;
    await this.giveBack();
    const outcomes = batch.withoutMessages();
    if (!outcomes.isEmpty && (await this.#turnToReserve())) {
      const next = await this.#write(outcomes);
      return next ?? (outcomes.count === batch.count ? null : failure);
    }
    this.#putBack(outcomes);
    return failure;
  }

  #putBack(outcomes: Batch): void {
    if (outcomes.bytes > MAX_WAITING_BYTES) throw new RangeError("too much waits for room on the disk");
    this.#batch = outcomes.followedBy(this.#batch);
    this.#isStuck = !outcomes.isEmpty || this.#open === null;
  }

  /** The reserve is the open segment from now on; false: there is none. */
  async #turnToReserve(): Promise<boolean> {
    const { bytes } = this.#reserve;
    if (bytes === 0) return false;
    const number = this.#number + 1;
    try {
      const file = await this.#reserve.take(segmentName(number));
      if (file === null) return false;
      await this.#goOnWith(new OpenSegment(file, number, { reservedBytes: bytes }));
    } catch (error) {
      if (isForRoom(error)) return false;
      throw error;
    }
    // What is written next keeps within it, though somebody may have looked for room meanwhile.
    this.#isStuck = false;
    return true;
  }

  async #makeReserve(): Promise<void> {
    const wasMissing = this.#reserve.isMissing;
    await this.#reserve.make();
    if (wasMissing && !this.#reserve.isMissing) this.#onRoom();
  }

  /** All or nothing: one that finds no room leaves no file behind. */
  async #openNext(): Promise<void> {
    const number = this.#number + 1;
    const name = segmentName(number);
    const spare = await this.#spare.take(name, number);
    if (spare !== null) return this.#goOnWith(new OpenSegment(spare.file, number, spare));
    const file = await this.#files.createSynced(name);
    try {
      await file.append([SEGMENT_HEADER]);
      await settleFolder(this.#files, "segments");
    } catch (error) {
      await file.close();
      if (isForRoom(error)) await this.#files.remove(name);
      throw error;
    }
    await this.#goOnWith(new OpenSegment(file, number));
  }

  /** The one before is complete. */
  async #goOnWith(next: OpenSegment): Promise<void> {
    const before = this.#open;
    this.#open = next;
    this.#number = next.number;
    if (before === null) return;
    await before.close();
    this.#onRotate(before.number);
  }
}

function tell(waiters: readonly Waiter[], failure: SpoolFailure | null): void {
  for (const { resolve, reject } of waiters) {
    if (failure === null) resolve();
    else reject(failure);
  }
}

function noRoomLeft(): SpoolFailure {
  return new SpoolFailure("spool-full", "the disk is full, and room is kept for what becomes of mail alone");
}

function closed(): SpoolFailure {
  return new SpoolFailure("spool-closed", "the spool is shutting down");
}
