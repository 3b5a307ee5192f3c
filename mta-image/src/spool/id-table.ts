/**
 * Values by their id, in order of arrival, for millions of them: the ids are asked of the values, which may know how to
 * spell theirs, so that none is kept here. A value costs about 20 bytes; a Map would cost 30 and a text for each id, and
 * ends at 2^24. Values may come and go while somebody walks: who was there is met once, who comes late is met too.
 *
 * Inside: values and the hashes of their ids side by side, with holes where some went, and slots that say where each
 * is, found by hash and the next free one. When the places are used up, holes go and the table grows if it must.
 */
const SMALLEST = 64;
/** Of the slots; the rest stays free, so that looking for what is not there ends soon. */
const MOST_USED = 0.75;
const EMPTY = 0;
const HASHED = 12;

interface Cursor {
  at: number;
}

export class IdTable<V extends { readonly id: string }> {
  #values: (V | undefined)[] = [];
  #hashes = new Int32Array(SMALLEST * MOST_USED);
  /** Places in `#values` plus one. */
  #slots = new Int32Array(SMALLEST);
  #size = 0;
  readonly #cursors = new Set<Cursor>();

  get size(): number {
    return this.#size;
  }

  get(id: string): V | undefined {
    const place = this.#find(id, hashOf(id));
    return place === -1 ? undefined : this.#values[place];
  }

  /** Behind all others, in place of one with the same id. */
  add(value: V): void {
    const { id } = value;
    const hash = hashOf(id);
    const known = this.#find(id, hash);
    if (known !== -1) this.#remove(known);
    if (this.#values.length === this.#hashes.length) this.#tidy();
    const place = this.#values.push(value) - 1;
    this.#hashes[place] = hash;
    this.#claim(place);
    this.#size++;
  }

  delete(id: string): boolean {
    const place = this.#find(id, hashOf(id));
    if (place === -1) return false;
    this.#remove(place);
    return true;
  }

  #remove(place: number): void {
    this.#values[place] = undefined;
    this.#size--;
  }

  *values(): Generator<V> {
    const cursor: Cursor = { at: 0 };
    this.#cursors.add(cursor);
    try {
      while (cursor.at < this.#values.length) {
        const value = this.#values[cursor.at++];
        if (value !== undefined) yield value;
      }
    } finally {
      this.#cursors.delete(cursor);
    }
  }

  #find(id: string, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const place = (this.#slots[slot] as number) - 1;
      if (place === EMPTY - 1) return -1;
      if (this.#hashes[place] === hash && this.#values[place]?.id === id) return place;
    }
  }

  #claim(place: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#hashes[place] as number) & mask;
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.#slots[slot] = place + 1;
  }

  /** Closes the holes, with as many slots as leave at least a quarter of the places to those who come. */
  #tidy(): void {
    let slots = SMALLEST;
    while (this.#size > slots * MOST_USED * MOST_USED) slots *= 2;
    const [before, hashesBefore] = [this.#values, this.#hashes];
    const values: V[] = [];
    const hashes = new Int32Array(slots * MOST_USED);
    const met = [...this.#cursors].map((cursor) => ({ cursor, at: cursor.at }));
    for (let place = 0; place < before.length; place++) {
      for (const { cursor, at } of met) if (at === place) cursor.at = values.length;
      const value = before[place];
      if (value === undefined) continue;
      hashes[values.length] = hashesBefore[place] as number;
      values.push(value);
    }
    for (const { cursor, at } of met) if (at >= before.length) cursor.at = values.length;
    this.#values = values;
    this.#hashes = hashes;
    this.#slots = new Int32Array(slots);
    for (let place = 0; place < values.length; place++) this.#claim(place);
  }
}

/** FNV-1a of the last characters, in which ids differ, then mixed. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = Math.max(0, id.length - HASHED); at < id.length; at++)
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) | 0;
}
