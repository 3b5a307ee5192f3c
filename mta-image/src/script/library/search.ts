/**
 * Texts within texts, in a time that grows with the text alone, whatever both are made of: V8 looks for a long one in a way that takes
 * the product of both where they repeat themselves. The run pays for what is passed over, piece by piece.
 */
import { meter } from "../meter.ts";

/** Shorter ones are left to V8, which is many times as fast and in the worst case takes so many looks at each byte. */
const LONG = 64;
/** Between two pieces the clock is looked at. */
const PIECE = 1 << 18;

/** The first at or after the position, -1 for none; nothing is found at each place. */
export function findFirst(text: string, part: string, from: number): number {
  if (part === "") return Math.min(from, text.length);
  if (part.length > LONG) return walk(text, part, from);
  for (let at = from; ; at += PIECE) {
    const piece = text.slice(at, at + PIECE + part.length);
    const place = piece.indexOf(part);
    meter.charge((place < 0 ? piece.length : place) >> 6);
    if (place >= 0) return at + place;
    if (at + PIECE >= text.length) return -1;
  }
}

/** The last, -1 for none. */
export function findLast(text: string, part: string): number {
  if (part.length > LONG) {
    const place = walk(reversed(text), reversed(part), 0);
    return place < 0 ? -1 : text.length - place - part.length;
  }
  for (let end = text.length; ; end -= PIECE) {
    const start = Math.max(0, end - PIECE);
    const piece = text.slice(start, end + part.length);
    const place = piece.lastIndexOf(part);
    meter.charge((piece.length - Math.max(place, 0)) >> 6);
    if (place >= 0) return start + place;
    if (start === 0) return -1;
  }
}

/** At most so many parts; what is behind them is left out. */
export function splitText(text: string, delimiter: string, most: number): string[] {
  if (delimiter.length <= LONG) return text.split(delimiter, most);
  const parts: string[] = [];
  for (let at = 0; parts.length < most; ) {
    const end = findFirst(text, delimiter, at);
    parts.push(text.slice(at, end < 0 ? undefined : end));
    if (end < 0) break;
    at = end + delimiter.length;
  }
  return parts;
}

/** The search of Knuth, Morris and Pratt: no byte of the text is looked at twice. */
function walk(text: string, part: string, from: number): number {
  const back = fallbacks(part);
  let matched = 0;
  for (let at = from; at < text.length; at += 1) {
    if ((at & 0xffff) === 0) meter.charge(0x10000 >> 4);
    const code = text.charCodeAt(at);
    while (matched > 0 && part.charCodeAt(matched) !== code) matched = back[matched - 1] as number;
    if (part.charCodeAt(matched) === code) matched += 1;
    if (matched === part.length) return at + 1 - matched;
  }
  return -1;
}

/** By length of what matched, less one: the length of the longest shorter beginning that it ends with. */
function fallbacks(part: string): Uint32Array {
  meter.allocate(part.length * Uint32Array.BYTES_PER_ELEMENT);
  const back = new Uint32Array(part.length);
  let matched = 0;
  for (let at = 1; at < part.length; at += 1) {
    const code = part.charCodeAt(at);
    while (matched > 0 && part.charCodeAt(matched) !== code) matched = back[matched - 1] as number;
    if (part.charCodeAt(matched) === code) matched += 1;
    back[at] = matched;
  }
  return back;
}

function reversed(text: string): string {
  meter.allocate(text.length * 2);
  return Buffer.from(text, "latin1").reverse().toString("latin1");
}
