/**
 * The due entries of one destination that are equally urgent: a part of its line (destination-queue.ts). First in, first
 * out, cheap with a million of them. Entries that are not ready any more are passed over when their turn comes. Never fails.
 */
interface Waiting {
  phase: string;
  readonly message: object;
  readonly verdict: object | null;
}

export class Rank<E extends Waiting> {
  #entries: E[] = [];
  #head = 0;

  /** Holes among them. */
  get length(): number {
    return this.#entries.length - this.#head;
  }

  push(entry: E): void {
    this.#entries.push(entry);
  }

  /** The first that is ready: of those that miss a notice, or of the others. */
  peek(isForNotices: boolean): E | null {
    while (this.#head < this.#entries.length) {
      const entry = this.#entries[this.#head] as E;
      if (entry.phase === "ready" && (entry.verdict !== null) === isForNotices) return entry;
      this.#head++;
    }
    if (this.#head > 0) this.#entries = [];
    this.#head = 0;
    return null;
  }

  /** Those that are to be tried, in order. */
  *due(): Iterable<E> {
    const entries = this.#entries;
    for (let i = this.#head; i < entries.length; i++) {
      const entry = entries[i] as E;
      if (entry.phase === "ready" && entry.verdict === null) yield entry;
    }
  }

  /**
   * The first entry and those of the same message right behind it, `most` at most; they are out of the line. Each is
   * running from the moment on: one that was held and freed stands in the line twice, and must be taken once.
   */
  take(most: number, isForNotices: boolean): E[] {
    const first = this.peek(isForNotices);
    const taken: E[] = [];
    while (first !== null && taken.length < most) {
      const next = this.peek(isForNotices);
      if (next === null || next.message !== first.message) break;
      (next as Waiting).phase = "running";
      taken.push(next);
      this.#head++;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }
}
