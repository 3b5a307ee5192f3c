/**
 * Arrays: ordered maps from numbers or texts to values. Keys 0, 1, 2, … in order are kept as a plain list, anything
 * else as a Map. `shared` says that more than one holder may exist; `own` gives the array to write to.
 * Stored items are marked as shared by `set` and `push`; `put` and `add` are for values that nobody else holds.
 * Throws a Refusal for keys that are no keys and a BudgetError beyond MAX_ITEMS.
 */
import { BudgetError, Refusal } from "./error.ts";
import { MAX_ITEMS } from "./limits.ts";
import { meter } from "./meter.ts";
import { type Value, share } from "./value.ts";

export type Key = number | string;

export class HslArray {
  shared = false;
  #list: Value[] | null;
  #map: Map<Key, Value> | null = null;
  /** The key of the next append, in map form. */
  #next = 0;

  constructor(list: Value[] = []) {
    this.#list = list;
  }

  static from(entries: Iterable<readonly [Key, Value]>): HslArray {
    const array = new HslArray();
    for (const [key, value] of entries) array.set(key, value);
    return array;
  }

  /** Keeps the list: the caller gives it away. Items are marked as shared. */
  static of(list: Value[]): HslArray {
    for (const value of list) share(value);
    return new HslArray(list);
  }

  get size(): number {
    return this.#list !== null ? this.#list.length : (this.#map as Map<Key, Value>).size;
  }

  get(key: Value): Value {
    if (typeof key === "number" && this.#list !== null) {
      const value = this.#list[key];
      if (value !== undefined) return value;
    }
    const exact = keyOf(key);
    if (exact === null) return null;
    if (this.#list !== null) return typeof exact === "number" ? (this.#list[exact] ?? null) : null;
    return (this.#map as Map<Key, Value>).get(exact) ?? null;
  }

  has(key: Value): boolean {
    const exact = keyOf(key);
    if (exact === null) return false;
    if (this.#list !== null) return typeof exact === "number" && exact >= 0 && exact < this.#list.length;
    return (this.#map as Map<Key, Value>).has(exact);
  }

  set(key: Value, value: Value): void {
    this.put(key, share(value));
  }

  put(key: Value, value: Value): void {
    const list = this.#list;
    if (list !== null && typeof key === "number" && key >= 0 && key < list.length && Number.isInteger(key)) {
      list[key] = value;
      return;
    }
    const exact = keyOf(key);
    if (exact === null) throw new Refusal("an array key is a number or a string");
    if (list !== null) {
      if (exact === list.length) return this.add(value);
      if (typeof exact === "number" && exact >= 0 && exact < list.length) {
        list[exact] = value;
        return;
      }
    }
    const map = this.#asMap();
    map.set(exact, value);
    if (map.size > MAX_ITEMS) tooMany();
    if (typeof exact === "number" && exact >= this.#next) this.#next = exact + 1;
  }

  push(value: Value): void {
    this.add(share(value));
  }

  add(value: Value): void {
    if (this.#list !== null) {
      if (this.#list.push(value) > MAX_ITEMS) tooMany();
    } else {
      (this.#map as Map<Key, Value>).set(this.#next++, value);
      if ((this.#map as Map<Key, Value>).size > MAX_ITEMS) tooMany();
    }
  }

  delete(key: Value): void {
    const exact = keyOf(key);
    if (exact === null || !this.has(exact)) return;
    if (this.#list !== null && exact === this.#list.length - 1) this.#list.pop();
    else this.#asMap().delete(exact);
  }

  /** This array when nobody else holds it, otherwise a clone to write to. */
  own(): HslArray {
    return this.shared ? this.clone() : this;
  }

  clone(): HslArray {
    meter.allocate(this.size * 16);
    const copy = new HslArray();
    if (this.#list !== null) {
      copy.#list = this.#list.slice();
      for (const value of this.#list) if (typeof value === "object") share(value);
    } else {
      copy.#list = null;
      copy.#map = new Map(this.#map);
      copy.#next = this.#next;
      for (const value of (this.#map as Map<Key, Value>).values()) share(value);
    }
    return copy;
  }

  /** True when the keys are 0, 1, 2, … in order. */
  isList(): boolean {
    if (this.#list !== null) return true;
    let at = 0;
    for (const key of (this.#map as Map<Key, Value>).keys()) if (key !== at++) return false;
    return true;
  }

  keys(): Key[] {
    return this.#list !== null ? [...this.#list.keys()] : [...(this.#map as Map<Key, Value>).keys()];
  }

  /** Only to be read; not a copy where that can be avoided. */
  values(): readonly Value[] {
    return this.#list ?? [...(this.#map as Map<Key, Value>).values()];
  }

  entries(): IterableIterator<[Key, Value]> {
    return this.#list !== null ? this.#list.entries() : (this.#map as Map<Key, Value>).entries();
  }

  cursor(): ArrayCursor {
    return new ArrayCursor(this.#list, this.#map);
  }

  #asMap(): Map<Key, Value> {
    if (this.#map === null) {
      meter.allocate(this.size * 16);
      this.#map = new Map((this.#list as Value[]).entries());
      this.#next = (this.#list as Value[]).length;
      this.#list = null;
    }
    return this.#map;
  }
}

/** Walks over the items that were there when it was made; the array must be marked as shared meanwhile. */
export class ArrayCursor {
  key: Value = null;
  value: Value = null;
  readonly #list: readonly Value[] | null;
  readonly #entries: Iterator<[Key, Value]> | null;
  #at = 0;

  constructor(list: readonly Value[] | null, map: ReadonlyMap<Key, Value> | null) {
    this.#list = list;
    this.#entries = list === null && map !== null ? map.entries() : null;
  }

  next(): boolean {
    if (this.#list !== null) {
      if (this.#at >= this.#list.length) return false;
      this.key = this.#at;
      this.value = this.#list[this.#at++] as Value;
      return true;
    }
    const step = (this.#entries as Iterator<[Key, Value]>).next();
    if (step.done === true) return false;
    [this.key, this.value] = step.value;
    return true;
  }
}

/** The key a value stands for: whole numbers and their texts are one key, fractions are cut; null is no key. */
export function keyOf(value: Value): Key | null {
  if (typeof value === "number") {
    if (Number.isInteger(value)) return value === 0 ? 0 : value;
    return Number.isFinite(value) ? Math.trunc(value) + 0 : null;
  }
  if (typeof value === "string") return isWhole(value) ? Number(value) : value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return null;
}

/** Exactly the texts that whole numbers print as. */
function isWhole(text: string): boolean {
  const first = text.charCodeAt(0);
  if (text.length === 0 || text.length > 16 || !(first === 45 || (first >= 48 && first <= 57))) return false;
  const number = Number(text);
  return Number.isSafeInteger(number) && String(number) === text;
}

function tooMany(): never {
  throw new BudgetError("an array has too many items");
}
