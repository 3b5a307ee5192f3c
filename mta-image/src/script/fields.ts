/**
 * The items of an array whose keys are words, as a plain object, until somebody walks over them or writes: of most that
 * scripts are shown they ask for one thing or two, or for nothing. An item becomes a value when it is looked at, once.
 * Pure.
 */
import type { Key } from "./key.ts";
import { type Value, share } from "./value.ts";

/** By word; what is undefined is left out. */
export type FieldItems<T> = Readonly<Record<string, T | Value | undefined>>;

export class Fields<T> {
  #items: Record<string, T | Value | undefined> | (() => FieldItems<T>);
  readonly #made: (item: T | Value) => Value;

  /** Takes the object, or what a function gives when somebody looks, for itself. `made` gives back what is a value already. */
  constructor(items: FieldItems<T> | (() => FieldItems<T>), made: (item: T | Value) => Value) {
    this.#items = items;
    this.#made = made;
  }

  get(key: string): Value {
    const items = this.#all();
    return Object.hasOwn(items, key) ? this.#value(items, key) : null;
  }

  /** As it would have been from the beginning. */
  map(): Map<Key, Value> {
    const items = this.#all();
    const map = new Map<Key, Value>();
    for (const key in items) if (items[key] !== undefined) map.set(key, this.#value(items, key));
    return map;
  }

  #value(items: Record<string, T | Value | undefined>, key: string): Value {
    const item = items[key];
    if (item === undefined || item === null) return null;
    if (typeof item !== "object" && typeof item !== "function") return item as Value;
    const value = share(this.#made(item));
    items[key] = value;
    return value;
  }

  #all(): Record<string, T | Value | undefined> {
    if (typeof this.#items === "function") this.#items = this.#items();
    return this.#items;
  }
}
