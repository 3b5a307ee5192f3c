/**
 * Events as lines of JSON in a file that is put aside when it has grown (rotated-file.ts). Written behind whoever pushes;
 * what a file cannot take, as on a full disk, waits in memory and is tried again each minute. Nothing here rejects or
 * throws: events beyond what may wait are dropped, and trouble is logged once an outage.
 */
import type { Clock, Timer } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { EventType, MailEvent } from "./mail-event.ts";
import { RotatedFile } from "./rotated-file.ts";

/** Bytes that wait for a slow or full disk; beyond, events are dropped. */
const MOST_WAITING = 16 * 1024 * 1024;

/** How long a file that cannot be written is left alone: a disk that was full may have room again. */
const LEFT_ALONE_MS = 60_000;

export interface EventFileOptions {
  readonly path: string;
  readonly maxBytes: number;
  readonly keep: number;
  readonly types: readonly EventType[];
  readonly clock: Clock;
  readonly log: Log;
}

export class EventFile {
  readonly #options: EventFileOptions;
  readonly #file: RotatedFile;
  #lines: string[] = [];
  /** Of `#lines`, at least. */
  #waiting = 0;
  #writing: Promise<void> | null = null;
  /** Set while a file that could not be written is left alone. */
  #retry: Timer | null = null;
  #isUnusable = false;
  #isDropping = false;

  constructor(options: EventFileOptions) {
    const { path, maxBytes, keep, log } = options;
    this.#options = options;
    const onNotRotated = (error: unknown): void =>
      log.warn({ path, error: describe(error) }, "event-file-not-rotated");
    this.#file = new RotatedFile({ path, maxBytes, keep, onNotRotated });
  }

  push(event: MailEvent): void {
    const { types, log, path } = this.#options;
    if (!types.includes(event.type)) return;
    const wasDropping = this.#isDropping;
    this.#isDropping = this.#waiting + this.#file.leftBytes > MOST_WAITING;
    if (this.#isDropping) {
      if (!wasDropping) log.error({ path }, "event-file-too-slow");
      return;
    }
    const line = `${JSON.stringify(event)}\n`;
    this.#lines.push(line);
    this.#waiting += line.length;
    if (this.#retry === null) this.#writing ??= this.#write();
  }

  /** Tries once more to write what waits; what cannot be written by now is lost, and that is logged. */
  async close(): Promise<void> {
    await this.#writing;
    this.#forgetRetry();
    await this.#write();
    this.#forgetRetry();
    const lost = this.#file.leftBytes;
    if (lost > 0) this.#options.log.error({ path: this.#options.path, bytes: lost }, "event-file-lost");
    await this.#file.close().catch(() => undefined);
  }

  /** Behind those that are pushed at once, so that they leave in one piece. */
  async #write(): Promise<void> {
    await Promise.resolve();
    try {
      do {
        const lines = Buffer.from(this.#lines.join(""));
        this.#lines = [];
        this.#waiting = 0;
        await this.#file.write(lines);
      } while (this.#lines.length > 0);
      this.#isUnusable = false;
    } catch (error) {
      this.#leaveAlone(error);
    }
    this.#writing = null;
  }

  #leaveAlone(error: unknown): void {
    const { path, clock, log } = this.#options;
    if (!this.#isUnusable) log.error({ path, error: describe(error) }, "event-file-unusable");
    this.#isUnusable = true;
    this.#retry = clock.after(LEFT_ALONE_MS, () => {
      this.#retry = null;
      this.#writing ??= this.#write();
    });
  }

  #forgetRetry(): void {
    this.#retry?.cancel();
    this.#retry = null;
  }
}
