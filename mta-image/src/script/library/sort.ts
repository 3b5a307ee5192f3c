/**
 * Merge sort with a comparison that may wait, which the sort of JavaScript cannot. A comparison that contradicts
 * itself gives some order and nothing worse.
 */
import { meter } from "../meter.ts";
import type { Item, Resumed, Value } from "../value.ts";

/** A routine that ends with something else than a value. */
export type Waiting<R> = Generator<PromiseLike<Value> | null | Item, R, Resumed>;

export function* sorted<T>(items: readonly T[], before: (a: T, b: T) => Waiting<boolean>): Waiting<T[]> {
  if (items.length < 2) return [...items];
  meter.allocate(items.length * 8);
  const middle = items.length >> 1;
  const left = yield* sorted(items.slice(0, middle), before);
  const right = yield* sorted(items.slice(middle), before);
  const merged: T[] = [];
  let [l, r] = [0, 0];
  while (l < left.length && r < right.length) {
    if (yield* before(right[r] as T, left[l] as T)) merged.push(right[r++] as T);
    else merged.push(left[l++] as T);
  }
  return [...merged, ...left.slice(l), ...right.slice(r)];
}
