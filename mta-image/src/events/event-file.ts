/**
 * Events as lines of JSON in a file that is put aside when it has grown (`mail.log`, `mail.log.1`, …). A file that
 * cannot be written costs its events and nothing else: that is logged once.
 */
import { basename, dirname } from "node:path";
import { type RotatingFileStream, createStream } from "rotating-file-stream";

import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { EventType, MailEvent } from "./mail-event.ts";

/** Bytes that wait for a slow disk; beyond, events are dropped. */
const MOST_WAITING = 16 * 1024 * 1024;

export class EventFile {
  readonly #stream: RotatingFileStream;
  readonly #types: readonly EventType[];
  readonly #trouble: (message: string, error?: string) => void;
  #isBroken = false;

  constructor(options: {
    readonly path: string;
    readonly maxBytes: number;
    readonly keep: number;
    readonly types: readonly EventType[];
    readonly log: Log;
  }) {
    const { path, maxBytes, keep, log } = options;
    const said = new Set<string>();
    this.#trouble = (message, error) => {
      if (!said.has(message)) log.error({ path, ...(error === undefined ? {} : { error }) }, message);
      said.add(message);
    };
    this.#types = options.types;
    const name = basename(path);
    this.#stream = createStream((time) => (time === null ? name : `${name}.${String(time)}`), {
      path: dirname(path),
      size: `${Math.max(1, Math.round(maxBytes / 1024))}K`,
      rotate: keep,
      mode: 0o640,
    });
    this.#stream.on("error", (error: Error) => {
      this.#trouble("event-file-unusable", describe(error));
      this.#isBroken = true;
    });
  }

  push(event: MailEvent): void {
    if (!this.#types.includes(event.type)) return;
    if (this.#isBroken) return;
    if (this.#stream.writableLength > MOST_WAITING) this.#trouble("event-file-too-slow");
    else this.#stream.write(`${JSON.stringify(event)}\n`);
  }

  close(): Promise<void> {
    if (this.#isBroken) return Promise.resolve();
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }
}
