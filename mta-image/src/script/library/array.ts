/** Functions on arrays. Those with a callback are routines, since the callback may wait. */
import { shuffled } from "#base/random.ts";

import type { ArrayCursor } from "../array-cursor.ts";
import { BudgetError, Refusal } from "../error.ts";
import type { Key } from "../key.ts";
import { type Value, HslArray, HslFunction, share } from "../value.ts";
import { callback } from "../calls.ts";
import { toText, truthy } from "../convert.ts";
import { EqualSet } from "../equal-set.ts";
import { strictEquals } from "../equality.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { MAX_ITEMS, MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";
import { type Waiting, sorted } from "./sort.ts";

const { array, any, number, string } = parameter;
const fn = parameter.function;

export const arrayFunctions: readonly HostFunction[] = [
  declare({
    name: "array_combine",
    parameters: [array("keys"), array("values"), optional(any("default_value"))],
    returns: "array",
    docs: "An array of the given keys and values in order; missing values are the default.",
    run: (_, keys, values, fallback) => {
      const list = values.values();
      meter.allocate(keys.size * 16);
      return HslArray.from(keys.values().map((key, at) => [key as Key, list[at] ?? fallback ?? null]));
    },
  }),
  declare({
    name: "array_every",
    parameters: [fn("callback"), array("array")],
    returns: "boolean",
    docs: "Whether the callback says true for every item.",
    way: "routine",
    *run(_, test, items) {
      const cursor = walk(items);
      while (cursor.next())
        if (!(isDirect(test) ? truthy(direct(test, cursor)) : yield* says(test, cursor))) return false;
      return true;
    },
  }),
  declare({
    name: "array_filter",
    parameters: [fn("callback"), array("array")],
    returns: "array",
    docs: "The items for which the callback says true, under their keys.",
    way: "routine",
    *run(_, test, items) {
      const kept = new HslArray();
      const cursor = walk(items);
      while (cursor.next()) {
        if (!(isDirect(test) ? truthy(direct(test, cursor)) : yield* says(test, cursor))) continue;
        kept.set(cursor.key, cursor.value);
      }
      return kept;
    },
  }),
  declare({
    name: "array_find",
    parameters: [fn("callback"), array("array")],
    returns: "any",
    docs: "The first item for which the callback says true, or none.",
    way: "routine",
    *run(_, test, items) {
      const cursor = walk(items);
      while (cursor.next())
        if (isDirect(test) ? truthy(direct(test, cursor)) : yield* says(test, cursor))
          return share(cursor.value);
      return null;
    },
  }),
  declare({
    name: "array_includes",
    parameters: [any("needle"), array("array")],
    returns: "boolean",
    docs: "Whether an item is the needle (===), or a function as needle says true for one.",
    way: "routine",
    *run(_, needle, items) {
      if (!(needle instanceof HslFunction)) {
        meter.charge(items.size);
        return items.values().some((item) => strictEquals(item, needle));
      }
      const cursor = walk(items);
      while (cursor.next())
        if (isDirect(needle) ? truthy(direct(needle, cursor)) : yield* says(needle, cursor)) return true;
      return false;
    },
  }),
  declare({
    name: "array_join",
    parameters: [array("array"), optional(string("separator"))],
    returns: "string",
    docs: "The items as text, with the separator in between.",
    run: (_, items, separator) => join(items, separator ?? ""),
  }),
  declare({
    name: "array_keys",
    parameters: [array("array")],
    returns: "array",
    docs: "The keys as a list.",
    run: (_, items) => {
      meter.allocate(items.size * 16);
      return HslArray.of(items.keys());
    },
  }),
  declare({
    name: "array_map",
    parameters: [fn("callback"), array("array")],
    returns: "array",
    docs: "What the callback gives for each item, under the same keys.",
    way: "routine",
    *run(_, change, items) {
      const result = new HslArray();
      const cursor = walk(items);
      if (isDirect(change)) while (cursor.next()) result.set(cursor.key, direct(change, cursor));
      else while (cursor.next()) result.set(cursor.key, yield* callback(change, ...fit(change, cursor)));
      return result;
    },
  }),
  declare({
    name: "array_random",
    parameters: [array("array")],
    returns: "array or none",
    docs: "Key and value of an item by chance; none for an empty array.",
    run: ({ random }, items) => {
      const key = items.keys()[Math.floor(random() * items.size)];
      return key === undefined ? null : HslArray.of([key, items.get(key)]);
    },
  }),
  declare({
    name: "array_range",
    parameters: [number("start"), number("stop"), optional(number("step"))],
    returns: "array",
    docs: "Numbers from start up to but without stop, in steps of 1 or as given, which may be negative.",
    run: (_, start, stop, step) => range(start, stop, step ?? 1),
  }),
  declare({
    name: "array_reduce",
    parameters: [fn("callback"), array("array"), optional(any("initial"))],
    returns: "any",
    docs: "One value out of all: the callback gets what it gave before (at first the initial value, or the first item) and the next item.",
    way: "routine",
    *run(_, combine, items, initial) {
      const values = [...items.values()];
      if (initial === undefined && values.length === 0)
        throw new Refusal("array_reduce() wants an initial value for an empty array");
      let carried: Value = initial === undefined ? (values.shift() as Value) : initial;
      for (const value of values) carried = yield* callback(combine, carried, value);
      return carried;
    },
  }),
  declare({
    name: "array_reverse",
    parameters: [array("array")],
    returns: "array",
    docs: "The items from last to first; number keys are counted anew, string keys stay.",
    run: (_, items) => renumbered([...items.entries()].reverse()),
  }),
  declare({
    name: "array_shuffle",
    parameters: [array("array")],
    returns: "array",
    docs: "The values in an order by chance, as a list.",
    run: ({ random }, items) => HslArray.of(shuffled(items.values(), random)),
  }),
  declare({
    name: "array_sort",
    parameters: [fn("callback"), array("array"), optional(array("options"))],
    returns: "array",
    docs: "The items, under their keys, in the order of the callback, which says whether its first argument comes before its second. Option `keys`: by key.",
    way: "routine",
    *run(_, less, items, options) {
      const byKey = truthy(options?.get("keys") ?? null);
      const part = byKey ? 0 : 1;
      meter.allocate(items.size * ENTRY_BYTES);
      const order = yield* sorted([...items.entries()], function* before(a, b) {
        return truthy(yield* callback(less, a[part], b[part]));
      });
      return HslArray.from(order);
    },
  }),
  declare({
    name: "array_unique",
    parameters: [array("array")],
    returns: "array",
    docs: "Every value once, under the first key it had.",
    run: (_, items) => unique(items),
  }),
];

/** Of a key and a value as a pair. */
const ENTRY_BYTES = 48;

function* says(test: HslFunction, cursor: ArrayCursor<Value>): Waiting<boolean> {
  return truthy(yield* callback(test, ...fit(test, cursor)));
}

/** Callbacks with two parameters get the key too. */
function fit(target: HslFunction, { key, value }: ArrayCursor<Value>): Value[] {
  return target.least > 1 ? [value, key] : [value];
}

/** A walk over the items of now: who writes meanwhile writes to a clone. */
function walk(items: HslArray): ArrayCursor<Value> {
  meter.charge(items.size);
  return share(items).cursor();
}

/** A function that cannot wait is called without a routine around every call, which would be most of the cost. */
function isDirect({ way, least, most }: HslFunction): boolean {
  return way === "plain" && most >= 1 && least <= 2;
}

function direct(target: HslFunction, { key, value }: ArrayCursor<Value>): Value {
  share(value);
  return (target.least > 1 ? target.run(value, key) : target.run(value)) as Value;
}

function renumbered(entries: readonly (readonly [Key, Value])[]): HslArray {
  meter.allocate(entries.length * 16);
  const result = new HslArray();
  for (const [key, value] of entries) {
    if (typeof key === "number") result.push(value);
    else result.set(key, value);
  }
  return result;
}

export function join(items: HslArray, separator: string): string {
  let size = 0;
  meter.charge(items.size);
  const texts = items.values().map((item) => {
    const text = toText(item);
    size += text.length + separator.length;
    if (size > MAX_STRING) throw new BudgetError("a string is too long");
    return text;
  });
  meter.allocate(size);
  return texts.join(separator);
}

function range(start: number, stop: number, step: number): HslArray {
  if (!(step !== 0 && Number.isFinite(start) && Number.isFinite(stop) && Number.isFinite(step)))
    throw new Refusal("array_range() wants numbers and a step that is not 0");
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > MAX_ITEMS) throw new BudgetError("an array has too many items");
  meter.allocate(count * 16);
  const list: number[] = [];
  for (let at = 0; at < count; at++) list.push(start + at * step);
  return new HslArray(list);
}

function unique(items: HslArray): HslArray {
  const kept: [Key, Value][] = [];
  const known = new EqualSet();
  for (const [key, value] of items.entries()) {
    if (known.has(value)) continue;
    known.add(value);
    kept.push([key, value]);
  }
  return HslArray.from(kept);
}
