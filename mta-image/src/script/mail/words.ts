/**
 * Texts of header fields: encoded words (RFC 2047) and parameters (RFC 2045, 2231). Scripts see UTF-8 bytes. What senders
 * got wrong stays as it stands. Pure but for what the run pays; every pattern takes linear time.
 */
import { isUtf8 } from "node:buffer";

import { characterSets } from "../late-packages.ts";
import { meter } from "../meter.ts";

const WORD = /=\?([^?* \t\r\n]{1,40})(?:\*[^? \t\r\n]*)?\?([bq])\?([^? \t\r\n]*)\?=/gi;
/** Bytes of one encoded word: with charset and marks it stays below 75 characters (RFC 2047 2). */
const WORD_BYTES = 42;
/** Of one that is decoded, in whatever character set. */
const STEPS_A_WORD = 200;

/** What senders use most who write bytes beyond ASCII and say of no character set what they are. */
const UNSAID = "windows-1252";

/**
 * As decodeWords, and UTF-8 whatever the sender did: bytes that are none are taken for those of the character set that the part
 * says, and of `UNSAID` where that cannot be; what is wrong within encoded words is replaced (U+FFFD).
 */
export function readableText(value: string, charset: () => string | null): string {
  if (!/[^\0-\x7f]|=\?/.test(value)) return value;
  const bytes = Buffer.from(value, "latin1");
  const text = decodeWords(isUtf8(bytes) ? value : toUtf8(bytes, knownSet(charset())));
  const made = Buffer.from(text, "latin1");
  return isUtf8(made) ? text : Buffer.from(made.toString("utf8")).toString("latin1");
}

/** Sets in which ASCII is something else (UTF-16) would hide the words between. */
function knownSet(charset: string | null): string {
  if (charset === null || isAscii(charset) || !exists(charset)) return UNSAID;
  return characterSets().decode(Buffer.from(PROBE), charset) === PROBE ? charset : UNSAID;
}

const PROBE = "Az09 <a@b.c> =?-";

/** Hex and Base64 are codes of the library and no character sets. */
function exists(charset: string): boolean {
  const name = charset.toLowerCase().replace(/[^a-z0-9]/g, "");
  return name !== "hex" && name !== "base64" && characterSets().encodingExists(charset);
}

/** UTF-8 bytes of a field's value, with encoded words decoded. */
export function decodeWords(value: string): string {
  const joined = value.replace(
    /(=\?[^? \t\r\n]+\?[bq]\?[^? \t\r\n]*\?=)[ \t\r\n]+(?==\?[^? \t\r\n]+\?[bq]\?)/gi,
    "$1",
  );
  let result = "";
  let end = 0;
  // Words of one character set are decoded together: a character may be cut between them.
  let charset = "";
  let bytes: Buffer[] = [];
  const flush = (): void => {
    result += toUtf8(Buffer.concat(bytes), charset);
    bytes = [];
  };
  for (const { index, 0: whole, 1: name = "", 2: how = "", 3: text = "" } of joined.matchAll(WORD)) {
    meter.charge(STEPS_A_WORD);
    if (index !== end || name.toLowerCase() !== charset) flush();
    result += joined.slice(end, index);
    charset = name.toLowerCase();
    bytes.push(wordBytes(how, text));
    end = index + whole.length;
  }
  flush();
  return result + joined.slice(end);
}

function wordBytes(how: string, text: string): Buffer {
  if (how.toLowerCase() === "b") return Buffer.from(text, "base64");
  return Buffer.from(percent(text.replaceAll("_", " "), /=([0-9A-F]{2})/gi), "latin1");
}

function percent(text: string, code: RegExp): string {
  return text.replace(code, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Unknown character sets are left as they are. */
export function toUtf8(bytes: Buffer, charset: string): string {
  if (isAscii(charset) || !exists(charset)) return bytes.toString("latin1");
  return Buffer.from(characterSets().decode(bytes, charset), "utf8").toString("latin1");
}

/** ASCII, or UTF-8 without more. */
function isAscii(charset: string): boolean {
  return /^(utf-?8|us-ascii)$/i.test(charset);
}

/** ASCII stays; runs of words with other bytes become encoded words, out of their quotes. */
export function encodeWords(value: string): string {
  if (isPlain(value)) return value;
  const bare = value.replace(/"([^"]*)"/g, (whole, inner: string) => (isPlain(inner) ? whole : inner));
  // Words stand at even places, what is between them at odd ones.
  const parts = bare.split(/([ \t\r\n<>]+)/);
  let result = "";
  for (let at = 0; at < parts.length; at += 1) {
    let run = parts[at] as string;
    if (at % 2 === 0 && isForeign(run)) {
      while (isForeign(parts[at + 2]) && !/[<>]/.test(parts[at + 1] ?? "")) {
        run += `${parts[at + 1]}${parts[at + 2]}`;
        at += 2;
      }
      result += encodeRun(run);
    } else result += run;
  }
  return result;
}

function isForeign(word: string | undefined): boolean {
  return word !== undefined && /[^\x20-\x7e\t]/.test(word);
}

/** All of the text, as one or more encoded words. */
export function encodeRun(text: string): string {
  const words: string[] = [];
  for (const piece of characters(text, WORD_BYTES)) {
    meter.charge(STEPS_A_WORD);
    words.push(`=?UTF-8?B?${Buffer.from(piece, "latin1").toString("base64")}?=`);
  }
  return words.join(" ");
}

export function isPlain(text: string): boolean {
  return !/[^\x20-\x7e\t]/.test(text) && !text.includes("=?");
}

/** Pieces of at most so many bytes that cut no character of UTF-8 in two. */
function* characters(text: string, most: number): Generator<string> {
  let start = 0;
  while (start < text.length) {
    let end = Math.min(start + most, text.length);
    while (end < text.length && end > start + most - 4 && (text.charCodeAt(end) & 0xc0) === 0x80) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}

/** A parameter such as filename or charset, decoded; null when it is not there. */
export function parameterOf(value: string, name: string): string | null {
  const wanted = name.toLowerCase();
  const parts: { readonly at: number; readonly isCoded: boolean; readonly text: string }[] = [];
  for (const [, key = "", number, star, quoted, token] of value.matchAll(
    /;[ \t\r\n]*([^ \t\r\n=*;]+)(?:\*(\d{1,3}))?(\*)?[ \t\r\n]*=[ \t\r\n]*(?:"((?:[^"\\]|\\.)*)"|([^ \t\r\n;]*))/g,
  )) {
    if (key.toLowerCase() !== wanted) continue;
    const text = quoted?.replace(/\\(.)/g, "$1") ?? token ?? "";
    if (number === undefined && star === undefined) return decodeWords(text);
    parts.push({ at: Number(number ?? 0), isCoded: star !== undefined, text });
  }
  return parts.length === 0 ? null : extended(parts.toSorted((a, b) => a.at - b.at));
}

function extended(parts: readonly { readonly isCoded: boolean; readonly text: string }[]): string {
  const first = parts[0]?.isCoded === true ? /^([^']*)'[^']*'/.exec(parts[0].text) : null;
  const all = parts
    .map(({ isCoded, text }, at) => {
      const own = at === 0 && first !== null ? text.slice(first[0].length) : text;
      return isCoded ? percent(own, /%([0-9A-F]{2})/gi) : own;
    })
    .join("");
  return toUtf8(Buffer.from(all, "latin1"), first?.[1] || "utf-8");
}
