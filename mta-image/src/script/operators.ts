/**
 * The operators as compiled code calls them. Numbers take the first line of each; the rest is for the other types.
 * Throw a Refusal for operands that make no sense, a BudgetError when a result would be too large.
 */
import { BudgetError, Refusal } from "./error.ts";
import { type Value, HslArray, share } from "./value.ts";
import { numericText, toNumber, toText, typeName } from "./convert.ts";
import { EqualSet } from "./equal-set.ts";
import { compare } from "./equality.ts";
import { format } from "./format.ts";
import { MAX_STRING } from "./limits.ts";
import { meter } from "./meter.ts";

export function add(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (a instanceof HslArray) return b instanceof HslArray ? merge(a, b) : merge(a, HslArray.of([b]));
  // Public scripts join bytes with +; two numeric texts are still a sum.
  const isJoin =
    typeof a === "string" &&
    typeof b === "string" &&
    (numericText(a) === undefined || numericText(b) === undefined);
  if (isJoin) return join(a, b);
  return numeric("+", a, b, (x, y) => x + y);
}

export function subtract(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a instanceof HslArray) return without(a, b);
  return numeric("-", a, b, (x, y) => x - y);
}

export function multiply(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (typeof a === "number" && (typeof b === "string" || b instanceof HslArray)) return repeat(b, a);
  if (typeof b === "number" && (typeof a === "string" || a instanceof HslArray)) return repeat(a, b);
  return numeric("*", a, b, (x, y) => x * y);
}

export function divide(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a / b;
  return numeric("/", a, b, (x, y) => x / y);
}

export function modulo(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a % b;
  if (typeof a === "string") return format(a, b instanceof HslArray ? b : HslArray.of([b]));
  return numeric("%", a, b, (x, y) => x % y);
}

export function power(a: Value, b: Value): Value {
  return numeric("**", a, b, (x, y) => x ** y);
}

export function concat(a: Value, b: Value): string {
  return join(typeof a === "string" ? a : toText(a), typeof b === "string" ? b : toText(b));
}

/** A text of so many bytes is copied, when somebody reads it, in a time that counts. */
const LONG = 1 << 16;

/** V8 joins texts without copying, so only the shorter one is charged; the copy comes with the first look at the whole. */
function join(a: string, b: string): string {
  const shorter = Math.min(a.length, b.length);
  const size = a.length + b.length;
  if (shorter > 256) meter.allocate(shorter);
  if (size > LONG) meter.hurry(size >> 10);
  if (size > MAX_STRING) throw new BudgetError("a string is too long");
  return a + b;
}

export function bitAnd(a: Value, b: Value): Value {
  return bits("&", a, b, (x, y) => x & y);
}
export function bitOr(a: Value, b: Value): Value {
  return bits("|", a, b, (x, y) => x | y);
}
export function bitXor(a: Value, b: Value): Value {
  return bits("^", a, b, (x, y) => x ^ y);
}
export function shiftLeft(a: Value, b: Value): Value {
  return bits("<<", a, b, (x, y) => x << y);
}
export function shiftRight(a: Value, b: Value): Value {
  return bits(">>", a, b, (x, y) => x >> y);
}
export function shiftRightZero(a: Value, b: Value): Value {
  return numeric(">>>", a, b, (x, y) => wrap(x) >>> wrap(y));
}

export function less(a: Value, b: Value): boolean {
  return typeof a === "number" && typeof b === "number" ? a < b : compare(a, b) < 0;
}
export function greater(a: Value, b: Value): boolean {
  return typeof a === "number" && typeof b === "number" ? a > b : compare(a, b) > 0;
}
export function lessOrEqual(a: Value, b: Value): boolean {
  return typeof a === "number" && typeof b === "number" ? a <= b : compare(a, b) <= 0;
}
export function greaterOrEqual(a: Value, b: Value): boolean {
  return typeof a === "number" && typeof b === "number" ? a >= b : compare(a, b) >= 0;
}

export function negate(a: Value): Value {
  return typeof a === "number" ? -a : -numberOf("-", a);
}
export function plus(a: Value): Value {
  return numberOf("+", a);
}
export function complement(a: Value): Value {
  return ~wrap(numberOf("~", a));
}

/** What `++` and `--` add to: none counts as 0. */
export function stepBase(a: Value): number {
  return typeof a === "number" ? a : a === null ? 0 : numberOf("++", a);
}

function numeric(operator: string, a: Value, b: Value, run: (x: number, y: number) => number): number {
  return run(numberOf(operator, a), numberOf(operator, b));
}

/** 32 bits in two's complement; results are signed. */
function bits(operator: string, a: Value, b: Value, run: (x: number, y: number) => number): number {
  return run(wrap(numberOf(operator, a)), wrap(numberOf(operator, b)));
}

function wrap(value: number): number {
  return Number.isFinite(value) ? Math.trunc(value) % 4294967296 : 0;
}

function numberOf(operator: string, value: Value): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === null) return 0;
  if (typeof value === "string") {
    const number = numericText(value);
    if (number !== undefined) return number;
    if (/^\s*0[xob]/i.test(value)) return toNumber(value);
  }
  throw new Refusal(`${operator} does not work on ${typeName(value)}`);
}

function merge(a: HslArray, b: HslArray): HslArray {
  const result = a.clone();
  meter.allocate(b.size * 16);
  for (const [key, value] of b.entries()) {
    if (typeof key === "number") result.push(value);
    else result.set(key, value);
  }
  return result;
}

/** Removes every item equal to `b` or, when that is an array, to one of its items; the others keep their keys. */
function without(a: HslArray, b: Value): HslArray {
  const unwanted = new EqualSet();
  meter.charge(a.size + (b instanceof HslArray ? b.size : 1));
  for (const value of b instanceof HslArray ? b.values() : [b]) unwanted.add(value);
  const kept = [...a.entries()].filter(([, value]) => Number.isNaN(value) || !unwanted.has(value));
  return HslArray.from(kept);
}

function repeat(what: string | HslArray, times: number): Value {
  // Nothing stays nothing, however often; a count beyond every limit is as good as endless.
  const size = typeof what === "string" ? what.length : what.size;
  const count = size === 0 ? 0 : Math.min(Math.max(0, Math.trunc(times) || 0), MAX_STRING + 1);
  if (typeof what === "string") {
    if (what.length * count > MAX_STRING) throw new BudgetError("a string is too long");
    meter.allocate(what.length * count);
    return what.repeat(count);
  }
  meter.allocate(Math.min(what.size * count * 16, Number.MAX_SAFE_INTEGER));
  const result = new HslArray();
  for (let round = 0; round < count; round++)
    for (const [key, value] of what.entries()) {
      if (typeof key === "number") result.add(share(value));
      else result.set(key, value);
    }
  return result;
}
