/**
 * Batches of events that wait on disk to be sent: a folder, one file a batch, the oldest first. A file is whole or not
 * there (written aside, synced, then renamed), and its name is the batch's id, so that a receiver knows one that comes twice.
 * Bounded: beyond `maxBytes` the oldest batches are removed and counted. Rejects with Node's own errors, or as base/folders.ts does.
 */
import { readFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { makeFolder } from "#base/folders.ts";
import { replaceFile } from "#base/kept-file.ts";

interface Batch {
  readonly id: string;
  readonly bytes: number;
}

/** Another try finds the same; what else keeps a file from being read passes. */
const LOST: ReadonlySet<string> = new Set(["ENOENT", "EISDIR", "EIO"]);
const NAME = /^[0-9A-Za-z]{1,64}\.json$/;

export class Batches {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** Oldest first. */
  #batches: Batch[] = [];
  #bytes = 0;
  /** Batches that were removed unsent. */
  dropped = 0;

  private constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  static async open(folder: string, maxBytes: number): Promise<Batches> {
    await makeFolder(folder, 0o700);
    const batches = new Batches(folder, maxBytes);
    for (const name of (await readdir(folder)).sort()) {
      const path = join(folder, name);
      if (!NAME.test(name)) await rm(path, { force: true, recursive: true });
      else batches.#count({ id: name.slice(0, -5), bytes: (await stat(path)).size });
    }
    return batches;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The batch that is to be sent next, or null. */
  get first(): string | null {
    return this.#batches[0]?.id ?? null;
  }

  /** The one that was written last, or null. */
  get last(): string | null {
    return this.#batches.at(-1)?.id ?? null;
  }

  /** `id` sorts behind those before it. */
  async add(id: string, text: string): Promise<void> {
    const path = this.#path(id);
    await replaceFile(path, text);
    this.#count({ id, bytes: Buffer.byteLength(text) });
    while (this.#bytes > this.#maxBytes && this.#batches.length > 1) {
      this.dropped++;
      await this.remove(this.first ?? "");
    }
  }

  /** Null for one that the disk has lost: it is forgotten and counted, so that those behind it go on. */
  async read(id: string): Promise<string | null> {
    try {
      return await readFile(this.#path(id), "utf8");
    } catch (error) {
      if (!LOST.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
      this.dropped++;
      await this.remove(id);
      return null;
    }
  }

  async remove(id: string): Promise<void> {
    const at = this.#batches.findIndex((batch) => batch.id === id);
    const [batch] = at === -1 ? [] : this.#batches.splice(at, 1);
    if (batch === undefined) return;
    this.#bytes -= batch.bytes;
    await rm(this.#path(id), { force: true, recursive: true });
  }

  #count(batch: Batch): void {
    this.#batches.push(batch);
    this.#bytes += batch.bytes;
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
