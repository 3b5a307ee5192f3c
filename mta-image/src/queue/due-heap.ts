/** Waiting entries by due time: a binary heap with removal from the middle, O(log n) each. */
import type { Entry } from "./entry.ts";

export class DueHeap {
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  peek(): Entry | undefined {
    return this.#entries[0];
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#up(this.#entries.length - 1);
  }

  /** Does nothing for an entry that is not in the heap. */
  remove(entry: Entry): void {
    const index = entry.heapIndex;
    if (index === -1) return;
    const last = this.#entries.pop() as Entry;
    entry.heapIndex = -1;
    if (last === entry) return;
    this.#put(last, index);
    this.#up(index);
    this.#down(last.heapIndex);
  }

  /** Gives each entry another time. */
  retime(timeOf: (entry: Entry) => number): void {
    for (const entry of this.#entries) entry.dueAt = timeOf(entry);
    for (let index = (this.#entries.length >> 1) - 1; index >= 0; index--) this.#down(index);
  }

  #put(entry: Entry, index: number): void {
    this.#entries[index] = entry;
    entry.heapIndex = index;
  }

  #up(start: number): void {
    const entry = this.#entries[start] as Entry;
    let index = start;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#entries[above] as Entry;
      if (parent.dueAt <= entry.dueAt) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(entry, index);
  }

  #down(start: number): void {
    const entry = this.#entries[start] as Entry;
    let index = start;
    for (;;) {
      const left = index * 2 + 1;
      if (left >= this.#entries.length) break;
      const right = left + 1;
      const smaller =
        right < this.#entries.length &&
        (this.#entries[right] as Entry).dueAt < (this.#entries[left] as Entry).dueAt
          ? right
          : left;
      const child = this.#entries[smaller] as Entry;
      if (child.dueAt >= entry.dueAt) break;
      this.#put(child, index);
      index = smaller;
    }
    this.#put(entry, index);
  }
}
