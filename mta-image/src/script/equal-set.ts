/**
 * Values to be asked for by `==`. Equal ones of one kind are the same value and found at once; only those of kinds that can be equal
 * across (equality.ts), and arrays, are compared one by one, which the run pays for.
 */
import { looseEquals } from "./equality.ts";
import { meter } from "./meter.ts";
import { type Value, HslArray } from "./value.ts";

type Kind = "none" | "string" | "number" | "boolean" | "array" | "object";

const comparable: Readonly<Record<Kind, readonly Kind[]>> = {
  none: [],
  string: ["number", "boolean"],
  number: ["string", "boolean", "array", "object"],
  boolean: ["string", "number", "array", "object"],
  array: ["array", "number", "boolean"],
  object: ["number", "boolean"],
};

function kindOf(value: Value): Kind {
  if (value === null) return "none";
  if (typeof value !== "object") return typeof value as Kind;
  return value instanceof HslArray ? "array" : "object";
}

export class EqualSet {
  readonly #same = new Set<Value>();
  readonly #byKind = new Map<Kind, Value[]>();

  add(value: Value): void {
    if (this.#same.has(value)) return;
    this.#same.add(value);
    const kind = kindOf(value);
    const others = this.#byKind.get(kind);
    if (others === undefined) this.#byKind.set(kind, [value]);
    else others.push(value);
  }

  /** What is no number counts as equal to itself. */
  has(value: Value): boolean {
    if (this.#same.has(value)) return true;
    return comparable[kindOf(value)].some((kind) => {
      const others = this.#byKind.get(kind) ?? [];
      meter.charge(others.length);
      return others.some((other) => looseEquals(other, value));
    });
  }
}
