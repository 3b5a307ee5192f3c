/**
 * A file of lines that is put aside when it has grown: `mail.log` becomes `mail.log.1`, that one `mail.log.2`, and so on.
 * Files get other names and are never copied or cut, so that whoever follows one reads on where it was. A process that is
 * killed at any step leaves each byte in one file, and the next one goes on with what the last had begun.
 *
 * What could not be written is kept, and written first when it is tried again: a full disk makes lines late, not broken,
 * lost or double. `write` rejects with what the file system said.
 */
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";

import { makeFolder } from "#base/folders.ts";

export interface RotatedFileOptions {
  readonly path: string;
  readonly maxBytes: number;
  /** Files that are kept aside. */
  readonly keep: number;
  /** The file has grown and cannot be put aside; lines go into it all the same. */
  readonly onNotRotated: (error: unknown) => void;
}

const LINE_END = 0x0a;

export class RotatedFile {
  readonly #options: RotatedFileOptions;
  #file: FileHandle | null = null;
  /** Of the file that was written last. */
  #inode = 0;
  #size = 0;
  #rotateAt: number;
  /** Begins with a line. */
  #left: Buffer = Buffer.alloc(0);
  /** How much of that line is in the file. */
  #written = 0;

  constructor(options: RotatedFileOptions) {
    this.#options = options;
    this.#rotateAt = options.maxBytes;
  }

  /** Bytes that are to be written once more. */
  get leftBytes(): number {
    return this.#left.length;
  }

  /** Whole lines, or none: what is left. One call at a time. */
  async write(lines: Buffer): Promise<void> {
    this.#left = this.#left.length === 0 ? lines : Buffer.concat([this.#left, lines]);
    try {
      while (this.#left.length > 0) await this.#writeSome();
    } catch (error) {
      // The next try opens it by its name, which may then be another file.
      await this.close().catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  async #writeSome(): Promise<void> {
    this.#file ??= await this.#open();
    if (this.#size >= this.#rotateAt && this.#written === 0) return this.#rotate();
    const length = this.#endOfRoom() - this.#written;
    const { bytesWritten } = await this.#file.write(this.#left, this.#written, length);
    if (bytesWritten === 0) throw new Error("the file takes no byte");
    this.#size += bytesWritten;
    const done = this.#written + bytesWritten;
    const begun = this.#left.lastIndexOf(LINE_END, done - 1) + 1;
    this.#left = this.#left.subarray(begun);
    this.#written = done - begun;
  }

  /** Behind the line with which the file has grown enough. */
  #endOfRoom(): number {
    const room = Math.max(0, this.#rotateAt - this.#size - 1);
    const end = this.#left.indexOf(LINE_END, this.#written + room);
    return end === -1 ? this.#left.length : end + 1;
  }

  async #open(): Promise<FileHandle> {
    const { path, maxBytes } = this.#options;
    await makeFolder(dirname(path));
    const file = await open(path, "a+", 0o640);
    try {
      const facts = await file.stat();
      if (!facts.isFile()) throw new Error(`${path} is no regular file`);
      const isWhereWeWere = facts.ino === this.#inode && facts.size === this.#size;
      if (!isWhereWeWere || this.#written === 0) await this.#beginLine(file, facts.size);
      this.#inode = facts.ino;
      this.#rotateAt = maxBytes;
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** A process that was killed may have left a part of a line: ours are lines of their own. */
  async #beginLine(file: FileHandle, size: number): Promise<void> {
    this.#written = 0;
    this.#size = size;
    if (size === 0) return;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    if (buffer[0] === LINE_END) return;
    await file.write("\n");
    this.#size++;
  }

  /** The handle is of the same file until all names are changed, so a step that fails costs nothing. */
  async #rotate(): Promise<void> {
    const { path, maxBytes, onNotRotated } = this.#options;
    try {
      await this.#file?.datasync();
      await this.#makeRoom();
      await renameIfThere(path, `${path}.1`);
    } catch (error) {
      onNotRotated(error);
      this.#rotateAt = this.#size + maxBytes;
      return;
    }
    await this.close();
  }

  /** Up to the first name that is free: one is where a process was killed in the midst of this. */
  async #makeRoom(): Promise<void> {
    const { path, keep } = this.#options;
    let free = 1;
    while (free < keep && (await isThere(`${path}.${free}`))) free++;
    for (let n = free; n > 1; n--) await renameIfThere(`${path}.${n - 1}`, `${path}.${n}`);
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
