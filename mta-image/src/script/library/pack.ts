/**
 * pack and unpack with the letters of Perl and PHP: a A Z (text), h H (hexadecimal), c C, s S n v (16 bits), l L N V
 * (32), q Q J P (64), f g G d e E (floating), x X @. A number or * repeats. Both give none for a wrong format.
 */
import { type Value, HslArray } from "../value.ts";
import { toNumber, toText } from "../convert.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";
import { trimEnd } from "../trim.ts";

interface Step {
  readonly letter: string;
  /** null for *. */
  readonly count: number | null;
}

interface Numeric {
  readonly size: number;
  readonly write: (buffer: Buffer, value: number) => void;
  readonly read: (buffer: Buffer, at: number) => number;
}

const whole = (value: number, bits: bigint): bigint =>
  BigInt.asUintN(Number(bits), Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n);
const integer = (size: number, little: boolean, signed: boolean): Numeric => ({
  size,
  write: (buffer, value) => {
    const bits = whole(value, BigInt(size * 8));
    for (let at = 0; at < size; at++)
      buffer[little ? at : size - 1 - at] = Number((bits >> BigInt(at * 8)) & 0xffn);
  },
  read: (buffer, at) => {
    let bits = 0n;
    for (let step = 0; step < size; step++)
      bits |= BigInt(buffer[at + (little ? step : size - 1 - step)] as number) << BigInt(step * 8);
    return Number(signed ? BigInt.asIntN(size * 8, bits) : bits);
  },
});
const float = (little: boolean): Numeric => ({
  size: 4,
  write: (buffer, value) => void (little ? buffer.writeFloatLE(value) : buffer.writeFloatBE(value)),
  read: (buffer, at) => (little ? buffer.readFloatLE(at) : buffer.readFloatBE(at)),
});
const double = (little: boolean): Numeric => ({
  size: 8,
  write: (buffer, value) => void (little ? buffer.writeDoubleLE(value) : buffer.writeDoubleBE(value)),
  read: (buffer, at) => (little ? buffer.readDoubleLE(at) : buffer.readDoubleBE(at)),
});

const numerics: ReadonlyMap<string, Numeric> = new Map([
  ["c", integer(1, true, true)],
  ["C", integer(1, true, false)],
  ["s", integer(2, true, true)],
  ["S", integer(2, true, false)],
  ["v", integer(2, true, false)],
  ["n", integer(2, false, false)],
  ["l", integer(4, true, true)],
  ["L", integer(4, true, false)],
  ["i", integer(4, true, true)],
  ["I", integer(4, true, false)],
  ["V", integer(4, true, false)],
  ["N", integer(4, false, false)],
  ["q", integer(8, true, true)],
  ["Q", integer(8, true, false)],
  ["P", integer(8, true, false)],
  ["J", integer(8, false, false)],
  ["f", float(true)],
  ["g", float(true)],
  ["G", float(false)],
  ["d", double(true)],
  ["e", double(true)],
  ["E", double(false)],
]);
const MAX_COUNT = 1 << 24;

function steps(format: string): Step[] | null {
  meter.allocate(format.length * 64);
  const result: Step[] = [];
  const pattern = /\s*([A-Za-z@])(\d+|\*)?\s*/y;
  while (pattern.lastIndex < format.length) {
    const found = pattern.exec(format);
    if (found === null) return null;
    const count = found[2] === "*" ? null : Number(found[2] ?? 1);
    if (count !== null && count > MAX_COUNT) return null;
    result.push({ letter: found[1] as string, count });
  }
  return result;
}

function pack(format: string, args: readonly Value[]): string | null {
  const plan = steps(format);
  if (plan === null) return null;
  const bytes = new Bytes();
  let next = 0;
  for (const step of plan) {
    const taken = "xX@".includes(step.letter) ? move(step, bytes) : put(step, args, next, bytes);
    if (taken === null || bytes.size > MAX_STRING) return null;
    next += taken;
  }
  return next < args.length ? null : bytes.text();
}

/** Of a number that is taken apart or put together. */
const NUMBER_STEPS = 20;

/** Says how many arguments it took; null where they do not fit. */
function put(step: Step, args: readonly Value[], from: number, bytes: Bytes): number | null {
  const numeric = numerics.get(step.letter);
  if (numeric === undefined) {
    const value = args[from];
    const text = value === undefined ? null : packText(step.letter, toText(value), step);
    if (text === null) return null;
    bytes.add(text);
    return 1;
  }
  const times = step.count ?? args.length - from;
  if (times > args.length - from) return null;
  for (let at = from; at < from + times; at += 1) {
    meter.charge(NUMBER_STEPS);
    numeric.write(bytes.room(numeric.size), toNumber(args[at] as Value));
  }
  return times;
}

/** Zero bytes more, bytes less, or as many bytes as the position says. */
function move({ letter, count }: Step, bytes: Bytes): number | null {
  const size = count ?? 0;
  const to = letter === "x" ? bytes.size + size : letter === "X" ? bytes.size - size : size;
  if (to > MAX_STRING) return null;
  bytes.resize(Math.max(0, to));
  return 0;
}

/** Bytes that are added at their end, in a buffer that doubles: texts would be copied with each change. */
class Bytes {
  #buffer = Buffer.alloc(256);
  size = 0;

  /** Of zero bytes, to be written to. */
  room(size: number): Buffer {
    const start = this.size;
    this.resize(start + size);
    return this.#buffer.subarray(start, this.size);
  }

  add(text: string): void {
    this.room(text.length).write(text, "latin1");
  }

  resize(size: number): void {
    if (size > this.#buffer.length) {
      const larger = Math.max(size, this.#buffer.length * 2);
      meter.allocate(larger);
      const before = this.#buffer.subarray(0, this.size);
      this.#buffer = Buffer.alloc(larger);
      before.copy(this.#buffer);
    } else if (size < this.size) {
      meter.charge((this.size - size) >> 6);
      this.#buffer.fill(0, size, this.size);
    } else meter.charge((size - this.size) >> 6);
    this.size = size;
  }

  text(): string {
    meter.allocate(this.size);
    return this.#buffer.toString("latin1", 0, this.size);
  }
}

function packText(letter: string, text: string, { count }: Step): string | null {
  if (letter === "a" || letter === "A" || letter === "Z") {
    const size = count ?? text.length + (letter === "Z" ? 1 : 0);
    const kept = letter === "Z" ? text.slice(0, Math.max(0, size - 1)) : text.slice(0, size);
    return kept.padEnd(size, letter === "A" ? " " : "\0");
  }
  if (letter !== "H" && letter !== "h") return null;
  const digits = (count === null ? text : text.slice(0, count)).padEnd(
    ((count ?? text.length) + 1) & ~1,
    "0",
  );
  if (!/^[0-9a-f]*$/i.test(digits)) return null;
  const ordered = letter === "H" ? digits : digits.replace(/(.)(.)/g, "$2$1");
  return Buffer.from(ordered, "hex").toString("latin1");
}

/** A list of what the format takes, in its order. */
function unpack(format: string, data: string, offset: number): HslArray | null {
  const plan = steps(format);
  if (plan === null || !(offset >= 0 && offset <= data.length)) return null;
  meter.allocate(data.length);
  const buffer = Buffer.from(data, "latin1");
  const result = new HslArray();
  let at = Math.trunc(offset);
  for (const step of plan) {
    const numeric = numerics.get(step.letter);
    const taken =
      numeric === undefined
        ? unpackOther(step, buffer, at, result)
        : unpackNumbers(step, numeric, { buffer, at, result });
    if (taken === null || taken > buffer.length) return null;
    at = taken;
  }
  return result;
}

function unpackNumbers(
  step: Step,
  numeric: Numeric,
  from: { buffer: Buffer; at: number; result: HslArray },
): number | null {
  const { buffer, result } = from;
  const times = step.count ?? Math.floor((buffer.length - from.at) / numeric.size);
  if (from.at + times * numeric.size > buffer.length) return null;
  for (let index = 0; index < times; index++) {
    meter.charge(NUMBER_STEPS);
    result.push(numeric.read(buffer, from.at + index * numeric.size));
  }
  return from.at + times * numeric.size;
}

function unpackOther({ letter, count }: Step, buffer: Buffer, at: number, result: HslArray): number | null {
  if (letter === "x") return at + (count ?? 0);
  if (letter === "X") return Math.max(0, at - (count ?? 0));
  if (letter === "@") return count ?? 0;
  const half = letter === "H" || letter === "h";
  if (!half && letter !== "a" && letter !== "A" && letter !== "Z") return null;
  const size = count === null ? buffer.length - at : half ? (count + 1) >> 1 : count;
  if (size < 0 || at + size > buffer.length) return null;
  meter.allocate(size);
  const part = buffer.subarray(at, at + size);
  result.push(shaped(letter, part.toString(half ? "hex" : "latin1"), count));
  return at + size;
}

function shaped(letter: string, text: string, count: number | null): string {
  switch (letter) {
    case "A":
      return trimEnd(text, "\0\t\r\n ");
    case "Z":
      return text.split("\0", 1)[0] as string;
    case "H":
      return text.slice(0, count ?? undefined);
    case "h":
      return text.replace(/(.)(.)/g, "$2$1").slice(0, count ?? undefined);
    default:
      return text;
  }
}

export const packFunctions: readonly HostFunction[] = [
  declare({
    name: "pack",
    parameters: [parameter.string("format"), parameter.rest("args")],
    returns: "string or none",
    docs: "Bytes laid out by a format, none when the arguments do not fit it.",
    run: (_, format, args) => pack(format, args),
  }),
  declare({
    name: "unpack",
    parameters: [parameter.string("format"), parameter.string("data"), optional(parameter.number("offset"))],
    returns: "array or none",
    docs: "A list of what bytes hold by a format such as Na*; none when there are too few bytes.",
    run: (_, format, data, offset) => unpack(format, data, offset ?? 0),
  }),
];
