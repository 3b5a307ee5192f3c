/**
 * JSON. Objects and lists are arrays; text is UTF-8 in bytes on both sides. Options of json_encode: `pretty_print`, `ensure_ascii`; of
 * json_decode: `allow_comments`. Both give none for what cannot be represented or read.
 */
import { jsonStringEnd, parseJson } from "#base/json.ts";

import { type Value, HslArray } from "../value.ts";
import { truthy } from "../convert.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { MAX_NESTING, MAX_STRING } from "../limits.ts";
import { BudgetError, Refusal } from "../error.ts";
import { meter } from "../meter.ts";
import { bytes } from "./hash.ts";
import { textOrNone } from "./string.ts";

const { any, array } = parameter;
const options = optional(array("options"));

export const jsonFunctions: readonly HostFunction[] = [
  declare({
    name: "json_encode",
    parameters: [any("value"), options],
    returns: "string or none",
    docs: "The value as JSON: lists as arrays, other arrays as objects; none for functions, objects and bytes that are no UTF-8. Options: `pretty_print`; `ensure_ascii` (true unless given): what is not ASCII as \\uXXXX.",
    run: (_, value, how) => {
      const plain = toPlain(value, 0);
      if (plain === undefined) return null;
      const text = JSON.stringify(plain, null, truthy(how?.get("pretty_print") ?? null) ? 2 : 0);
      meter.allocate(text.length);
      if (!truthy(how?.get("ensure_ascii") ?? true)) return bounded(Buffer.from(text).toString("latin1"));
      return bounded(text.replace(/[^\0-\x7f]+/g, escaped));
    },
  }),
  declare({
    name: "json_decode",
    parameters: [textOrNone, options],
    returns: "any or none",
    docs: "The value of JSON text; none when it is none or cannot be read. Option `allow_comments`: /* */ and //.",
    run: (_, text, how) => decodeJson(text, truthy(how?.get("allow_comments") ?? null)) ?? null,
  }),
];

function bounded(text: string): string {
  if (text.length > MAX_STRING) throw new BudgetError("a string is too long");
  return text;
}

function escaped(units: string): string {
  meter.allocate(units.length * 6);
  let result = "";
  for (let at = 0; at < units.length; at += 1)
    result += `\\u${units.charCodeAt(at).toString(16).padStart(4, "0")}`;
  return result;
}

/** Undefined for what is no JSON. */
export function decodeJson(text: string, allowComments: boolean): Value | undefined {
  meter.allocate(text.length * 2 + marks(text) * MARK_BYTES);
  try {
    const clear = allowComments ? withoutComments(text) : text;
    return fromPlain(parseJson(bytes(clear).toString()), 0);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TooDeep) return undefined;
    throw error;
  }
}

/** What the parser makes of a small object and its place in a list, before any of it is counted as a value of the script. */
const MARK_BYTES = 64;

/** How many values there may be, at most. */
function marks(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x2c || code === 0x5b || code === 0x7b) count += 1;
  }
  return count;
}

/** What looks like a comment within a string stays, and so does a comment without end, which is no JSON. */
function withoutComments(text: string): string {
  const kept: string[] = [];
  let from = 0;
  let at = 0;
  while (at < text.length) {
    if (text[at] === '"') at = jsonStringEnd(text, at);
    const end = text[at] === "/" ? commentEnd(text, at) : at;
    if (end < 0) break;
    if (end > at) {
      meter.allocate(MARK_BYTES);
      kept.push(text.slice(from, at));
      from = end;
    }
    at = Math.max(end, at + 1);
  }
  return [...kept, text.slice(from)].join(" ");
}

/** Where the comment that begins here ends, the same place when none begins, or -1 when it has no end. */
function commentEnd(text: string, at: number): number {
  const isLine = text.startsWith("//", at);
  if (!isLine && !text.startsWith("/*", at)) return at;
  const end = isLine ? text.indexOf("\n", at) : text.indexOf("*/", at + 2);
  if (end < 0) return isLine ? text.length : -1;
  return isLine ? end : end + 2;
}

class TooDeep extends Refusal {}

const ITEM_BYTES = 16;
/** Beyond it a text is paid for by itself, and not with the item that it is. */
const SHORT = 64;

/** Values of JavaScript, texts as UTF-16, to values of scripts. */
export function fromPlain(plain: unknown, depth = 0): Value {
  if (typeof plain === "string") {
    if (plain.length > SHORT) meter.allocate(plain.length);
    return Buffer.from(plain).toString("latin1");
  }
  if (typeof plain === "number" || typeof plain === "boolean") return plain;
  if (typeof plain !== "object" || plain === null) return null;
  if (depth > MAX_NESTING) throw new TooDeep("it is nested too deep");
  // What stands for itself many times (an alias of YAML) is made each time.
  meter.allocate(Object.keys(plain).length * ITEM_BYTES);
  if (Array.isArray(plain)) return new HslArray(plain.map((item) => fromPlain(item, depth + 1)));
  const result = new HslArray();
  for (const [key, item] of Object.entries(plain))
    result.put(Buffer.from(key).toString("latin1"), fromPlain(item, depth + 1));
  return result;
}

/** Of an item as JavaScript has it, on its way to a text. */
const PLAIN_BYTES = 32;

function toPlain(value: Value, depth: number): unknown {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value === "string") {
    // One text may stand in the value a thousand times.
    meter.allocate(value.length);
    return utf8(value);
  }
  if (!(value instanceof HslArray) || depth > MAX_NESTING) return undefined;
  // One array may stand in the value a thousand times, too.
  meter.allocate(value.size * PLAIN_BYTES);
  if (value.isList()) {
    const items = value.values().map((item) => toPlain(item, depth + 1));
    return items.includes(undefined) ? undefined : items;
  }
  const result: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of value.entries()) {
    const [name, plain] = [utf8(String(key)), toPlain(item, depth + 1)];
    if (name === undefined || plain === undefined) return undefined;
    result[name] = plain;
  }
  return result;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8(text: string): string | undefined {
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return decoder.decode(bytes(text));
  } catch {
    return undefined;
  }
}
