/**
 * A segment that is not needed any more, kept for the next one to be written over it: its blocks are there, so a write
 * changes nothing of the file but its bytes, and is on disk sooner and for less than in a file that grows. There is one at most, and
 * none on a full disk. It holds what was mail, until it is written over. One that cannot be used is given up; what fails
 * behind that is thrown as Node has it, or as SyncFailed.
 */
import { type SpoolFile, type SpoolFiles, settleFolder } from "./files.ts";
import { endMark, makeKey, reusedStart } from "./segment-bytes.ts";

const FOLDER = "segments";
const NAME = `${FOLDER}/spare`;
/** One with a very large record in it is not kept: it would stay as large for good. */
const MOST_TIMES_LARGER = 2;

export class Spare {
  readonly #files: SpoolFiles;
  readonly #leastBytes: number;
  readonly #isDiskFull: () => boolean;
  #isThere = false;
  /** While it is being made, taken or removed nobody else touches its name. */
  #busy: Promise<void> | null = null;

  /** A segment of less bytes is not kept. */
  constructor(files: SpoolFiles, leastBytes: number, isDiskFull: () => boolean) {
    this.#files = files;
    this.#leastBytes = leastBytes;
    this.#isDiskFull = isDiskFull;
  }

  /** Looks for one that an earlier process left. */
  async find(): Promise<void> {
    const names = await this.#files.list(FOLDER);
    this.#isThere = names.some((name) => `${FOLDER}/${name}` === NAME);
    // Who left it may have died before its new name was on disk; written to, it must not come back under the old one.
    if (this.#isThere) await settleFolder(this.#files, FOLDER);
  }

  /** Takes a segment that nobody needs out of its folder, durably: for later, or for good. */
  async discard(path: string): Promise<void> {
    // Asked again behind the wait.
    if (!this.#wantsOne || !(await this.#fits(path)) || !this.#wantsOne) {
      await this.#files.remove(path);
      return settleFolder(this.#files, FOLDER);
    }
    await this.#alone(async () => {
      await this.#files.rename(path, NAME);
      // Before anybody writes to it: after a crash it may not be back where it was with other bytes.
      await settleFolder(this.#files, FOLDER);
      this.#isThere = true;
    });
  }

  /** Gives it away as the segment of that path and number, open for what is to be written behind the header, and its key. Null: there is none. */
  async take(path: string, number: number): Promise<{ file: SpoolFile; key: Buffer } | null> {
    if (!this.#isThere || this.#busy !== null) return null;
    const key = makeKey();
    let file: SpoolFile | null = null;
    let isNamed = false;
    try {
      await this.#alone(async () => {
        this.#isThere = false;
        file = await this.#files.openSynced(NAME, 0);
        // Under its new name none of its old records may be found, so that comes behind the header and the mark of the end.
        await file.append([reusedStart(key)], endMark(key, number));
        await this.#files.rename(NAME, path);
        isNamed = true;
        await settleFolder(this.#files, FOLDER);
      });
    } catch (error) {
      await (file as SpoolFile | null)?.close();
      if (isNamed) throw error;
      // Nothing of ours is in it: a fresh file may do better, and fails by itself where the disk is in trouble.
      await this.drop().catch(() => {});
      return null;
    }
    return file === null ? null : { file, key };
  }

  /** Gives its room back, behind what goes on with it. */
  async drop(): Promise<void> {
    while (this.#busy !== null) await this.#busy;
    await this.#alone(async () => {
      await this.#files.remove(NAME);
      this.#isThere = false;
    });
  }

  get #wantsOne(): boolean {
    return !this.#isThere && this.#busy === null && !this.#isDiskFull();
  }

  async #alone(act: () => Promise<void>): Promise<void> {
    const work = act();
    this.#busy = work.then(
      () => {},
      () => {},
    );
    try {
      await work;
    } finally {
      this.#busy = null;
    }
  }

  /** False as well for one that an earlier attempt took away, which could not be synced. */
  async #fits(path: string): Promise<boolean> {
    const file = await this.#files.open(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    });
    const size = file === null ? 0 : await file.size().finally(() => file.close());
    return size >= this.#leastBytes && size <= this.#leastBytes * MOST_TIMES_LARGER;
  }
}
