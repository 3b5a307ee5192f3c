/**
 * When a snapshot is written: as soon as a start would have to read many bytes of segments, and more than a new snapshot
 * would cost; once more at the end, when that is still so. In between compaction waits. One that cannot be written is
 * logged and tried again after as many bytes; nothing depends on it. Never rejects.
 */
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { Catalog } from "./catalog.ts";
import type { Compaction } from "./compaction.ts";
import type { CorruptBytes } from "./corrupt-bytes.ts";
import type { SpoolFiles } from "./files.ts";
import type { SegmentLog } from "./segment-log.ts";
import { type Damage, writeSnapshot } from "./snapshot.ts";

/** A snapshot of a long queue is written after as many bytes of mail as it holds messages of this size. */
const BYTES_A_MESSAGE = 1024;

export interface SnapshotsOptions {
  readonly files: SpoolFiles;
  readonly catalog: Catalog;
  readonly segments: SegmentLog;
  readonly compaction: Compaction;
  readonly corrupt: CorruptBytes;
  readonly log: Log;
  readonly segmentBytes: number;
  /** Least bytes of segments between two. */
  readonly everyBytes: number;
  /** What this start had to read, and what was damaged in all that it found. */
  readonly found: { readonly segmentsRead: number; readonly damage: Damage };
  readonly isDiskFull: () => boolean;
}

export class Snapshots {
  readonly #options: SnapshotsOptions;
  /** Complete segments that the next start would read. */
  #unread: number;
  #isWriting = false;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#unread = options.found.segmentsRead;
  }

  /** A segment is complete. */
  sealed(): void {
    this.#unread++;
    if (!this.#isDue || this.#isWriting) return;
    this.#isWriting = true;
    const { compaction, segments } = this.#options;
    void compaction
      .pausedFor(async () => {
        if (segments.failure !== null) return;
        const segment = segments.segment - 1;
        // Whoever waited for a record of that segment has been told by then, and what it says is in the catalog.
        await new Promise(setImmediate);
        await this.#write(segment);
      })
      .finally(() => (this.#isWriting = false));
  }

  /** The log is closed, and everything is in it. */
  async last(): Promise<void> {
    const { segments } = this.#options;
    if (segments.failure?.code === "spool-closed" && this.#isDue) await this.#write(segments.segment);
  }

  get #isDue(): boolean {
    const { catalog, everyBytes, segmentBytes, isDiskFull } = this.#options;
    const bytes = this.#unread * segmentBytes;
    return bytes >= Math.max(everyBytes, catalog.size * BYTES_A_MESSAGE) && !isDiskFull();
  }

  async #write(segment: number): Promise<void> {
    const { files, catalog, corrupt, log, found } = this.#options;
    this.#unread = 0;
    try {
      await corrupt.catchUp();
      await writeSnapshot(files, catalog, { segment, damage: found.damage });
    } catch (error) {
      log.warn({ segment, error: describe(error) }, "spool-snapshot-failed");
    }
  }
}
