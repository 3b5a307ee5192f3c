/**
 * Equality and order. `==` of two types is that of the language's manual: none equals only none, a boolean the truth of
 * the other side (of a number: as 1 and 0), a number the number that a text is (0 when it is none) or the truth of
 * anything else. Arrays are compared by keys and items in any order. `===` wants the same type and, for arrays, the same
 * order. Objects are equal to themselves only.
 */
import { BudgetError } from "./error.ts";
import { type Value, HslArray } from "./value.ts";
import { numericText, radixNumber, toText, truthy } from "./convert.ts";
import { MAX_NESTING } from "./limits.ts";
import { meter } from "./meter.ts";

/** Texts that long are paid for when they are compared. */
const LONG = 1024;

/** The same number, text, truth or object. */
export function isIdentical(a: Value, b: Value): boolean {
  if (typeof a === "string" && a.length > LONG && typeof b === "string" && a.length === b.length)
    meter.charge(a.length >> 6);
  return a === b;
}

export function looseEquals(a: Value, b: Value, depth = 0): boolean {
  if (isIdentical(a, b)) return true;
  if (a instanceof HslArray && b instanceof HslArray) return sameItems(a, b, depth);
  if (a === null || b === null || typeof a === typeof b) return false;
  if (typeof a === "number") return numberEquals(a, b);
  if (typeof b === "number") return numberEquals(b, a);
  if (typeof a === "boolean") return a === truthy(b);
  return typeof b === "boolean" && b === truthy(a);
}

function numberEquals(a: number, b: Exclude<Value, null>): boolean {
  if (typeof b === "string") return a === (numericText(b) ?? radixNumber(b) ?? 0);
  return a === Number(typeof b === "boolean" ? b : truthy(b));
}

export function strictEquals(a: Value, b: Value, depth = 0): boolean {
  if (isIdentical(a, b)) return true;
  if (!(a instanceof HslArray && b instanceof HslArray) || a.size !== b.size) return false;
  goDown(depth, a.size);
  const others = b.entries();
  for (const [key, value] of a.entries()) {
    const [otherKey, otherValue] = others.next().value as [Value, Value];
    if (key !== otherKey || !strictEquals(value, otherValue, depth + 1)) return false;
  }
  return true;
}

/** Negative, zero or positive; NaN when the two have no order. Two texts compare by bytes. */
export function compare(a: Value, b: Value): number {
  if (typeof a === "string" && typeof b === "string") {
    const shorter = Math.min(a.length, b.length);
    if (shorter > LONG) meter.charge(shorter >> 5);
    return a < b ? -1 : a > b ? 1 : 0;
  }
  if (a instanceof HslArray && b instanceof HslArray) return a.size - b.size;
  if (a === null || b === null || typeof a === "object" || typeof b === "object") return Number.NaN;
  const [x, y] = [scalarNumber(a), scalarNumber(b)];
  if (x !== undefined && y !== undefined) return x - y;
  const [left, right] = [toText(a), toText(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function sameItems(a: HslArray, b: HslArray, depth: number): boolean {
  if (a.size !== b.size) return false;
  goDown(depth, a.size);
  for (const [key, value] of a.entries())
    if (!b.has(key) || !looseEquals(value, b.get(key), depth + 1)) return false;
  return true;
}

function scalarNumber(value: boolean | number | string): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "boolean" ? Number(value) : numericText(value);
}

function goDown(depth: number, size: number): void {
  if (depth > MAX_NESTING) throw new BudgetError("arrays are nested too deeply to compare");
  meter.charge(size);
}
