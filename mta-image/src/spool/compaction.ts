/**
 * Gives space back. Segments go strictly from the oldest on: a state record always stands in a later segment
 * than its message, so nothing that is still needed can be in front of the oldest live message. When the
 * oldest holds live messages but most bytes on disk are dead, those messages are written anew, a few at a
 * time, through the same log as everybody else; their old segment goes after that is on disk.
 * A failure here is logged and tried again with the next settled message, or once a full disk has room; nothing depends on it.
 */
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { Catalog } from "./catalog.ts";
import type { CorruptBytes } from "./corrupt-bytes.ts";
import type { SpoolFiles } from "./files.ts";
import type { LiveMessage } from "./live-message.ts";
import { HEADER_BYTES, encodeMessage, soundLength } from "./record.ts";
import { type SegmentLog, segmentName } from "./segment-log.ts";

/** Messages written anew at once: bounds memory and the delay that waiting senders see. */
const STEP = 32;
/** Below this share of live bytes the oldest segment is written anew. */
const LIVE_SHARE = 0.5;
const NOT_BEFORE_SEGMENTS = 2;

export class Compaction {
  readonly #files: SpoolFiles;
  readonly #catalog: Catalog;
  readonly #segments: SegmentLog;
  readonly #log: Log;
  readonly #corrupt: CorruptBytes;
  readonly #sealed: number[];
  readonly #sizes = new Map<number, number>();
  /** Of all complete segments; null until it is asked for, and whenever there are others. */
  #sealedBytes: number | null = null;
  #running: Promise<void> | null = null;
  /** Since the work began: it may have looked before. */
  #wasAsked = false;
  #looksLater = false;
  /** Whoever waits for the end of the work comes before more of it. */
  #pausesWanted = 0;
  #isStopped = false;

  constructor(options: {
    files: SpoolFiles;
    catalog: Catalog;
    segments: SegmentLog;
    log: Log;
    corrupt: CorruptBytes;
    sealed: readonly number[];
  }) {
    this.#files = options.files;
    this.#catalog = options.catalog;
    this.#segments = options.segments;
    this.#log = options.log;
    this.#corrupt = options.corrupt;
    this.#sealed = [...options.sealed];
  }

  /** Segments that are complete and not removed yet. */
  get segmentCount(): number {
    return this.#sealed.length;
  }

  sealed(segment: number): void {
    this.#sealed.push(segment);
    this.#sealedBytes = null;
    this.look();
  }

  /** Starts work when there is some; cheap when there is none. */
  look(): void {
    const oldest = this.#sealed[0];
    this.#wasAsked = true;
    if (oldest === undefined || this.#running !== null || this.#isStopped) return;
    if (this.#segments.isStuck) return this.#lookLater();
    if (this.#catalog.liveBytes(oldest) > 0 && !this.#mayBeMostlyDead) return;
    this.#running = this.#work()
      .catch((error: unknown) => this.#log.warn({ error: describe(error) }, "spool-compaction-failed"))
      .finally(() => {
        this.#running = null;
        if (this.#pausesWanted === 0 && (this.#wasAsked || this.#segments.isStuck)) this.look();
      });
    this.#wasAsked = false;
  }

  /** When what waits for room is on disk: perhaps nothing is left to be settled by then that would ask. */
  #lookLater(): void {
    if (this.#looksLater) return;
    this.#looksLater = true;
    void this.#segments.syncedAtLast().then(
      () => {
        this.#looksLater = false;
        this.look();
      },
      // The log is closed.
      () => {},
    );
  }

  /** Runs something while no record moves and none goes; not at all when it ends before. */
  async pausedFor(work: () => Promise<void>): Promise<void> {
    this.#pausesWanted++;
    while (this.#running !== null) await this.#running;
    this.#pausesWanted--;
    if (this.#isStopped) return;
    this.#running = work().finally(() => (this.#running = null));
    await this.#running;
    this.look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #work(): Promise<void> {
    for (let oldest = this.#sealed[0]; oldest !== undefined && !this.#isStopped; oldest = this.#sealed[0]) {
      if (this.#catalog.liveBytes(oldest) > 0) {
        if (!this.#mayBeMostlyDead || !(await this.#isMostlyDead())) return;
        await this.#writeAnew(oldest);
        if (this.#catalog.liveBytes(oldest) > 0) return;
      }
      // What settled its last message must be on disk before the message's record goes.
      await this.#segments.synced();
      await this.#corrupt.catchUp(oldest);
      // One by one and in order, on disk too: were a later segment gone and this one back after a crash, what
      // the later one settled would be delivered again.
      await this.#segments.discard(oldest);
      this.#sealed.shift();
      this.#sealedBytes = null;
      this.#sizes.delete(oldest);
    }
  }

  /** Asked with every message that is settled, so it must not look at each segment. On a full disk nothing is written anew. */
  get #mayBeMostlyDead(): boolean {
    if (this.#segments.isBehind || this.#sealed.length < NOT_BEFORE_SEGMENTS) return false;
    return this.#sealedBytes === null || this.#catalog.totalLiveBytes() < this.#sealedBytes * LIVE_SHARE;
  }

  async #isMostlyDead(): Promise<boolean> {
    let total = 0;
    const sealed = [...this.#sealed];
    for (const segment of sealed) total += await this.#size(segment);
    if (sealed.length === this.#sealed.length) this.#sealedBytes = total;
    return this.#catalog.totalLiveBytes() < total * LIVE_SHARE;
  }

  async #size(segment: number): Promise<number> {
    const known = this.#sizes.get(segment);
    if (known !== undefined) return known;
    const file = await this.#files.open(segmentName(segment));
    const size = await file.size().finally(() => file.close());
    this.#sizes.set(segment, size);
    return size;
  }

  async #writeAnew(segment: number): Promise<void> {
    const messages = this.#catalog.inSegment(segment);
    for (let i = 0; i < messages.length && !this.#isStopped; i += STEP) {
      const moves = await Promise.all(messages.slice(i, i + STEP).map((message) => this.#append(message)));
      await this.#segments.synced();
      for (const move of moves) {
        // One that found no room was taken out of its batch, whatever became of later ones.
        if (
          move !== null &&
          move.location.segment > 0 &&
          this.#catalog.get(move.message.id) === move.message
        ) {
          this.#catalog.move(move.message, move.location);
        }
      }
    }
  }

  /** Null when the message was settled meanwhile, or is damaged (then its segment stays, for a person to look). */
  async #append(
    message: LiveMessage,
  ): Promise<{ message: LiveMessage; location: ReturnType<SegmentLog["append"]> } | null> {
    const content = message.inFile
      ? []
      : (this.#catalog.content(message)?.pieces ?? (await this.#contentOf(message)));
    if (message.left === 0 || content === null) return null;
    return { message, location: this.#segments.append(encodeMessage(message.meta(), content)) };
  }

  async #contentOf(message: LiveMessage): Promise<readonly Buffer[] | null> {
    const record = await this.#segments.read(message.location);
    if (soundLength(record, 0) !== record.length) return null;
    return [record.subarray(HEADER_BYTES + record.readUIntBE(13, 3))];
  }
}
