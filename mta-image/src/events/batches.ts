/**
 * Batches of events that wait on disk to be sent: a folder, one file a batch, the oldest first. A file is whole or not
 * there (written aside, then renamed), and its name is the batch's id, so that a receiver knows one that comes twice.
 * Bounded: beyond `maxBytes` the oldest batches are removed and counted. Rejects with Node's own errors.
 */
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

interface Batch {
  readonly id: string;
  readonly bytes: number;
}

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
    await mkdir(folder, { recursive: true, mode: 0o700 });
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

  /** `id` sorts behind those before it. */
  async add(id: string, text: string): Promise<void> {
    const path = this.#path(id);
    await writeFile(`${path}.part`, text, { mode: 0o600 });
    await rename(`${path}.part`, path);
    this.#count({ id, bytes: Buffer.byteLength(text) });
    while (this.#bytes > this.#maxBytes && this.#batches.length > 1) {
      this.dropped++;
      await this.remove(this.first ?? "");
    }
  }

  read(id: string): Promise<string> {
    return readFile(this.#path(id), "utf8");
  }

  async remove(id: string): Promise<void> {
    const at = this.#batches.findIndex((batch) => batch.id === id);
    const [batch] = at === -1 ? [] : this.#batches.splice(at, 1);
    if (batch === undefined) return;
    this.#bytes -= batch.bytes;
    await rm(this.#path(id), { force: true });
  }

  #count(batch: Batch): void {
    this.#batches.push(batch);
    this.#bytes += batch.bytes;
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`);
  }
}
