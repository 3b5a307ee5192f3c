/** Functions on strings. Positions and lengths count bytes; case is that of ASCII. */
import { BudgetError } from "../error.ts";
import { HslArray } from "../value.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { MAX_ITEMS, MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";
import { bytes } from "./hash.ts";
import { findFirst, findLast, splitText } from "./search.ts";

const { string, number } = parameter;

/** Public modules ask for the case, or the JSON, of what may not be there. */
export const textOrNone = parameter.of<string>("string", "string", (value) =>
  value === null ? "" : string("string").convert(value),
);

const strip = (name: string, docs: string, start: boolean, end: boolean): HostFunction =>
  declare({
    name,
    parameters: [string("string"), optional(string("characters"))],
    returns: "string",
    docs: `${docs} White space, or the given characters.`,
    reads: false,
    run: (_, text, characters) => trim(text, characters ?? " \t\r\n", start, end),
  });

export const stringFunctions: readonly HostFunction[] = [
  declare({
    name: "chr",
    parameters: [number("number")],
    returns: "string",
    docs: "The byte with this number; only the lowest 8 bits count.",
    run: (_, code) => String.fromCharCode(Math.trunc(code) & 0xff),
  }),
  declare({
    name: "ord",
    reads: false,
    parameters: [string("character")],
    returns: "number",
    docs: "The number of the first byte; 0 for the empty string.",
    run: (_, text) => text.charCodeAt(0) || 0,
  }),
  declare({
    name: "str_repeat",
    parameters: [string("string"), number("multiplier")],
    returns: "string",
    docs: "The string several times in a row.",
    run: (_, text, times) => repeat(text, times),
  }),
  declare({
    name: "str_replace",
    parameters: [string("search"), string("replace"), string("subject")],
    returns: "string",
    docs: "The subject with every occurrence of `search` replaced.",
    run: (_, search, replacement, subject) => replace(search, replacement, subject),
  }),
  declare({
    name: "str_split",
    parameters: [string("string"), string("delimiter"), optional(number("limit"))],
    returns: "array",
    docs: "The parts between the delimiters; with a limit, at most that many parts, the rest stays in the last one; with a negative limit, it stays in the first one.",
    run: (_, text, delimiter, limit) => HslArray.of(split(text, delimiter, limit ?? 0)),
  }),
  declare({
    name: "str_chunk",
    parameters: [string("string"), number("length"), optional(number("firstlength"))],
    returns: "array of string",
    docs: "The string in pieces of the given length; the first piece may have another one.",
    run: (_, text, length, first) => HslArray.of(chunk(text, length, first ?? length)),
  }),
  declare({
    name: "str_find",
    reads: false,
    parameters: [string("string"), string("substring"), optional(number("offset"))],
    returns: "number",
    docs: "Position of the first occurrence at or after `offset`, -1 if there is none.",
    run: (_, text, part, offset) => findFirst(text, part, from(text, offset ?? 0)),
  }),
  declare({
    name: "str_rfind",
    reads: false,
    parameters: [string("string"), string("substring"), optional(number("offset"))],
    returns: "number",
    docs: "Position of the last occurrence that ends at least `offset` bytes before the end, -1 if there is none.",
    run: (_, text, part, offset) => {
      return findLast(text.slice(0, Math.max(0, text.length - from(text, offset ?? 0))), part);
    },
  }),
  declare({
    name: "str_lower",
    parameters: [textOrNone],
    returns: "string",
    docs: "The string with the letters A to Z in lower case; none is the empty string.",
    run: (_, text) => inCase(text, /[A-Z]/, 0x41),
  }),
  declare({
    name: "str_upper",
    parameters: [textOrNone],
    returns: "string",
    docs: "The string with the letters a to z in upper case; none is the empty string.",
    run: (_, text) => inCase(text, /[a-z]/, 0x61),
  }),
  declare({
    name: "str_slice",
    reads: false,
    parameters: [string("string"), number("offset"), optional(number("length"))],
    returns: "string",
    docs: "Part of the string; a negative offset counts from the end, a negative length leaves that much off the end.",
    run: (_, text, offset, length) => slice(text, Math.trunc(offset), length),
  }),
  strip("str_strip", "Removes characters from both ends.", true, true),
  strip("str_lstrip", "Removes characters from the beginning.", true, false),
  strip("str_rstrip", "Removes characters from the end.", false, true),
];

function from(text: string, offset: number): number {
  const at = Math.trunc(offset);
  return at < 0 ? Math.max(0, text.length + at) : at;
}

/** The 26 letters from `first` on in their other case. In a buffer: a call for each of many million runs takes many times their room. */
function inCase(text: string, letter: RegExp, first: number): string {
  if (!letter.test(text)) return text;
  meter.allocate(text.length);
  const letters = bytes(text);
  for (let at = 0; at < letters.length; at += 1) {
    const byte = letters[at] as number;
    if (byte >= first && byte < first + 26) letters[at] = byte ^ 0x20;
  }
  return letters.toString("latin1");
}

function repeat(text: string, times: number): string {
  const count = text === "" ? 0 : Math.max(0, Math.trunc(times) || 0);
  if (text.length * count > MAX_STRING) throw new BudgetError("a string is too long");
  meter.allocate(text.length * count);
  return text.repeat(count);
}

function replace(search: string, replacement: string, subject: string): string {
  meter.charge(subject.length >> 4);
  if (search === "") return subject;
  const parts = partsOf(subject, search);
  const size = subject.length + (parts.length - 1) * (replacement.length - search.length);
  if (size > MAX_STRING) throw new BudgetError("a string is too long");
  meter.allocate(size);
  return parts.join(replacement);
}

/** What a part takes beside its bytes, which it shares with the text. */
const PART_BYTES = 32;

function partsOf(text: string, delimiter: string): string[] {
  const parts = splitText(text, delimiter, MAX_ITEMS + 1);
  if (parts.length > MAX_ITEMS) throw new BudgetError("a text has too many parts");
  meter.allocate(parts.length * PART_BYTES);
  return parts;
}

export function split(text: string, delimiter: string, limit: number): string[] {
  meter.allocate(text.length);
  const parts = partsOf(text, delimiter);
  const most = Math.trunc(Math.abs(limit));
  if (most === 0 || parts.length <= most) return parts;
  const at = limit > 0 ? most - 1 : parts.length - most + 1;
  return limit > 0
    ? [...parts.slice(0, at), parts.slice(at).join(delimiter)]
    : [parts.slice(0, at).join(delimiter), ...parts.slice(at)];
}

function chunk(text: string, length: number, first: number): string[] {
  const [size, firstSize] = [Math.max(1, Math.trunc(length) || 1), Math.max(1, Math.trunc(first) || 1)];
  if (text.length / size > MAX_ITEMS) throw new BudgetError("a text has too many parts");
  meter.allocate(text.length + (text.length / size) * PART_BYTES);
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = at + (at === 0 ? firstSize : size);
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}

function slice(text: string, offset: number, length: number | undefined): string {
  const start = offset < 0 ? Math.max(0, text.length + offset) : offset;
  if (length === undefined) return text.slice(start);
  const size = Math.trunc(length);
  return size < 0 ? text.slice(start, Math.max(start, text.length + size)) : text.slice(start, start + size);
}

function trim(text: string, characters: string, start: boolean, end: boolean): string {
  const isGone = new Uint8Array(256);
  for (const byte of bytes(characters)) isGone[byte] = 1;
  let first = 0;
  let last = text.length;
  while (start && first < last && isGone[text.charCodeAt(first)] === 1) first += 1;
  while (end && last > first && isGone[text.charCodeAt(last - 1)] === 1) last -= 1;
  meter.charge((text.length - (last - first) + characters.length) >> 2);
  return text.slice(first, last);
}
