/** How library files declare functions: short forms of host.ts for one subject a file. */
import { Fields } from "../fields.ts";
import { type Value, HslArray, share } from "../value.ts";
import { truthy } from "../convert.ts";

/** An option out of an options array; none when either is missing. */
export function option(options: HslArray | undefined, name: string): Value {
  return options?.get(name) ?? null;
}

export function flag(options: HslArray | undefined, name: string, fallback = false): boolean {
  const value = option(options, name);
  return value === null ? fallback : truthy(value);
}

export function list(values: readonly Value[]): HslArray {
  return HslArray.of([...values]);
}

/** Keys are words; the caller gives the object away. */
export function record(entries: Readonly<Record<string, Value>>): HslArray {
  return HslArray.record(new Fields<Value>(entries, share));
}

/** Text of JavaScript as bytes of UTF-8, and back. */
export function toBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

export function fromBytes(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
