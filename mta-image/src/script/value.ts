/**
 * The values of HSL. none is null, numbers are doubles, a string is bytes (one character each, never above 0xff);
 * everything else is one of the classes below. Arrays are values: whoever keeps a second reference calls `share`
 * first, and whoever writes to a shared one writes to a clone (`HslArray.own`). They throw a Refusal for keys that
 * are no keys and a BudgetError beyond MAX_ITEMS.
 */
import { ArrayCursor } from "./array-cursor.ts";
import { BudgetError, Refusal } from "./error.ts";
import { type Key, keyOf } from "./key.ts";
import { ITEMS_BLOCK, MAX_ITEMS } from "./limits.ts";
import { meter } from "./meter.ts";

/** What an empty array takes, and what each item adds, on 64 bits. */
const ARRAY_BYTES = 96;
const LIST_ITEM_BYTES = 8;
const MAP_ITEM_BYTES = 40;
/** A longer list that comes as a whole is paid for at once, with steps: one call may make very many. */
const LONG_LIST = 64;

/** Of arrays that are about to have something else in its place. */
const none: Value[] = [];

export type Value = null | boolean | number | string | HslArray | Reference;

/** Values with an identity. */
export type Reference = HslFunction | Instance | HostObject | HslIterator;

/** How control comes back from something that may wait: yields promises, and null to let others have a turn. */
export type Routine = Generator<PromiseLike<Value> | null | Item, Value, Resumed>;
/** What a routine is resumed with after a promise. */
export type Resumed = { readonly value: Value } | { readonly error: unknown };

/** What calling a function gives, see HslFunction.way. */
export type Called = Value | PromiseLike<Value> | Routine;

/** Says that a value now has a second holder. Cheap, and a no-op for everything but arrays. */
export function share<T extends Value>(value: T): T {
  if (typeof value === "object" && value !== null) (value as { shared: boolean }).shared = true;
  return value;
}

/** Items under words that are no values yet, see fields.ts. */
export interface Unmade {
  get(key: string): Value;
  map(): Map<Key, Value>;
}

/**
 * Ordered maps from numbers or texts to values. Keys 0, 1, 2, … in order are kept as a plain list, anything else as a
 * Map. `shared` says that more than one holder may exist; `own` gives the array to write to. Stored items are marked
 * as shared by `set` and `push`; `put` and `add` are for values that nobody else holds.
 */
export class HslArray {
  shared = false;
  /**
   * The items while they are a list, without holes; null in map form. Only compiled code looks at it from outside (emit-items.ts), and
   * changes it within these bounds: items that are there are replaced, and one is appended where `isBlockFull` is false.
   */
  list: Value[] | null;
  /** Null in list form, and while there are fields. */
  #map: Map<Key, Value> | null = null;
  #fields: Unmade | null = null;
  /** The key of the next append, in map form. */
  #next = 0;

  constructor(list: Value[] = []) {
    meter.bytes += ARRAY_BYTES;
    if (list.length > LONG_LIST) meter.allocate(list.length * LIST_ITEM_BYTES);
    else meter.bytes += list.length * LIST_ITEM_BYTES;
    this.list = list;
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

  /** Keeps the fields: the caller gives them away. */
  static record(fields: Unmade): HslArray {
    const array = new HslArray(none);
    array.list = null;
    array.#fields = fields;
    return array;
  }

  /** Items that are there already: what is made when one looks counts for nothing. */
  get weight(): number {
    return this.list?.length ?? this.#map?.size ?? 0;
  }

  /** What its items are made of, until somebody has walked over it or written to it. */
  get unmade(): Unmade | null {
    return this.#fields;
  }

  get size(): number {
    return this.list !== null ? this.list.length : this.#asMap().size;
  }

  get(key: Value): Value {
    if (typeof key === "number" && this.list !== null) {
      const value = this.list[key];
      if (value !== undefined) return value;
    }
    const exact = keyOf(key);
    if (exact === null) return null;
    if (this.list !== null) return typeof exact === "number" ? (this.list[exact] ?? null) : null;
    if (this.#fields !== null) return typeof exact === "string" ? this.#fields.get(exact) : null;
    return this.#asMap().get(exact) ?? null;
  }

  has(key: Value): boolean {
    const exact = keyOf(key);
    if (exact === null) return false;
    if (this.list !== null) return typeof exact === "number" && exact >= 0 && exact < this.list.length;
    return this.#asMap().has(exact);
  }

  set(key: Value, value: Value): void {
    this.put(key, share(value));
  }

  put(key: Value, value: Value): void {
    const list = this.list;
    if (list !== null && typeof key === "number" && key >= 0 && key < list.length && Number.isInteger(key)) {
      list[key] = value;
      return;
    }
    if (list !== null && key === list.length) return this.add(value);
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
    const before = map.size;
    if (isBlockFull(before) && !map.has(exact)) grow(before, MAP_ITEM_BYTES);
    map.set(exact, value);
    if (before < ITEMS_BLOCK && map.size > before) payFirst(before);
    if (typeof exact === "number" && exact >= this.#next) this.#next = exact + 1;
  }

  push(value: Value): void {
    this.add(share(value));
  }

  add(value: Value): void {
    if (this.list !== null) {
      if (isBlockFull(this.list.length)) grow(this.list.length, LIST_ITEM_BYTES);
      this.list.push(value);
    } else {
      const map = this.#asMap();
      // Beyond it a number and the next one are the same: what stands there would be lost.
      if (this.#next > Number.MAX_SAFE_INTEGER)
        throw new Refusal("nothing can be appended to an array behind the greatest whole number");
      if (isBlockFull(map.size)) grow(map.size, MAP_ITEM_BYTES);
      map.set(this.#next++, value);
    }
  }

  delete(key: Value): void {
    const exact = keyOf(key);
    if (exact === null || !this.has(exact)) return;
    if (this.list !== null && exact === this.list.length - 1) this.list.pop();
    else this.#asMap().delete(exact);
  }

  /** This array when nobody else holds it, otherwise a clone to write to. */
  own(): HslArray {
    return this.shared ? this.clone() : this;
  }

  clone(): HslArray {
    meter.allocate(this.size * 16);
    const copy = new HslArray();
    if (this.list !== null) {
      copy.list = this.list.slice();
      for (const value of this.list) if (typeof value === "object") share(value);
    } else {
      const map = this.#asMap();
      copy.list = null;
      copy.#map = new Map(map);
      copy.#next = this.#next;
      for (const value of map.values()) share(value);
    }
    return copy;
  }

  /** True when the keys are 0, 1, 2, … in order. */
  isList(): boolean {
    if (this.list !== null) return true;
    let at = 0;
    for (const key of this.#asMap().keys()) if (key !== at++) return false;
    return true;
  }

  keys(): Key[] {
    return this.list !== null ? [...this.list.keys()] : [...this.#asMap().keys()];
  }

  /** Only to be read; not a copy where that can be avoided. */
  values(): readonly Value[] {
    return this.list ?? [...this.#asMap().values()];
  }

  entries(): IterableIterator<[Key, Value]> {
    return this.list !== null ? this.list.entries() : this.#asMap().entries();
  }

  cursor(): ArrayCursor<Value> {
    return new ArrayCursor(this.list, this.list === null ? this.#asMap() : null);
  }

  #asMap(): Map<Key, Value> {
    return this.#map ?? this.#newMap();
  }

  #newMap(): Map<Key, Value> {
    const { list } = this;
    if (list === null) {
      this.#map = (this.#fields as Unmade).map();
      this.#fields = null;
    } else {
      meter.allocate(list.length * 16);
      this.#map = list.length === 0 ? new Map() : new Map(list.entries());
      this.#next = list.length;
      this.list = null;
    }
    return this.#map;
  }
}

/** Arguments of a call of a value that compiled code passes by itself. */
export const MOST_DIRECT = 3;

/** A function as a value: of a script, or of the host. */
export class HslFunction {
  shared = false;
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** `plain` gives its value at once, `promise` may give a promise, `routine` must be driven. */
  readonly way: "plain" | "promise" | "routine";
  readonly run: (...args: Value[]) => Called;
  /** Bit n says that `run` takes n arguments, up to MOST_DIRECT, and gives a value at once: one look for compiled code. */
  readonly direct: number;

  constructor(name: string, least: number, most: number, way: HslFunction["way"], run: HslFunction["run"]) {
    this.name = name;
    this.least = least;
    this.most = most;
    this.way = way;
    this.run = run;
    this.direct = way === "plain" ? directCounts(least, most) : 0;
  }
}

function directCounts(least: number, most: number): number {
  return least > MOST_DIRECT ? 0 : (2 << Math.min(most, MOST_DIRECT)) - (1 << least);
}

export type Access = "public" | "private" | "readonly";

/** A class written in HSL. `props` are names with the prefix that keeps them apart from JavaScript's own. */
export class ScriptClass {
  readonly name: string;
  readonly access = new Map<string, Access>();
  readonly methods = new Map<string, HslFunction>();

  constructor(name: string) {
    this.name = name;
  }
}

export class Instance {
  shared = false;
  readonly cls: ScriptClass;
  readonly props: Record<string, Value>;

  constructor(cls: ScriptClass, props: Record<string, Value>) {
    this.cls = cls;
    this.props = props;
  }
}

/** What an object says of its class; `classOf` in host.ts gives the whole of it. */
interface ObjectClass {
  readonly name: string;
}

/** An object of the host: `state` is the class's own business. A resource is one whose class has no methods. */
export class HostObject {
  shared = false;
  readonly cls: ObjectClass;
  readonly state: unknown;

  constructor(cls: ObjectClass, state: unknown) {
    this.cls = cls;
    this.state = state;
  }
}

/** What a generator function yields to its foreach, as opposed to a promise it waits for. */
export class Item {
  readonly key: Value;
  readonly value: Value;

  constructor(key: Value, value: Value) {
    this.key = key;
    this.value = value;
  }
}

/** A running generator function, or the host's entries of a Map. Yields items, and promises in between. */
export class HslIterator {
  shared = false;
  readonly routine: Routine;

  constructor(routine: Routine) {
    this.routine = routine;
  }
}

/** Items are paid for a block at a time. */
function isBlockFull(size: number): boolean {
  return (size & (ITEMS_BLOCK - 1)) === 0;
}

/** Pays for an item within the first block, where most arrays end: alone, or from some size on with those of as many again. */
function payFirst(before: number): void {
  if (before < LONG_LIST) meter.bytes += MAP_ITEM_BYTES;
  else if ((before & (before - 1)) === 0) meter.allocate(before * MAP_ITEM_BYTES);
}

/** Pays for the next block of an array that has some. */
function grow(size: number, itemBytes: number): void {
  if (size === 0) return;
  if (size >= MAX_ITEMS) throw new BudgetError("an array has too many items");
  meter.allocate(ITEMS_BLOCK * itemBytes);
}
