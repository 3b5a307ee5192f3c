/** What waits for its time, the earliest first: a binary heap with removal from the middle, O(log n) each. */

export interface Timed {
  /** Wall-clock ms. */
  dueAt: number;
  /** Place in the heap, -1 outside. */
  heapIndex: number;
}

export class DueHeap<T extends Timed> {
  readonly #entries: T[] = [];

  get size(): number {
    return this.#entries.length;
  }

  peek(): T | undefined {
    return this.#entries[0];
  }

  add(entry: T): void {
    this.#entries.push(entry);
    this.#up(this.#entries.length - 1);
  }

  /** Does nothing for an entry that is not in the heap. */
  remove(entry: T): void {
    const index = entry.heapIndex;
    if (index === -1) return;
    const last = this.#entries.pop() as T;
    entry.heapIndex = -1;
    if (last === entry) return;
    this.#put(last, index);
    this.#up(index);
    this.#down(last.heapIndex);
  }

  /** Gives each entry another time. */
  retime(timeOf: (entry: T) => number): void {
    for (const entry of this.#entries) entry.dueAt = timeOf(entry);
    for (let index = (this.#entries.length >> 1) - 1; index >= 0; index--) this.#down(index);
  }

  #put(entry: T, index: number): void {
    this.#entries[index] = entry;
    entry.heapIndex = index;
  }

  #up(start: number): void {
    const entry = this.#entries[start] as T;
    let index = start;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#entries[above] as T;
      if (parent.dueAt <= entry.dueAt) break;
      this.#put(parent, index);
      index = above;
    }
    this.#put(entry, index);
  }

  #down(start: number): void {
    const entry = this.#entries[start] as T;
    let index = start;
    for (;;) {
      const left = index * 2 + 1;
      if (left >= this.#entries.length) break;
      const right = left + 1;
      const smaller =
        right < this.#entries.length && (this.#entries[right] as T).dueAt < (this.#entries[left] as T).dueAt
          ? right
          : left;
      const child = this.#entries[smaller] as T;
      if (child.dueAt >= entry.dueAt) break;
      this.#put(child, index);
      index = smaller;
    }
    this.#put(entry, index);
  }
}
