/**
 * A segment that is not needed any more, kept for the next one to be written over it: its blocks are there, so a write
 * changes nothing of the file but its bytes, and is on disk sooner and for less than in a file that grows. There is one at most, and
 * none on a full disk. It holds what was mail, until it is written over. Want of room is no failure: there is none then. Every
 * other error is thrown as Node has it, or as SyncFailed.
 */
import { type SpoolFile, type SpoolFiles, SyncFailed } from "./files.ts";
import { REUSED_HEADER, endMark } from "./marks.ts";
import { isForRoom } from "./spool.ts";

const NAME = "segments/spare";

export class Spare {
  readonly #files: SpoolFiles;
  readonly #leastBytes: number;
  readonly #isDiskFull: () => boolean;
  /** "busy": it is being made, taken or removed, and nobody else touches its name. */
  #state: "none" | "busy" | "there" = "none";

  /** A segment of less bytes is not kept. */
  constructor(files: SpoolFiles, leastBytes: number, isDiskFull: () => boolean) {
    this.#files = files;
    this.#leastBytes = leastBytes;
    this.#isDiskFull = isDiskFull;
  }

  /** Looks for one that an earlier process left. */
  async find(): Promise<void> {
    const names = await this.#files.list("segments");
    this.#state = names.some((name) => NAME.endsWith(`/${name}`)) ? "there" : "none";
  }

  /** Takes a segment that nobody needs out of its folder, durably: for later, or for good. */
  async discard(path: string): Promise<void> {
    const isFree = this.#state === "none" && !this.#isDiskFull();
    if (!isFree || !(await this.#isLarge(path))) {
      await this.#files.remove(path);
      return this.#syncFolder();
    }
    await this.#busyUntil("there", async () => {
      await this.#files.rename(path, NAME);
      // Before anybody writes to it: after a crash it may not be back where it was with other bytes.
      await this.#syncFolder();
    });
  }

  /** Gives it away as the segment of that path and number, open for what is to be written behind the header. Null: there is none. */
  async take(path: string, number: number): Promise<SpoolFile | null> {
    if (this.#state !== "there") return null;
    let file: SpoolFile | null = null;
    try {
      await this.#busyUntil("none", async () => {
        file = await this.#files.openSynced(NAME, 0);
        // Under its new name none of its old records may be found, so that comes behind the header and the mark of the end.
        await file.append([REUSED_HEADER], endMark(number, REUSED_HEADER.length));
        await this.#files.rename(NAME, path);
        await this.#syncFolder();
      });
    } catch (error) {
      await (file as SpoolFile | null)?.close();
      if (isForRoom(error)) await this.drop();
      else if ((error as NodeJS.ErrnoException).code === "ENOENT") this.#state = "none";
      else throw error;
      return null;
    }
    return file;
  }

  /** Gives its room back. */
  async drop(): Promise<void> {
    if (this.#state !== "there") return;
    await this.#busyUntil("none", () => this.#files.remove(NAME));
  }

  async #busyUntil(next: "none" | "there", act: () => Promise<void>): Promise<void> {
    const before = this.#state;
    this.#state = "busy";
    try {
      await act();
      this.#state = next;
    } catch (error) {
      this.#state = before;
      throw error;
    }
  }

  /** False as well for one that an earlier attempt took away, which could not be synced. */
  async #isLarge(path: string): Promise<boolean> {
    const file = await this.#files.open(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    });
    return file !== null && (await file.size().finally(() => file.close())) >= this.#leastBytes;
  }

  async #syncFolder(): Promise<void> {
    await this.#files.syncFolder("segments").catch((error: unknown) => {
      throw new SyncFailed(error);
    });
  }
}
