/**
 * The few file operations the spool needs, as an interface, so that tests can fail or cut any of them
 * (`testing/memory-files.ts`). `diskFiles` is the real thing. Errors are Node's own, but for
 * folders that cannot be made (base/folders.ts); the spool gives them meaning.
 */
import { constants } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, statfs } from "node:fs/promises";
import { join } from "node:path";

import { describe } from "#base/error.ts";
import { makeFolder } from "#base/folders.ts";

export interface SpoolFile {
  /** For native code that reads by itself; null where there is none. */
  readonly fd: number | null;
  /**
   * Writes behind the last byte. Not durable before sync, but in a file of `createSynced` or `openSynced`: that rejects with
   * SyncFailed when the file has grown by bytes whose way to the disk failed. A part may be there whenever it rejects.
   * `behind` is written behind them as well, and over by the next append; in a file of `openSynced` only.
   */
  append(buffers: readonly Buffer[], behind?: Buffer): Promise<void>;
  /** fdatasync: returns when all that was appended is on disk. */
  sync(): Promise<void>;
  /** Fewer bytes than asked for only at the end of the file. */
  read(offset: number, length: number): Promise<Buffer>;
  size(): Promise<number>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/** What was written may be on disk or not, and nobody will ever know; whatever the reason was, it is no want of room. */
export class SyncFailed extends Error {
  override readonly name = "SyncFailed";

  constructor(cause: unknown) {
    super(`not synced: ${describe(cause)}`, { cause });
  }
}

/** Paths are relative to the spool's folder. */
export interface SpoolFiles {
  makeFolder(path: string): Promise<void>;
  list(folder: string): Promise<readonly string[]>;
  /** Fails when the file exists. */
  create(path: string): Promise<SpoolFile>;
  /** The same, of a file whose every append is on disk when it returns, as if sync had followed, in one step. */
  createSynced(path: string): Promise<SpoolFile>;
  open(path: string): Promise<SpoolFile>;
  /** One that exists, as if `end` were behind its last byte: what is there is written over. Every append is on disk when it returns. */
  openSynced(path: string, end: number): Promise<SpoolFile>;
  rename(from: string, to: string): Promise<void>;
  /** Harmless when there is no such file. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the folder durable. */
  syncFolder(path: string): Promise<void>;
  space(): Promise<{ readonly bytes: number; readonly inodes: number }>;
}

/** Names in the folder are on disk before anything is built on them. Rejects with SyncFailed. */
export async function settleFolder(files: SpoolFiles, path: string): Promise<void> {
  await files.syncFolder(path).catch((error: unknown) => {
    throw new SyncFailed(error);
  });
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDWR } = constants;
const NEW = O_APPEND | O_CREAT | O_EXCL | O_RDWR;

export function diskFiles(root: string): SpoolFiles {
  const at = (path: string): string => join(root, path);
  return {
    makeFolder: (path) => makeFolder(at(path), 0o700),
    list: (folder) => readdir(at(folder)),
    create: async (path) => new DiskFile(await open(at(path), NEW, 0o600), 0),
    createSynced: async (path) => new DiskFile(await open(at(path), NEW | constants.O_DSYNC, 0o600), 0),
    open: async (path) => {
      const handle = await open(at(path), "r+");
      return new DiskFile(handle, (await handle.stat()).size);
    },
    openSynced: async (path, end) => {
      const handle = await open(at(path), O_RDWR | constants.O_DSYNC);
      return new DiskFile(handle, end, (await handle.stat()).size);
    },
    rename: (from, to) => rename(at(from), at(to)),
    remove: (path) => rm(at(path), { force: true }),
    syncFolder: async (path) => {
      const handle = await open(at(path), "r");
      await handle.sync().finally(() => handle.close());
    },
    space: async () => {
      const figures = await statfs(root);
      return {
        bytes: figures.bavail * figures.bsize,
        inodes: figures.files === 0 ? Infinity : figures.ffree,
      };
    },
  };
}

/** writev takes at most IOV_MAX buffers at once. */
const MAX_BUFFERS = 1024;

class DiskFile implements SpoolFile {
  readonly #handle: FileHandle;
  #end: number;
  /** More than `#end` where there is something to be written over. */
  #size: number;

  constructor(handle: FileHandle, end: number, size = end) {
    this.#handle = handle;
    this.#end = end;
    this.#size = size;
  }

  get fd(): number {
    return this.#handle.fd;
  }

  async append(buffers: readonly Buffer[], behind?: Buffer): Promise<void> {
    if (behind !== undefined) {
      await this.append([...buffers, behind]);
      this.#end -= behind.length;
      return;
    }
    for (let i = 0; i < buffers.length; i += MAX_BUFFERS) {
      const part = buffers.slice(i, i + MAX_BUFFERS);
      const length = part.reduce((sum, buffer) => sum + buffer.length, 0);
      const { bytesWritten } = await this.#handle
        .writev(part, this.#end)
        .catch((error: unknown) => this.#explain(error));
      this.#end += bytesWritten;
      this.#size = Math.max(this.#size, this.#end);
      if (bytesWritten !== length) throw noRoom(`short write: ${bytesWritten} of ${length} bytes`);
    }
  }

  /** A write that fails has taken nothing; when the file has grown all the same, it was the sync behind it (O_DSYNC) that failed. */
  async #explain(error: unknown): Promise<never> {
    const size = await this.size().catch(() => Infinity);
    throw size > this.#size ? new SyncFailed(error) : error;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
    this.#end = size;
    this.#size = size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** A regular file takes fewer bytes than it was given for want of room only. */
function noRoom(message: string): Error {
  return Object.assign(new Error(message), { code: "ENOSPC" });
}
