/**
 * Events as lines of JSON in a file that is put aside when it has grown (`mail.log`, `mail.log.1`, …). A file that
 * cannot be written costs its events and nothing else: that is logged once, and counted.
 */
import { basename, dirname } from "node:path";
import { type RotatingFileStream, createStream } from "rotating-file-stream";

import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { EventType, MailEvent } from "./mail-event.ts";

/** Bytes that wait for a slow disk; beyond, events are dropped and counted. */
const MOST_WAITING = 16 * 1024 * 1024;

export class EventFile {
  readonly #stream: RotatingFileStream;
  readonly #types: readonly EventType[];
  readonly path: string;
  #isBroken = false;
  dropped = 0;

  constructor(options: {
    readonly path: string;
    readonly maxBytes: number;
    readonly keep: number;
    readonly types: readonly EventType[];
    readonly log: Log;
  }) {
    const { path, maxBytes, keep, log } = options;
    this.path = path;
    this.#types = options.types;
    const name = basename(path);
    this.#stream = createStream((time) => (time === null ? name : `${name}.${String(time)}`), {
      path: dirname(path),
      size: `${Math.max(1, Math.round(maxBytes / 1024))}K`,
      rotate: keep,
      mode: 0o640,
    });
    this.#stream.on("error", (error: Error) => {
      if (!this.#isBroken) log.error({ path, error: describe(error) }, "event-file-unusable");
      this.#isBroken = true;
    });
  }

  push(event: MailEvent): void {
    if (!this.#types.includes(event.type)) return;
    if (this.#isBroken || this.#stream.writableLength > MOST_WAITING) this.dropped++;
    else this.#stream.write(`${JSON.stringify(event)}\n`);
  }

  close(): Promise<void> {
    if (this.#isBroken) return Promise.resolve();
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }
}
