/**
 * Identifiers for messages and sessions: 26 characters of Crockford base32, sortable by creation time (the
 * layout of a ULID: 48 bits of milliseconds, then 80 bits). Of the 80 bits, 50 are random per process and 30
 * count up, so making one costs no system call and two processes cannot collide in practice.
 * They are safe in file names, SMTP replies and log lines; `isId` is the only parser for ids from outside.
 */
import { randomBytes } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PATTERN = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** What five letters can say. */
const HALF = 2 ** 25;
const CODES = Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
const VALUES = new Map(Array.from(ALPHABET, (letter, value) => [letter, value]));

const processPart = Array.from(randomBytes(10), (byte) => ALPHABET.charAt(byte & 31)).join("");
let counter = randomBytes(4).readUInt32BE() & 0x1fffffff;

/** Character codes of the last id: much of it stands in the next one, too. */
const spelled = Array.from({ length: 26 }, () => 0);
let lastMs = -1;
let lastProcess = "";

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

/** Spelled at once: V8 keeps a sum of texts as its parts, and JSON.stringify takes twice as long over what has one. */
export function joinId(ms: number, process: string, count: number): string {
  if (ms !== lastMs) {
    // In halves: they have more bits than a shift can take.
    spell(Math.floor(ms / HALF), 0, 5);
    spell(ms % HALF, 5, 5);
  }
  if (process !== lastProcess) for (let at = 0; at < 10; at++) spelled[10 + at] = process.charCodeAt(at);
  lastMs = ms;
  lastProcess = process;
  spell(count, 20, 6);
  return String.fromCharCode(...spelled);
}

function decode(text: string): number {
  let value = 0;
  for (const letter of text) value = value * 32 + (VALUES.get(letter) ?? 0);
  return value;
}

function spell(value: number, start: number, length: number): void {
  let rest = value;
  for (let at = start + length - 1; at >= start; at--) {
    spelled[at] = CODES[rest & 31] as number;
    rest >>>= 5;
  }
}
