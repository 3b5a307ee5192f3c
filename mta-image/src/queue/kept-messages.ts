/** The entries of every message that is not settled, by message, in order of arrival. The queue is the only writer. */
import type { Entry } from "./entry.ts";

/** The entries of one message, and how many of them are not settled. */
interface Several {
  readonly entries: Entry[];
  left: number;
}

export class KeptMessages {
  /** Most messages have one recipient, and cost no list. */
  readonly #messages = new Map<string, Entry | Several>();

  /** At least one entry. */
  add(id: string, entries: Entry[]): void {
    const [first] = entries;
    if (first !== undefined)
      this.#messages.set(id, entries.length === 1 ? first : { entries, left: entries.length });
  }

  ids(): Iterable<string> {
    return this.#messages.keys();
  }

  /** Those that are not settled. */
  *entries(): Iterable<Entry> {
    for (const kept of this.#messages.values()) {
      for (const entry of "left" in kept ? kept.entries : [kept]) if (entry.phase !== "gone") yield entry;
    }
  }

  find(id: string): Entry[] {
    const kept = this.#messages.get(id);
    if (kept === undefined) return [];
    return ("left" in kept ? kept.entries : [kept]).filter((entry) => entry.phase !== "gone");
  }

  /** `next` stands for the same recipient. */
  replace(entry: Entry, next: Entry): void {
    const kept = this.#messages.get(entry.message.id);
    if (kept === entry) this.#messages.set(entry.message.id, next);
    else if (kept !== undefined && "left" in kept) kept.entries[kept.entries.indexOf(entry)] = next;
  }

  /** The message is forgotten with its last entry. */
  settled(entry: Entry): void {
    const { id } = entry.message;
    const kept = this.#messages.get(id);
    if (kept === entry || (kept !== undefined && "left" in kept && --kept.left === 0))
      this.#messages.delete(id);
  }

  delete(id: string): void {
    this.#messages.delete(id);
  }
}
