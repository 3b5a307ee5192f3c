/**
 * Events as lines of JSON in a file that is put aside when it has grown (`mail.log`, `mail.log.1`, …). A file that
 * cannot be written costs the events of a minute and nothing else: that is logged, and the file opened again.
 */
import { basename, dirname } from "node:path";
import { type RotatingFileStream, createStream } from "rotating-file-stream";

import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { EventType, MailEvent } from "./mail-event.ts";

/** Bytes that wait for a slow disk; beyond, events are dropped. */
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
  /** Null after it could not be written, until it is tried again. */
  #stream: RotatingFileStream | null;
  #triedAt = 0;
  #isSlow = false;

  constructor(options: EventFileOptions) {
    this.#options = options;
    this.#stream = this.#open();
  }

  push(event: MailEvent): void {
    const { types, clock, log, path } = this.#options;
    if (!types.includes(event.type)) return;
    if (this.#stream === null && clock.monotonic() - this.#triedAt >= LEFT_ALONE_MS)
      this.#stream = this.#open();
    const wasSlow = this.#isSlow;
    this.#isSlow = (this.#stream?.writableLength ?? 0) > MOST_WAITING;
    if (!this.#isSlow) this.#stream?.write(`${JSON.stringify(event)}\n`);
    else if (!wasSlow) log.error({ path }, "event-file-too-slow");
  }

  close(): Promise<void> {
    const stream = this.#stream;
    if (stream === null) return Promise.resolve();
    return new Promise((resolve) => {
      stream.on("error", () => resolve());
      stream.end(() => resolve());
    });
  }

  #open(): RotatingFileStream {
    const { path, maxBytes, keep, log, clock } = this.#options;
    const name = basename(path);
    const stream = createStream((time) => (time === null ? name : `${name}.${String(time)}`), {
      path: dirname(path),
      size: `${Math.max(1, Math.round(maxBytes / 1024))}K`,
      rotate: keep,
      mode: 0o640,
    });
    stream.on("error", (error: Error) => {
      if (this.#stream !== stream) return;
      log.error({ path, error: describe(error) }, "event-file-unusable");
      this.#stream = null;
      this.#triedAt = clock.monotonic();
    });
    return stream;
  }
}
