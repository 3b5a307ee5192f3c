/**
 * Walks over the items that an array had when the cursor was made; the array must be marked as shared meanwhile, so
 * that whoever writes to it writes to a clone. Made by `HslArray.cursor`, read by foreach and the library.
 */
import type { Key } from "./key.ts";

export class ArrayCursor<Item> {
  key: Key | null = null;
  value: Item | null = null;
  readonly #list: readonly Item[] | null;
  readonly #entries: Iterator<[Key, Item]> | null;
  #at = 0;

  constructor(list: readonly Item[] | null, map: ReadonlyMap<Key, Item> | null) {
    this.#list = list;
    this.#entries = list === null && map !== null ? map.entries() : null;
  }

  next(): boolean {
    if (this.#list !== null) {
      if (this.#at >= this.#list.length) return false;
      this.key = this.#at;
      this.value = this.#list[this.#at++] as Item;
      return true;
    }
    const step = (this.#entries as Iterator<[Key, Item]>).next();
    if (step.done === true) return false;
    [this.key, this.value] = step.value;
    return true;
  }
}
