/**
 * A file that is too large to be read at once. It is open from its beginning until `release`, so that a run reads one file from
 * start to end, whatever takes its place meanwhile. Whoever has it longer (a cache, mail that is queued) can read it all the
 * same: each read then opens it anew, if it is still the same file, and closes it. So nothing but a run holds a descriptor.
 * Reads reject with a Refusal when it is another file, shorter, or gone.
 */
import { type Stats, closeSync, constants, fstatSync, openSync, read } from "node:fs";

import { describe } from "#base/error.ts";

import { Refusal } from "../script/error.ts";
import type { ByteSource, OpenedFile } from "../script/mail/pieces.ts";

/** Opening a pipe would else wait for who writes into it. */
const { O_RDONLY, O_NONBLOCK } = constants;

export function openToRead(path: string): number {
  return openSync(path, O_RDONLY | O_NONBLOCK);
}

/** Closed by the last of its users: a number that is closed under a read would soon be that of something else. */
class Opened {
  readonly descriptor: number;
  #users = 1;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  join(): this {
    this.#users++;
    return this;
  }

  leave(): void {
    if (--this.#users === 0) closeSync(this.descriptor);
  }
}

export class LargeFile implements ByteSource {
  readonly size: number;
  readonly #path: string;
  readonly #identity: string;
  #held: Opened | null;

  /** The descriptor is its own from now on. */
  constructor(path: string, descriptor: number, stat: Stats) {
    this.size = stat.size;
    this.#path = path;
    this.#identity = identityOf(stat);
    this.#held = new Opened(descriptor);
  }

  get fd(): number | undefined {
    return this.#held?.descriptor;
  }

  release(): void {
    this.#held?.leave();
    this.#held = null;
  }

  open(): OpenedFile {
    const opened = this.#opened();
    return { fd: opened.descriptor, close: () => opened.leave() };
  }

  async read(start: number, end: number): Promise<Buffer> {
    const opened = this.#opened();
    try {
      return await readAll(opened.descriptor, start, end);
    } finally {
      opened.leave();
    }
  }

  #opened(): Opened {
    return this.#held?.join() ?? this.#again();
  }

  #again(): Opened {
    let opened: Opened;
    try {
      opened = new Opened(openToRead(this.#path));
    } catch (error) {
      throw new Refusal(`the file can no longer be opened: ${describe(error)}`);
    }
    if (identityOf(fstatSync(opened.descriptor)) === this.#identity) return opened;
    opened.leave();
    throw new Refusal("the file has changed since it was opened");
  }
}

function identityOf({ dev, ino, size, mtimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs].join(" ");
}

function readAll(descriptor: number, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - start);
  return new Promise((done, fail) => {
    const more = (filled: number): void =>
      read(descriptor, bytes, filled, bytes.length - filled, start + filled, (error, count) => {
        if (error !== null) fail(error);
        else if (count === 0) fail(new Refusal("the file became shorter"));
        else if (filled + count < bytes.length) more(filled + count);
        else done(bytes);
      });
    if (bytes.length === 0) done(bytes);
    else more(0);
  });
}
