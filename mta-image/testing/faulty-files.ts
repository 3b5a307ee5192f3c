/**
 * The spool's files in memory, like a disk under a crash: what was written but not synced may be lost, and the
 * n-th operation may be the last. Each file keeps two states, what a reader sees and what survives; folders too.
 *
 *   crashAt(n)      the n-th operation from now and all later ones fail, as if the machine had stopped.
 *   failAt(n)       the n-th operation from now fails once; one that appends has written a part by then, as on a full disk.
 *   isFull          as long as it is set there is no room for a file or byte more; what is there may be written over.
 *   failNext(kind)  the next operation of that kind fails once, as a disk in trouble does; with EIO, or a code that is given.
 *   afterCrash()    what the next process finds: only what was synced, plus a part of the rest, as asked.
 */
import { type SpoolFile, type SpoolFiles, SyncFailed } from "#mta/spool/files.ts";

export type Operation =
  | "makeFolder"
  | "list"
  | "create"
  | "open"
  | "rename"
  | "remove"
  | "syncFolder"
  | "append"
  | "sync"
  | "read"
  | "truncate";

interface Stored {
  bytes: Buffer;
  /** How much of the front survives a crash. */
  synced: number;
  /** What is on disk behind that, where it is being written over. */
  below?: Buffer | undefined;
}

type Tree = Map<string, Stored>;

export class FaultyFiles implements SpoolFiles {
  /** What a reader sees, and what the folders on disk say. */
  readonly #seen: Tree;
  readonly #durable: Tree;
  #crashIn = Infinity;
  #failIn = Infinity;
  #failing = new Map<Operation, { readonly code: string; times: number }>();
  operations = 0;
  isFull = false;
  /** Files that are open now. */
  openFiles = 0;
  free = { bytes: 1e12, inodes: 1e9 };

  constructor(tree: Tree = new Map()) {
    this.#seen = new Map(tree);
    this.#durable = new Map(tree);
  }

  crashAt(operation: number): void {
    this.#crashIn = operation;
  }

  failAt(operation: number): void {
    this.#failIn = operation;
  }

  failNext(operation: Operation, times = 1, code = "EIO"): void {
    this.#failing.set(operation, { code, times });
  }

  /** `keepUnsynced` from 0 (nothing that was not synced is there) to 1 (everything is). */
  afterCrash(keepUnsynced = 0): FaultyFiles {
    const tree: Tree = new Map();
    const source = keepUnsynced === 1 ? this.#seen : this.#durable;
    for (const [path, { bytes, synced, below = Buffer.alloc(0) }] of source) {
      const length = synced + Math.floor((bytes.length - synced) * keepUnsynced);
      const found = Buffer.concat([bytes.subarray(0, length), below.subarray(length)]);
      tree.set(path, { bytes: found, synced: found.length });
    }
    return new FaultyFiles(tree);
  }

  /** For a test that damages bytes, or looks at them. */
  bytes(path: string): Buffer {
    return this.#find(path).bytes;
  }

  paths(): string[] {
    return [...this.#seen.keys()].sort();
  }

  async makeFolder(): Promise<void> {
    this.#step("makeFolder");
  }

  async list(folder: string): Promise<readonly string[]> {
    this.#step("list");
    const prefix = folder === "" ? "" : `${folder}/`;
    return this.paths()
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length));
  }

  async create(path: string): Promise<SpoolFile> {
    this.#step("create");
    if (this.isFull) throw noRoom("create");
    if (this.#seen.has(path)) throw new Error(`EEXIST: ${path}`);
    const stored = { bytes: Buffer.alloc(0), synced: 0 };
    this.#seen.set(path, stored);
    return this.#handle(stored);
  }

  /** Its appends are two operations, so that a crash may come between them. */
  async createSynced(path: string): Promise<SpoolFile> {
    return withSync(await this.create(path));
  }

  async openSynced(path: string, end: number): Promise<SpoolFile> {
    this.#step("open");
    return withSync(this.#handle(this.#find(path), end));
  }

  async open(path: string): Promise<SpoolFile> {
    this.#step("open");
    return this.#handle(this.#find(path));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step("rename");
    this.#seen.set(to, this.#find(from));
    this.#seen.delete(from);
  }

  async remove(path: string): Promise<void> {
    this.#step("remove");
    this.#seen.delete(path);
  }

  async syncFolder(folder: string): Promise<void> {
    this.#step("syncFolder");
    const isInside = (path: string): boolean =>
      folder === "" ? !path.includes("/") : path.startsWith(`${folder}/`);
    for (const path of this.#durable.keys()) if (isInside(path)) this.#durable.delete(path);
    for (const [path, stored] of this.#seen) if (isInside(path)) this.#durable.set(path, stored);
  }

  async space(): Promise<{ bytes: number; inodes: number }> {
    return this.free;
  }

  #find(path: string): Stored {
    const stored = this.#seen.get(path);
    if (stored === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return stored;
  }

  #step(operation: Operation): void {
    this.operations++;
    if (--this.#crashIn < 0) throw new Error("the machine has stopped");
    if (--this.#failIn === -1) throw noRoom(operation);
    const failing = this.#failing.get(operation);
    if (failing === undefined || failing.times === 0) return;
    failing.times--;
    throw Object.assign(new Error(`${failing.code}: ${operation}`), { code: failing.code });
  }

  #handle(stored: Stored, from = stored.bytes.length): SpoolFile {
    this.openFiles++;
    let end = from;
    const step = (operation: Operation): void => this.#step(operation);
    return {
      fd: null,
      append: async (buffers, behind = Buffer.alloc(0)) => {
        const { bytes } = stored;
        const front = Buffer.concat([bytes.subarray(0, end), ...buffers, behind]);
        const half = Math.floor((end + front.length) / 2);
        const upTo = (length: number): Buffer =>
          Buffer.concat([front.subarray(0, length), bytes.subarray(length)]);
        // Seen by readers only where the operation fails half-way.
        if (this.#failIn === 0) writeOver(stored, end, upTo(half));
        step("append");
        if (this.isFull && front.length > bytes.length) throw noRoom("append");
        writeOver(stored, end, upTo(front.length));
        end = front.length - behind.length;
      },
      sync: async () => {
        step("sync");
        stored.synced = stored.bytes.length;
        stored.below = undefined;
      },
      read: async (offset, length) => {
        step("read");
        return Buffer.from(stored.bytes.subarray(offset, offset + length));
      },
      size: async () => stored.bytes.length,
      truncate: async (size) => {
        step("truncate");
        stored.bytes = stored.bytes.subarray(0, size);
        stored.synced = Math.min(stored.synced, size);
        stored.below = stored.below?.subarray(0, size);
        end = size;
      },
      close: async () => void this.openFiles--,
    };
  }
}

function noRoom(operation: Operation): Error {
  return Object.assign(new Error(`ENOSPC: ${operation}`), { code: "ENOSPC" });
}

/** The bytes from `end` on are on disk as they were, until they are synced. */
function writeOver(stored: Stored, end: number, bytes: Buffer): void {
  if (end < stored.synced) stored.below = stored.bytes.subarray(0, stored.synced);
  stored.synced = Math.min(stored.synced, end);
  stored.bytes = bytes;
}

function withSync(file: SpoolFile): SpoolFile {
  const append = async (buffers: readonly Buffer[], behind?: Buffer): Promise<void> => {
    await file.append(buffers, behind);
    await file.sync().catch((error: unknown) => {
      throw new SyncFailed(error);
    });
  };
  return { ...file, append };
}
