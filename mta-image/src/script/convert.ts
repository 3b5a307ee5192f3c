/**
 * Values as truth, text and number, their names, and how echo prints them. What is nested too
 * deeply prints as an ellipsis; only a text beyond every limit throws, a BudgetError.
 */
import { BudgetError } from "./error.ts";
import { type Value, HostObject, HslArray, HslFunction, HslIterator } from "./value.ts";
import { MAX_NESTING, MAX_STRING } from "./limits.ts";
import { meter } from "./meter.ts";

export function truthy(value: Value): boolean {
  if (typeof value === "boolean") return value;
  if (value === null) return false;
  if (typeof value === "number") return value !== 0;
  if (typeof value === "string") return value.length > 0;
  return value instanceof HslArray ? value.size > 0 : true;
}

/** What concatenation, string() and interpolation make of a value: none is empty. */
export function toText(value: Value): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return numberText(value);
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "true" : "false";
  return print(value, 0);
}

export function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value + 0);
  if (Number.isFinite(value)) return Object.is(value, -0) ? "0" : String(value);
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

/** Decimal, hexadecimal, octal or binary text; text that begins with a number counts as that number; else 0. */
export function toNumber(value: Value): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "string") return 0;
  const radix = radixNumber(value);
  if (radix !== undefined) return radix;
  const decimal = /^\s*[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?/i.exec(value);
  return decimal === null ? 0 : Number(decimal[0]);
}

/** The number that text begins with, written as 0x, 0o or 0b; undefined for other text. */
export function radixNumber(text: string): number | undefined {
  const radix = /^\s*([-+]?)(0x[0-9a-f]+|0o[0-7]+|0b[01]+)/i.exec(text);
  return radix === null ? undefined : Number(radix[2]) * (radix[1] === "-" ? -1 : 1);
}

/**
 * The number that text is as a whole, for comparisons; undefined for other text. Each character can be read in one way
 * only: a long text of digits must not be tried in many.
 */
export function numericText(text: string): number | undefined {
  return /^\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : undefined;
}

export function typeName(value: Value): string {
  if (value === null) return "none";
  if (typeof value !== "object") return typeof value;
  if (value instanceof HslArray) return "array";
  if (value instanceof HslFunction) return "function";
  if (value instanceof HslIterator) return "Iterator";
  return value.cls.name;
}

/** What echo writes: texts as they are, everything else as in source. */
export function echoText(value: Value): string {
  return value === null ? "none" : toText(value);
}

function print(value: Value, depth: number): string {
  if (typeof value === "string") return `"${value.replace(/["\\]/g, "\\$&")}"`;
  if (value === null) return "none";
  if (!(value instanceof HslArray)) return typeof value === "object" ? objectText(value) : toText(value);
  if (depth > MAX_NESTING) return "…";
  meter.allocate(value.size * 16);
  const items = [...value.entries()].map(
    ([key, item]) =>
      `${typeof key === "number" ? String(key) : print(key, depth)}=>${print(item, depth + 1)}`,
  );
  const text = `[${items.join(",")}]`;
  // Arrays within arrays may share parts, so that a small value prints without end.
  meter.allocate(text.length);
  if (text.length > MAX_STRING) throw new BudgetError("a string is too long");
  return text;
}

function objectText(value: Exclude<Value, null | boolean | number | string>): string {
  if (value instanceof HostObject && value.cls.name === "Exception") return String(value.state);
  return value instanceof HslFunction ? `function ${value.name}` : `${typeName(value)} object`;
}
