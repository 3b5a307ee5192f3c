/**
 * Room on the disk that is kept for what becomes of mail: a file that holds the header of a segment and zeros. When a disk is
 * full, the log makes it its open segment and writes over the zeros, which takes no room from anybody. So the outcome of
 * an attempt that was under way is on disk all the same, and a crash does not repeat it.
 *
 * It is as large as a half of what is free allows, up to what was asked for, and there is none below a floor. Where a quota that
 * statfs does not show leaves less than that, halves are tried. Want of room, or of a file descriptor, is no failure, there is
 * none then; every other error is thrown as Node has it, or as SyncFailed.
 */
import { type SpoolFile, type SpoolFiles, SyncFailed, settleFolder } from "./files.ts";
import { SEGMENT_HEADER } from "./record.ts";
import { isForRoom } from "./spool.ts";

const NAME = "reserve";
const PART = "reserve.part";
/** About a thousand recipients settled. */
const LEAST_BYTES = 64 * 1024;
const ZEROS = Buffer.alloc(LEAST_BYTES);

export class Reserve {
  readonly #files: SpoolFiles;
  readonly #wanted: number;
  /** Less than wanted where more was refused, until it is given away: to try at each look would cost others their room. */
  #most: number;
  #bytes = 0;

  /** `bytes` is what it may have at most; 0: none is kept. */
  constructor(files: SpoolFiles, bytes: number) {
    this.#files = files;
    this.#wanted = bytes;
    this.#most = bytes;
  }

  /** As large as it is now; 0: there is none. */
  get bytes(): number {
    return this.#bytes;
  }

  get isMissing(): boolean {
    return this.#wanted > 0 && this.#bytes === 0;
  }

  get isWhole(): boolean {
    return this.#bytes >= this.#most;
  }

  /** Looks for one that an earlier process left; it is whole, since it got its name when it was. */
  async find(): Promise<void> {
    await this.#files.remove(PART);
    if (!(await this.#files.list("")).includes(NAME)) return;
    const file = await this.#files.open(NAME);
    try {
      const header = await file.read(0, SEGMENT_HEADER.length);
      if (header.equals(SEGMENT_HEADER)) this.#bytes = await file.size();
    } finally {
      await file.close();
    }
  }

  /** Makes one, or a larger one, if there is room. */
  async make(): Promise<void> {
    try {
      await this.#makeLargest();
    } catch (error) {
      if (!isForDescriptors(error)) throw error;
    }
  }

  /**
   * Gives it away as the segment of that path, open for what is to be written behind the header. Null: somebody removed it. One
   * for whose new name there is no room stays, and the error is thrown.
   */
  async take(path: string): Promise<SpoolFile | null> {
    try {
      await this.#files.rename(NAME, path);
    } catch (error) {
      if (isForRoom(error)) throw error;
      this.#forget();
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
    this.#forget();
    // In its new place before anything is written, so that no crash finds records in a reserve.
    await settleFolder(this.#files, "segments");
    await settleFolder(this.#files, "");
    return this.#files.openSynced(path, SEGMENT_HEADER.length);
  }

  async #affordable(): Promise<number> {
    // What cannot be told is tried.
    const free = await this.#files.space().then(
      ({ bytes }) => bytes,
      () => Infinity,
    );
    let bytes = this.#most;
    while (bytes > 0 && bytes * 2 > free) bytes = smaller(bytes);
    return bytes;
  }

  async #makeLargest(): Promise<void> {
    const most = await this.#affordable();
    let bytes = most;
    while (bytes > this.#bytes && !(await this.#tryToMake(bytes))) bytes = smaller(bytes);
    this.#bytes = Math.max(bytes, this.#bytes);
    if (bytes < most && this.#bytes > 0) this.#most = this.#bytes;
  }

  /** It is there now; false: there was no room for it. */
  async #tryToMake(bytes: number): Promise<boolean> {
    try {
      await this.#write(bytes);
    } catch (error) {
      if (!isForRoom(error)) throw error;
      await this.#files.remove(PART);
      return false;
    }
    await settleFolder(this.#files, "");
    return true;
  }

  #forget(): void {
    this.#bytes = 0;
    this.#most = this.#wanted;
  }

  async #write(bytes: number): Promise<void> {
    await this.#files.remove(PART);
    const file = await this.#files.create(PART);
    try {
      await file.append([SEGMENT_HEADER, ...zeros(bytes - SEGMENT_HEADER.length)]);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#files.rename(PART, NAME);
  }
}

/** What is tried next; 0: nothing. */
function smaller(bytes: number): number {
  return bytes > LEAST_BYTES ? Math.max(LEAST_BYTES, Math.floor(bytes / 2)) : 0;
}

/** The process, or the machine, has as many files open as it may: a folder could not be opened, let alone synced. */
function isForDescriptors(error: unknown): boolean {
  const { code } = (error instanceof SyncFailed ? error.cause : error) as NodeJS.ErrnoException;
  return code === "EMFILE" || code === "ENFILE";
}

function zeros(bytes: number): Buffer[] {
  const whole = Math.floor(bytes / ZEROS.length);
  return [...Array.from({ length: whole }, () => ZEROS), ZEROS.subarray(0, bytes % ZEROS.length)];
}
