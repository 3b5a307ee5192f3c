/** Reads and writes DER (X.690), as much as certificates, lists of revoked ones and CMS need. Throws a Refusal for what is none. */
import { Refusal } from "../error.ts";

export interface Der {
  readonly tag: number;
  /** With tag and length. */
  readonly raw: Buffer;
  readonly value: Buffer;
}

export const SEQUENCE = 0x30;
export const SET = 0x31;
export const INTEGER = 0x02;
export const BOOLEAN = 0x01;

/** Messages of other programs nest far less; deeper is an attack on our stack. */
const MAX_DEPTH = 64;

/** The first element of the bytes. Lengths that are told by an end mark (BER) are understood too. */
export function readDer(bytes: Buffer, depth = 0): Der {
  const [tag, first] = [bytes[0], bytes[1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f || depth > MAX_DEPTH) return refuse();
  if (first === 0x80) return readUntilEnd(tag, bytes, depth);
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (more > 4 || bytes.length < 2 + more) return refuse();
  const length = more === 0 ? first : bytes.readUIntBE(2, more);
  const end = 2 + more + length;
  if (end > bytes.length) return refuse();
  return { tag, raw: bytes.subarray(0, end), value: bytes.subarray(2 + more, end) };
}

/** Up to an end mark of its own: two zero bytes. */
function readUntilEnd(tag: number, bytes: Buffer, depth: number): Der {
  let at = 2;
  while (bytes[at] !== 0 || bytes[at + 1] !== 0) at += readDer(bytes.subarray(at), depth + 1).raw.length;
  return { tag, raw: bytes.subarray(0, at + 2), value: bytes.subarray(2, at) };
}

function refuse(): never {
  throw new Refusal("this is no DER");
}

/** A string of bytes, which BER may have cut in pieces. `[0]` in place of its tag is taken too. */
export function octetsOf({ tag, value }: Der): Buffer {
  return (tag & 0x20) === 0 ? value : Buffer.concat(readAll(value).map(octetsOf));
}

/** What stands within a sequence or set, one after the other. */
export function readAll(bytes: Buffer): Der[] {
  const all: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const one = readDer(bytes.subarray(at));
    all.push(one);
    at += one.raw.length;
  }
  return all;
}

/** Dotted, such as 2.5.29.17. */
export function objectId({ value }: Der): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value) {
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join(".");
}

/** UTCTime or GeneralizedTime (RFC 5280 4.1.2.5), in seconds since 1970. */
export function timeOf({ value }: Der): number {
  const text = value.toString("latin1");
  const [, year = "", rest = ""] = /^(\d{2}|\d{4})(\d{10})Z$/.exec(text) ?? [];
  if (year === "") throw new Refusal("a time cannot be read");
  const full = year.length === 4 ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
  const [month, day, hour, minute, second] = (rest.match(/\d\d/g) ?? []).map(Number) as number[];
  return Date.UTC(full, (month ?? 1) - 1, day, hour, minute, second) / 1000;
}

export interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Buffer;
}

/** The sequence of extensions, as certificates, lists and their entries have it. */
export function readExtensions(list: Der): Extension[] {
  return readAll(list.value).map(({ value }) => {
    const [id, ...rest] = readAll(value);
    const last = rest.at(-1);
    if (id === undefined || last === undefined) throw new Refusal("an extension cannot be read");
    const critical = rest[0]?.tag === BOOLEAN && rest[0].value[0] !== 0;
    return { id: objectId(id), critical, value: last.value };
  });
}

function encode(tag: number, parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  if (value.length < 0x80) return Buffer.concat([Buffer.of(tag, value.length), value]);
  const length = value.length.toString(16);
  const bytes = Buffer.from(length.length % 2 === 0 ? length : `0${length}`, "hex");
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length), bytes, value]);
}

export const write = {
  sequence: (...parts: readonly Buffer[]) => encode(SEQUENCE, parts),
  /** In the order that DER wants. */
  set: (...parts: readonly Buffer[]) => encode(SET, parts.toSorted(Buffer.compare)),
  octets: (bytes: Buffer) => encode(0x04, [bytes]),
  integer: (value: number) => encode(INTEGER, [Buffer.of(value)]),
  nothing: Buffer.of(0x05, 0x00),
  tagged: (number: number, ...parts: readonly Buffer[]) => encode(0xa0 | number, parts),
  /** In place of the tag of a simple value. */
  plainTagged: (number: number, bytes: Buffer) => encode(0x80 | number, [bytes]),
  time: (seconds: number) => {
    const digits = new Date(seconds * 1000).toISOString().replace(/[-:T]|\..*/g, "");
    return encode(0x17, [Buffer.from(`${digits.slice(2)}Z`, "latin1")]);
  },
  objectId: (text: string) => {
    const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
    return encode(0x06, [Buffer.from([first * 40 + second, ...rest].flatMap(base128))]);
  },
};

function base128(number: number): number[] {
  const bytes = [number & 0x7f];
  for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128))
    bytes.unshift(0x80 | (left & 0x7f));
  return bytes;
}
