/**
 * Identifiers for messages and sessions: 26 characters of Crockford base32, sortable by creation time (the
 * layout of a ULID: 48 bits of milliseconds, then 80 bits). Of the 80 bits, 50 are random per process and 30
 * count up, so making one costs no system call and two processes cannot collide in practice.
 * They are safe in file names, SMTP replies and log lines; `isId` is the only parser for ids from outside.
 */
import { randomBytes } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PATTERN = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Two letters at once: a queue spells millions of ids when it starts. */
const PAIRS = Array.from({ length: 1024 }, (_, n) => ALPHABET.charAt(n >> 5) + ALPHABET.charAt(n & 31));
const VALUES = new Map(Array.from(ALPHABET, (letter, value) => [letter, value]));

const processPart = Array.from(randomBytes(10), (byte) => ALPHABET.charAt(byte & 31)).join("");
let counter = randomBytes(4).readUInt32BE() & 0x1fffffff;
let lastMs = -1;
let lastTime = "";

export function makeId(nowMs: number): string {
  counter = (counter + 1) & 0x3fffffff;
  return joinId(nowMs, processPart, counter);
}

export function isId(text: string): boolean {
  return PATTERN.test(text);
}

/** The parts of an id, for whoever keeps many of them small; `joinId` puts them together again. */
export function splitId(id: string): {
  readonly ms: number;
  readonly process: string;
  readonly count: number;
} {
  return { ms: decode(id.slice(0, 10)), process: id.slice(10, 20), count: decode(id.slice(20)) };
}

export function joinId(ms: number, process: string, count: number): string {
  if (ms !== lastMs) {
    lastMs = ms;
    lastTime = encode(ms, 10);
  }
  return lastTime + process + pairOf(count >>> 20) + pairOf((count >>> 10) & 1023) + pairOf(count & 1023);
}

function decode(text: string): number {
  let value = 0;
  for (const letter of text) value = value * 32 + (VALUES.get(letter) ?? 0);
  return value;
}

function pairOf(number: number): string {
  return PAIRS[number] as string;
}

function encode(value: number, length: number): string {
  let rest = value;
  let text = "";
  for (let i = 0; i < length; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
