/**
 * Bytes that are no sound record: recovery has them copied to `corrupt/` before anything else happens to them. On a full
 * disk they stay where they are and the copy is made before their segment is removed (compaction asks), or stands in a
 * snapshot (the next start would not read it and not know of them), so that nothing is ever deleted and a full disk keeps no engine from starting. Rejects when a copy fails for another reason.
 */
import type { Log } from "#base/log.ts";

import type { SpoolFiles } from "./files.ts";
import { segmentName } from "./segment-log.ts";
import { isForRoom } from "./spool.ts";

interface Stretch {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
}

export class CorruptBytes {
  readonly #files: SpoolFiles;
  readonly #log: Log;
  #uncopied: Stretch[] = [];

  constructor(files: SpoolFiles, log: Log) {
    this.#files = files;
    this.#log = log;
  }

  /** False: there was no room for the copy, and the bytes must stay. */
  async keep(segment: number, offset: number, data: Buffer): Promise<boolean> {
    const stretch = { segment, offset, bytes: data.length };
    this.#log.error({ ...stretch, path: pathOf(stretch) }, "spool-corrupt-record");
    try {
      await this.#copy(stretch, data);
      return true;
    } catch (error) {
      if (!isForRoom(error)) throw error;
      this.#log.warn(stretch, "spool-corrupt-bytes-stay");
      this.#uncopied.push(stretch);
      return false;
    }
  }

  /** Copies what found no room before, of all segments or of one; rejects while there is none. */
  async catchUp(segment?: number): Promise<void> {
    for (const stretch of [...this.#uncopied]) {
      if (segment !== undefined && stretch.segment !== segment) continue;
      const file = await this.#files.open(segmentName(stretch.segment));
      const data = await file.read(stretch.offset, stretch.bytes).finally(() => file.close());
      await this.#copy(stretch, data);
      this.#uncopied = this.#uncopied.filter((other) => other !== stretch);
    }
  }

  async #copy(stretch: Stretch, data: Buffer): Promise<void> {
    const path = pathOf(stretch);
    await this.#files.remove(path);
    const file = await this.#files.create(path);
    try {
      await file.append([data]);
      await file.sync();
    } catch (error) {
      await this.#files.remove(path);
      throw error;
    } finally {
      await file.close();
    }
    await this.#files.syncFolder("corrupt");
  }
}

function pathOf({ segment, offset }: Stretch): string {
  return `corrupt/${String(segment).padStart(10, "0")}-${offset}.bin`;
}
