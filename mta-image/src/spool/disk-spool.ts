/**
 * The spool on files: implements spool.ts. docs/spool-format.md says what is where on disk and what a
 * crash at each point leaves behind.
 */
import type { Clock } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import { BodyFile, readBody } from "./body-file.ts";
import { Catalog } from "./catalog.ts";
import { Compaction } from "./compaction.ts";
import { CorruptBytes } from "./corrupt-bytes.ts";
import type { SpoolFiles } from "./files.ts";
import { KeptContent } from "./kept-content.ts";
import { LiveMessage } from "./live-message.ts";
import {
  type MessageMeta,
  encodeMessage,
  encodeSettled,
  encodeState,
  isMessageOf,
  lengthOf,
} from "./record.ts";
import { recoverSegments } from "./recovery.ts";
import { SegmentLog } from "./segment-log.ts";
import { Snapshots } from "./snapshots.ts";
import { Space, type SpaceFloor } from "./space.ts";
import {
  type BodyWriter,
  type Content,
  type Draft,
  type EntryState,
  type Spool,
  SpoolFailure,
  failureOfWrite,
  type SpoolFigures,
  type LiveMail,
} from "./spool.ts";
import { VolumeMark, removeOldMark } from "./volume-mark.ts";

/** What is said on the volume, and the names of the files that say so. */
const DRAINED = "drained";
const FENCED = "fenced";

export interface DiskSpoolOptions {
  readonly files: SpoolFiles;
  readonly clock: Clock;
  readonly log: Log;
  readonly floor: SpaceFloor;
  readonly segmentBytes?: number;
  /** Room that is kept for what becomes of mail on a full disk; 0: none. */
  readonly reserveBytes?: number;
  /** Least bytes of segments between two snapshots. */
  readonly snapshotBytes?: number;
  readonly cacheBytes?: number;
}

export class DiskSpool implements Spool {
  readonly #drained: VolumeMark;
  readonly #fenced: VolumeMark;
  readonly #files: SpoolFiles;
  readonly #log: Log;
  readonly #catalog: Catalog;
  readonly #space: Space;
  readonly #compaction: Compaction;
  readonly #snapshots: Snapshots;
  readonly #segments: SegmentLog;
  readonly #corruptRecords: number;
  #isClosing = false;

  private constructor(parts: {
    options: DiskSpoolOptions;
    catalog: Catalog;
    space: Space;
    segments: SegmentLog;
    compaction: Compaction;
    snapshots: Snapshots;
    fenced: VolumeMark;
    corruptRecords: number;
  }) {
    this.#files = parts.options.files;
    this.#drained = new VolumeMark(parts.options.files, DRAINED);
    this.#fenced = parts.fenced;
    this.#log = parts.options.log;
    this.#catalog = parts.catalog;
    this.#space = parts.space;
    this.#segments = parts.segments;
    this.#compaction = parts.compaction;
    this.#snapshots = parts.snapshots;
    this.#corruptRecords = parts.corruptRecords;
  }

  /** Recovers what is there and opens a new segment. Rejects when the folder cannot be read or written. */
  static async open(options: DiskSpoolOptions): Promise<DiskSpool> {
    const { files, log, clock } = options;
    for (const folder of ["segments", "bodies", "corrupt"]) await files.makeFolder(folder);
    await removeOldMark(files, DRAINED);
    const fenced = new VolumeMark(files, FENCED);
    await fenced.find();
    await files.syncFolder("");
    const catalog = new Catalog(options.cacheBytes ?? 64 * 1024 * 1024);
    const corrupt = new CorruptBytes(files, log);
    const parts = { files, catalog, log, corrupt };
    const { segments: found, read, damage, corruptRecords } = await recoverSegments(parts);
    const segmentBytes = options.segmentBytes ?? 64 * 1024 * 1024;
    const segments = new SegmentLog({
      files,
      firstSegment: (found.at(-1) ?? 0) + 1,
      maxBytes: segmentBytes,
      reserveBytes: options.reserveBytes ?? 1024 * 1024,
      isDiskFull: () => space.isFull,
      onRotate: (segment) => {
        compaction.sealed(segment);
        snapshots.sealed();
      },
      onRoom: () => compaction.look(),
    });
    const space = new Space({ files, floor: options.floor, clock, onLook: () => segments.catchUp() });
    await segments.open();
    const compaction = new Compaction({ ...parts, segments, sealed: found });
    const snapshots = new Snapshots({
      ...parts,
      segments,
      compaction,
      segmentBytes,
      everyBytes: options.snapshotBytes ?? 256 * 1024 * 1024,
      found: { segmentsRead: read, damage },
      isDiskFull: () => space.isFull,
    });
    await space.watch();
    return new DiskSpool({
      options,
      catalog,
      space,
      segments,
      compaction,
      snapshots,
      fenced,
      corruptRecords,
    });
  }

  /** Damaged records that the start moved aside. */
  get corruptRecords(): number {
    return this.#corruptRecords;
  }

  /** Null: its volume cannot be marked. */
  get isMarkedDrained(): boolean | null {
    return this.#drained.isSet;
  }

  /** Says on the volume that nothing is left; a spool that holds something, or is about to, is left as it is. */
  async markDrained(text: string): Promise<void> {
    if (this.#catalog.size > 0 || !this.#segments.isIdle) return;
    this.#segments.keepsNoSpare = true;
    await this.#segments.giveBack();
    if (this.#catalog.size === 0 && this.#segments.isIdle) await this.#drained.set(text);
    else this.#segments.keepsNoSpare = false;
  }

  /** Rejects with a SpoolFailure when the mark may still be there. */
  unmarkDrained(): Promise<void> {
    this.#segments.keepsNoSpare = false;
    return clear(this.#drained);
  }

  /** An earlier process, or this one, was told to leave the mail alone. */
  get isFenced(): boolean {
    return this.#fenced.isWanted;
  }

  get isBroken(): boolean {
    return this.#segments.failure?.code === "spool-broken";
  }

  get isBehind(): boolean {
    return this.#segments.isBehind;
  }

  /** For the processes to come; a mark that cannot be written is forgotten by them. */
  async markFenced(text: string): Promise<void> {
    await this.#fenced.set(text);
    if (this.#fenced.isSet === null) this.#log.warn({}, "spool-fence-not-written");
  }

  /** Rejects with a SpoolFailure when the mark may still be there. */
  unmarkFenced(): Promise<void> {
    return clear(this.#fenced);
  }

  async commit(draft: Draft): Promise<LiveMail> {
    this.#checkOpen();
    const { content } = draft;
    // One value for all: a state is replaced as a whole, never changed.
    const fresh = freshState(draft.dueAt);
    const states = draft.states ?? draft.envelope.recipients.map(() => fresh);
    const pieces = piecesOf(content);
    const inFile = pieces === null;
    const sizeBytes = pieces === null ? (content as BodyWriter).sizeBytes : lengthOf(pieces);
    const { id, receivedAt, envelope, origin } = draft;
    const meta: MessageMeta = { id, receivedAt, envelope, origin, sizeBytes, states, inFile };
    if (pieces === null) await this.#finishBody(content as BodyWriter);
    // Nothing is waited for between the last look at the mark and the record, which keeps others from setting it.
    while (this.#drained.mayBeThere) await this.unmarkDrained();
    const location = this.#segments.append(encodeMessage(meta, pieces ?? []));
    await this.#segments.synced().catch((error: unknown) => this.#refuse(id, inFile, error));
    const message = new LiveMessage(meta, location);
    this.#catalog.add(message, pieces === null ? null : new KeptContent(pieces, draft.isPlain === true));
    return message;
  }

  /** For want of room nothing of the record is there, so its body goes too; else nobody knows. */
  async #refuse(id: string, inFile: boolean, error: unknown): Promise<never> {
    const isFull = error instanceof SpoolFailure && error.code === "spool-full";
    if (inFile && isFull) await this.#files.remove(`bodies/${id}`).catch(() => {});
    throw error;
  }

  async #finishBody(body: BodyWriter): Promise<void> {
    try {
      await (body as BodyFile).finish();
    } catch (error) {
      // For want of room its own file alone is in doubt, and goes; after all else nobody knows what the disk has.
      const failure = failureOfWrite(error);
      throw failure.code === "spool-full" ? failure : this.#segments.fail(error);
    }
  }

  async createBody(id: string): Promise<BodyWriter> {
    this.#checkOpen();
    try {
      return await BodyFile.create(this.#files, id);
    } catch (error) {
      throw failureOfWrite(error);
    }
  }

  async read(id: string): Promise<Content> {
    const message = this.#catalog.get(id);
    if (message === undefined) throw new Failure("message-unknown", `no message ${id}`, { transient: false });
    if (message.inFile) {
      const open = () => this.#files.open(`bodies/${id}`);
      return { kind: "file", chunks: () => readBody(this.#files, id), open };
    }
    const kept = this.#catalog.content(message);
    return kept ?? { kind: "memory", bytes: await this.#readBack(message) };
  }

  async #readBack(message: LiveMessage): Promise<Buffer> {
    const { id, sizeBytes } = message;
    const place = message.location;
    const record = await this.#segments.read(place).catch((error: unknown) => {
      // Compaction moved the record while it was being opened: it is whole at its new place.
      if (!message.isAt(place)) return this.#segments.read(message.location);
      throw new Failure("message-unreadable", `the stored bytes of ${id} cannot be read: ${describe(error)}`);
    });
    if (isMessageOf(id, record)) return record.subarray(record.length - sizeBytes);
    // It moved, and its segment is written over already.
    if (!message.isAt(place)) return this.#readBack(message);
    if (message.left === 0) throw new Failure("message-unknown", `no message ${id}`, { transient: false });
    this.#log.error({ message: id, ...message.location }, "spool-message-corrupt");
    throw new Failure("message-corrupt", `the stored bytes of ${id} are damaged`, { transient: false });
  }

  find(id: string): LiveMail | undefined {
    return this.#catalog.get(id);
  }

  messages(): Iterable<LiveMail> {
    return this.#catalog.values();
  }

  update(id: string, recipient: number, state: EntryState): void {
    const message = this.#catalog.get(id);
    if (message === undefined || !message.keep(recipient, state)) return;
    this.#segments.append(encodeState(id, recipient, state));
  }

  settle(id: string, recipient: number): void {
    const message = this.#catalog.get(id);
    if (message === undefined || !message.settle(recipient)) return;
    this.#segments.append(encodeSettled(id, recipient));
    if (message.left > 0) return;
    this.#catalog.remove(message);
    // The body goes only after the record that says it is not needed.
    if (message.inFile) void this.#removeBody(id);
    this.#compaction.look();
  }

  async #removeBody(id: string): Promise<void> {
    try {
      await this.#segments.syncedAtLast();
      await this.#files.remove(`bodies/${id}`);
    } catch (error) {
      this.#log.warn({ message: id, error: describe(error) }, "spool-body-left-behind");
    }
  }

  async *recover(): AsyncIterable<LiveMail> {
    yield* this.#catalog.values();
  }

  flush(): Promise<void> {
    return this.#segments.synced();
  }

  figures(): SpoolFigures {
    return {
      messages: this.#catalog.size,
      bytesOnDisk: this.#catalog.totalLiveBytes(),
      segments: this.#compaction.segmentCount + 1,
      bytesFree: this.#space.freeBytes,
      closedBecause: this.#segments.failure?.code ?? (this.#isFull ? "spool-full" : null),
    };
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#space.stop();
    await this.#compaction.stop();
    await this.#segments.close();
    await this.#snapshots.last();
  }

  get #isFull(): boolean {
    return this.#space.isFull || this.#segments.isBehind;
  }

  #checkOpen(): void {
    if (this.#segments.failure !== null) throw this.#segments.failure;
    if (this.#isClosing) throw new SpoolFailure("spool-closed", "the spool is shutting down");
    if (this.#space.isFull)
      throw new SpoolFailure("spool-full", "free space is under the floor (spool.minfree)");
    if (this.#segments.isBehind)
      throw new SpoolFailure("spool-full", "the disk is full, and what becomes of earlier mail comes first");
  }
}

/** Null for a body file. */
function piecesOf(content: Draft["content"]): readonly Buffer[] | null {
  if (Buffer.isBuffer(content)) return [content];
  return Array.isArray(content) ? content : null;
}

function freshState(dueAt: number): EntryState {
  return { status: "queued", attempts: 0, dueAt, lastReply: "", delayNotices: 0 };
}

async function clear(mark: VolumeMark): Promise<void> {
  try {
    await mark.clear();
  } catch (error) {
    throw new SpoolFailure("spool-broken", describe(error), { cause: error });
  }
}
