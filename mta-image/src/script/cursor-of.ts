/** What foreach walks over: arrays, iterators, Map and Set, members of objects. Throws a Refusal for other values. */
import { ArrayCursor } from "./array-cursor.ts";
import { Refusal } from "./error.ts";
import {
  type Resumed,
  type Routine,
  type Value,
  HostObject,
  HslArray,
  HslIterator,
  Instance,
  Item,
} from "./value.ts";
import { now } from "./calls.ts";
import { typeName } from "./convert.ts";

/** Host objects that can be walked over have a state with this method. */
export interface Walkable {
  entries(): Iterable<readonly [Value, Value]>;
}

export type Cursor = ArrayCursor<Value> | IteratorCursor | EntriesCursor;

export function cursor(value: Value, mark: boolean): Cursor {
  if (value instanceof HslArray) {
    if (mark) value.shared = true;
    return value.cursor();
  }
  if (value === null) return new ArrayCursor([], null);
  if (value instanceof HslIterator) return new IteratorCursor(value.routine);
  if (value instanceof Instance) return new EntriesCursor(publicMembers(value));
  if (value instanceof HostObject && isWalkable(value.state)) return new EntriesCursor(value.state.entries());
  throw new Refusal(`foreach cannot walk over ${typeName(value)}`);
}

/** The items of a list, which stay as they are while it is walked over; null for anything else. */
export function listOf(value: Value, mark: boolean): readonly Value[] | null {
  if (!(value instanceof HslArray) || value.list === null) return null;
  if (mark) value.shared = true;
  return value.list;
}

export function nextNow(at: Cursor): boolean {
  const more = at.next();
  return typeof more === "boolean" ? more : now(more) === true;
}

function isWalkable(state: unknown): state is Walkable {
  return typeof state === "object" && state !== null && "entries" in state;
}

function publicMembers(object: Instance): [Value, Value][] {
  return Object.entries(object.props)
    .map(([name, value]): [string, Value] => [name.slice(1), value])
    .filter(([name]) => object.cls.access.get(name) !== "private");
}

class EntriesCursor {
  key: Value = null;
  value: Value = null;
  readonly #entries: Iterator<readonly [Value, Value]>;

  constructor(entries: Iterable<readonly [Value, Value]>) {
    this.#entries = [...entries][Symbol.iterator]();
  }

  next(): boolean {
    const step = this.#entries.next();
    if (step.done === true) return false;
    [this.key, this.value] = step.value;
    return true;
  }
}

/** Waits for promises on the way to the next item. */
class IteratorCursor {
  key: Value = null;
  value: Value = null;
  readonly #routine: Routine;
  #count = 0;

  constructor(routine: Routine) {
    this.#routine = routine;
  }

  *next(): Routine {
    let resumed: Resumed = { value: null };
    for (;;) {
      const step = this.#routine.next(resumed);
      if (step.done === true) return false;
      if (step.value instanceof Item) {
        this.key = step.value.key ?? this.#count;
        this.value = step.value.value;
        this.#count += 1;
        return true;
      }
      resumed = yield step.value;
    }
  }
}
