/**
 * Arrays of the script language as slowly and plainly as they can be written: a Map, copied whole whenever a value is read or
 * stored. What src/script/value.ts does with lists, marks and clones must look like this from a script. Throws Refused where
 * a script gets an exception.
 */
export type ModelValue = null | boolean | number | string | ModelArray;
type Key = number | string;

export class Refused extends Error {}

export class ModelArray {
  readonly items: Map<Key, ModelValue>;
  /** While the keys have always been 0, 1, 2, …, the next one is the number of items: a last item that is removed gives its key back. */
  isList = true;
  next = 0;

  constructor(values: readonly ModelValue[] = []) {
    this.items = new Map(values.map((value, at) => [at, copy(value)]));
  }

  get(key: ModelValue): ModelValue {
    const exact = exactKey(key);
    return exact === null ? null : copy(this.items.get(exact) ?? null);
  }

  set(key: ModelValue, value: ModelValue): void {
    const exact = exactKey(key);
    if (exact === null) throw new Refused();
    if (this.isList && exact === this.items.size) {
      this.append(value);
      return;
    }
    if (!this.items.has(exact)) this.#becomeMap();
    this.items.set(exact, copy(value));
    if (!this.isList && typeof exact === "number") this.next = Math.max(this.next, exact + 1);
  }

  append(value: ModelValue): void {
    const key = this.isList ? this.items.size : this.next;
    this.items.set(key, copy(value));
    if (!this.isList) this.next = key + 1;
  }

  remove(key: ModelValue): void {
    const exact = exactKey(key);
    if (exact === null || !this.items.has(exact)) return;
    if (exact !== this.items.size - 1) this.#becomeMap();
    this.items.delete(exact);
  }

  values(): ModelValue[] {
    return [...this.items.values()].map(copy);
  }

  /** As `...` and `+` do it: numbers are counted anew, texts overwrite. */
  take(other: ModelArray): void {
    for (const [key, value] of other.items) {
      if (typeof key === "number") this.append(value);
      else this.set(key, value);
    }
  }

  /** The array to write to below a key, made when there is none. */
  within(key: ModelValue): ModelArray {
    const exact = exactKey(key);
    const found = exact === null ? null : (this.items.get(exact) ?? null);
    if (found instanceof ModelArray) return found;
    if (found !== null) throw new Refused();
    this.set(key, new ModelArray());
    return this.items.get(exact as Key) as ModelArray;
  }

  #becomeMap(): void {
    if (this.isList) this.next = this.items.size;
    this.isList = false;
  }
}

export function copy(value: ModelValue): ModelValue {
  if (!(value instanceof ModelArray)) return value;
  const result = new ModelArray();
  for (const [key, item] of value.items) result.items.set(key, copy(item));
  result.isList = value.isList;
  result.next = value.next;
  return result;
}

/** As echo prints it within an array. */
export function print(value: ModelValue): string {
  if (value === null) return "none";
  if (typeof value === "string") return `"${value}"`;
  if (!(value instanceof ModelArray)) return String(value);
  const items = [...value.items].map(([key, item]) => `${print(key)}=>${print(item)}`);
  return `[${items.join(",")}]`;
}

function exactKey(key: ModelValue): Key | null {
  if (typeof key === "boolean") return Number(key);
  if (typeof key === "number") return Math.trunc(key) + 0;
  if (typeof key !== "string") return null;
  return /^(0|-?[1-9]\d{0,14})$/.test(key) ? Number(key) : key;
}
