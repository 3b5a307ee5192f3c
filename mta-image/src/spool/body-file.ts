/**
 * A body too large for the log, in a file of its own: written as `<id>.part` while it arrives, synced, renamed
 * to `<id>`, and the folder synced, all before the message's record is written. A crash before that leaves a
 * file without record, which the next start removes.
 */
import type { SpoolFile, SpoolFiles } from "./files.ts";
import { type BodyWriter, SpoolFailure, failureOfWrite } from "./spool.ts";

export const READ_BYTES = 65_536;

export class BodyFile implements BodyWriter {
  readonly #files: SpoolFiles;
  readonly #id: string;
  #file: SpoolFile | null;
  sizeBytes = 0;

  constructor(files: SpoolFiles, id: string, file: SpoolFile) {
    this.#files = files;
    this.#id = id;
    this.#file = file;
  }

  static async create(files: SpoolFiles, id: string): Promise<BodyFile> {
    return new BodyFile(files, id, await files.create(`bodies/${id}.part`));
  }

  async write(chunk: Buffer): Promise<void> {
    try {
      await this.#file?.append([chunk]);
      this.sizeBytes += chunk.length;
    } catch (error) {
      throw failureOfWrite(error);
    }
  }

  async read(offset: number, length: number): Promise<Buffer> {
    if (this.#file === null) throw new SpoolFailure("spool-closed", "the body was given up");
    return this.#file.read(offset, length);
  }

  /** The copy takes the place of the first file only when it is whole. */
  async prepend(head: Buffer): Promise<void> {
    const first = this.#file;
    if (first === null) return;
    const name = `bodies/${this.#id}`;
    let copy: SpoolFile | null = null;
    try {
      copy = await this.#files.create(`${name}.head.part`);
      await copy.append([head]);
      for (let offset = 0; offset < this.sizeBytes; offset += READ_BYTES) {
        await copy.append([await first.read(offset, READ_BYTES)]);
      }
      await this.#files.rename(`${name}.head.part`, `${name}.part`);
      this.#file = copy;
      this.sizeBytes += head.length;
      await first.close();
    } catch (error) {
      await copy?.close();
      await this.#files.remove(`${name}.head.part`);
      throw failureOfWrite(error);
    }
  }

  /** Resolves when the body is on disk under its final name; one that could not be finished can be given up. */
  async finish(): Promise<void> {
    await this.#file?.sync();
    await this.#files.rename(`bodies/${this.#id}.part`, `bodies/${this.#id}`);
    await this.#files.syncFolder("bodies");
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  async abort(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    if (file === null) return;
    await file.close();
    for (const name of [`${this.#id}.part`, this.#id]) await this.#files.remove(`bodies/${name}`);
  }
}

export async function* readBody(files: SpoolFiles, id: string): AsyncIterable<Buffer> {
  const file = await files.open(`bodies/${id}`);
  try {
    for (let offset = 0; ; offset += READ_BYTES) {
      const chunk = await file.read(offset, READ_BYTES);
      if (chunk.length === 0) return;
      yield chunk;
    }
  } finally {
    await file.close();
  }
}
