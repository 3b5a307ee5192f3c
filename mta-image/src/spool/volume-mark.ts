/**
 * A file on the volume that says something of the spool to whoever finds it later. `drained`: it was closed to new mail and
 * nothing was left in it; taken away, durably, before anything is stored again and at each start. `fenced`: the
 * engine was told to leave the mail alone, and the next one that opens the volume does so from its start. A mark that
 * cannot be written is given up (`isSet` is null): no mail depends on it. Never rejects, but for `clear`.
 */
import type { SpoolFiles } from "./files.ts";

export class VolumeMark {
  readonly #files: SpoolFiles;
  readonly #name: string;
  #state: "absent" | "set" | "failed" = "absent";
  /** Changes follow each other. */
  #last: Promise<void> = Promise.resolve();
  #isWanted = false;

  constructor(files: SpoolFiles, name: string) {
    this.#files = files;
    this.#name = name;
  }

  /** Looks for one that an earlier process left. */
  async find(): Promise<void> {
    if (!(await this.#files.list("")).includes(this.#name)) return;
    this.#state = "set";
    this.#isWanted = true;
  }

  /** Null: it cannot be written. */
  get isSet(): boolean | null {
    return this.#state === "failed" ? null : this.#state === "set";
  }

  /** It is there, or on its way. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** False: it is on no disk, and nobody is about to write it. */
  get mayBeThere(): boolean {
    return this.#isWanted || this.#state !== "absent";
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
      await this.#files.remove(this.#name);
      await this.#files.syncFolder("");
      this.#state = "absent";
    });
  }

  async #write(text: string): Promise<void> {
    const part = `${this.#name}.part`;
    await this.#files.remove(part);
    const file = await this.#files.create(part);
    try {
      await file.append([Buffer.from(text)]);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#files.rename(part, this.#name);
    await this.#files.syncFolder("");
  }

  #then(change: () => Promise<void>): Promise<void> {
    const next = this.#last.then(change);
    this.#last = next.catch(() => undefined);
    return next;
  }
}

/** Before anything else is done with the folder; durable with the next sync of it. */
export async function removeOldMark(files: SpoolFiles, name: string): Promise<void> {
  await files.remove(name);
  await files.remove(`${name}.part`);
}
