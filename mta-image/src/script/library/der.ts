/** Reads DER (X.690), as much as certificates and lists of revoked ones need. Throws a Refusal for what is none. */
import { Refusal } from "../error.ts";

export interface Der {
  readonly tag: number;
  /** With tag and length. */
  readonly raw: Buffer;
  readonly value: Buffer;
}

export const SEQUENCE = 0x30;
export const INTEGER = 0x02;
export const BOOLEAN = 0x01;

/** The first element of the bytes. */
export function readDer(bytes: Buffer): Der {
  const [tag, first] = [bytes[0], bytes[1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new Refusal("this is no DER");
  const more = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || more > 4 || bytes.length < 2 + more) throw new Refusal("this is no DER");
  const length = more === 0 ? first : bytes.readUIntBE(2, more);
  const end = 2 + more + length;
  if (end > bytes.length) throw new Refusal("this is no DER");
  return { tag, raw: bytes.subarray(0, end), value: bytes.subarray(2 + more, end) };
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
