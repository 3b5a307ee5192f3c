/**
 * A file on the volume that says: this spool was closed to new mail and nothing was left in it. Whoever finds the volume
 * later need not open it. It is taken away, durably, before anything is stored again and at each start. A mark that
 * cannot be written is given up (`isSet` is null): it helps people, and no mail depends on it. Never rejects, but for `clear`.
 */
import type { SpoolFiles } from "./files.ts";

const NAME = "drained";

export class DrainedMark {
  readonly #files: SpoolFiles;
  #state: "absent" | "set" | "failed" = "absent";
  /** Changes follow each other. */
  #last: Promise<void> = Promise.resolve();
  #isWanted = false;

  constructor(files: SpoolFiles) {
    this.#files = files;
  }

  /** Null: it cannot be written. */
  get isSet(): boolean | null {
    return this.#state === "failed" ? null : this.#state === "set";
  }

  /** It is there, or on its way. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** `text` is for people. */
  set(text: string): Promise<void> {
    if (this.#isWanted) return this.#last;
    this.#isWanted = true;
    return this.#then(async () => {
      await this.#write(text).then(
        () => (this.#state = "set"),
        () => (this.#state = "failed"),
      );
    });
  }

  /** Rejects when it may still be there. */
  clear(): Promise<void> {
    this.#isWanted = false;
    return this.#then(async () => {
      if (this.#state === "absent") return;
      await this.#files.remove(NAME);
      await this.#files.syncFolder("");
      this.#state = "absent";
    });
  }

  async #write(text: string): Promise<void> {
    const part = `${NAME}.part`;
    await this.#files.remove(part);
    const file = await this.#files.create(part);
    try {
      await file.append([Buffer.from(text)]);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#files.rename(part, NAME);
    await this.#files.syncFolder("");
  }

  #then(change: () => Promise<void>): Promise<void> {
    const next = this.#last.then(change);
    this.#last = next.catch(() => undefined);
    return next;
  }
}

/** Before anything else is done with the folder; durable with the next sync of it. */
export async function removeOldMark(files: SpoolFiles): Promise<void> {
  await files.remove(NAME);
  await files.remove(`${NAME}.part`);
}
