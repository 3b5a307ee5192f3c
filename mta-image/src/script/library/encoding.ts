/** Encodings of bytes as text and back. Decoders take what they can and never fail, unless they say so. */
import { deflateSync, inflateRawSync, inflateSync, deflateRawSync, gunzipSync, gzipSync } from "node:zlib";

import { BudgetError, Refusal } from "../error.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";
import { bytes } from "./hash.ts";

const { string, number } = parameter;

const code = (name: string, docs: string, run: (text: string) => string): HostFunction =>
  declare({
    name,
    parameters: [string("string")],
    returns: "string",
    docs,
    run: (_, text) => {
      meter.allocate(text.length);
      const result = run(text);
      if (result.length > MAX_STRING) throw new BudgetError("a string is too long");
      return result;
    },
  });

export const encodingFunctions: readonly HostFunction[] = [
  code("base64_encode", "Base64 (RFC 4648) in one line.", (text) => bytes(text).toString("base64")),
  code("base64_decode", "Bytes from Base64; line breaks are skipped.", (text) =>
    Buffer.from(text, "base64").toString("latin1"),
  ),
  code("base64url_encode", "Base64 with the letters for URLs (RFC 4648), without padding.", (text) =>
    bytes(text).toString("base64url"),
  ),
  code("base64url_decode", "Bytes from Base64 with the letters for URLs.", (text) =>
    Buffer.from(text, "base64url").toString("latin1"),
  ),
  code("base32_encode", "Base32 (RFC 4648), with padding.", base32),
  code("base32_decode", "Bytes from Base32, in either case, up to the first other character.", unBase32),
  code("url_encode", "Everything but letters, digits and -._~ as %XX.", urlEncode),
  code("url_decode", "Bytes from %XX; a plus sign is a space.", (text) =>
    percentDecode(text.replaceAll("+", " ")),
  ),
  code("xtext_encode", "The encoding of SMTP parameters (RFC 3461 4).", (text) =>
    escapeBytes(text, XTEXT, "+"),
  ),
  code("xtext_decode", "Bytes from the encoding of SMTP parameters.", (text) =>
    unescapeBytes(text, "+", "0123456789ABCDEF"),
  ),
  declare({
    name: "zlib_compress",
    parameters: [string("string"), optional(number("compression")), optional(number("windowbits"))],
    returns: "string",
    docs: "Compressed by level 0 to 9. Window bits of 9 to 15 give zlib, negative ones raw deflate, plus 16 gzip.",
    run: (_, text, level, bits) => compress(text, level ?? 6, bits ?? 15),
  }),
  declare({
    name: "zlib_uncompress",
    parameters: [string("string"), optional(number("windowbits"))],
    returns: "string or none",
    docs: "What was compressed, with the window bits it was compressed with; none when it is damaged.",
    run: (_, text, bits) => uncompress(text, bits ?? 15),
  }),
];

/** Bytes from %XX; a percent sign without two digits stays. */
export function percentDecode(text: string): string {
  return unescapeBytes(text, "%", "0123456789ABCDEFabcdef");
}

export function urlEncode(text: string): string {
  return escapeBytes(text, UNRESERVED, "%");
}

/** By byte: 1 for those that stay. */
function plainBytes(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => Number(pattern.test(String.fromCharCode(code))));
}

const UNRESERVED = plainBytes(/[A-Za-z0-9._~-]/);
const XTEXT = plainBytes(/[!-*,-<>-~]/);

/** The others as a mark and two digits. In buffers: a call for each of many million bytes takes many times their room. */
function escapeBytes(text: string, plain: Uint8Array, mark: string): string {
  const from = bytes(text);
  let size = 0;
  for (const byte of from) size += plain[byte] === 1 ? 1 : 3;
  if (size === from.length) return text;
  if (size > MAX_STRING) throw new BudgetError("a string is too long");
  meter.allocate(size);
  const to = Buffer.allocUnsafe(size);
  let at = 0;
  for (const byte of from) {
    if (plain[byte] === 1) to[at++] = byte;
    else at += to.write(`${mark}${byte < 16 ? "0" : ""}${byte.toString(16).toUpperCase()}`, at, "latin1");
  }
  return to.toString("latin1");
}

/** The reverse; a mark without two of the digits stays. The digits of 10 to 15 may be there in both cases. */
function unescapeBytes(text: string, mark: string, digits: string): string {
  if (!text.includes(mark)) return text;
  const value = (at: number): number => {
    const found = at < text.length ? digits.indexOf(text[at] as string) : -1;
    return found > 15 ? found - 6 : found;
  };
  const to = bytes(text);
  let end = 0;
  for (let at = 0; at < text.length; at += 1) {
    const [high, low] = text[at] === mark ? [value(at + 1), value(at + 2)] : [-1, -1];
    const isCode = high >= 0 && low >= 0;
    to[end++] = isCode ? high * 16 + low : text.charCodeAt(at);
    if (isCode) at += 2;
  }
  return to.toString("latin1", 0, end);
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function base32(text: string): string {
  const size = Math.ceil(text.length / 5) * 8;
  if (size > MAX_STRING) throw new BudgetError("a string is too long");
  const result = Buffer.alloc(size, "=");
  let end = 0;
  let held = 0;
  let bits = 0;
  for (let at = 0; at < text.length; at++) {
    held = (held << 8) | text.charCodeAt(at);
    for (bits += 8; bits >= 5; bits -= 5) result[end++] = ALPHABET.charCodeAt((held >>> (bits - 5)) & 31);
    held &= 31;
  }
  if (bits > 0) result[end++] = ALPHABET.charCodeAt((held << (5 - bits)) & 31);
  return result.toString("latin1");
}

function unBase32(text: string): string {
  const result = Buffer.alloc(text.length);
  let end = 0;
  let held = 0;
  let bits = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter >= "a" && letter <= "z" ? letter.toUpperCase() : letter);
    if (value < 0) break;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    result[end++] = (held >>> bits) & 0xff;
  }
  return result.toString("latin1", 0, end);
}

/** Takes up to some two seconds, in which nothing looks at the clock. */
const LONGEST_PACKED = 32 * 1024 * 1024;

function compress(text: string, level: number, bits: number): string {
  if (!(level >= -1 && level <= 9)) throw new Refusal("a compression level is a number from 0 to 9");
  const size = windowBits(bits);
  if (text.length > LONGEST_PACKED) throw new BudgetError("a text is too long to be compressed at once");
  meter.allocate(text.length * 4);
  const run = bits < 0 ? deflateRawSync : bits > 16 ? gzipSync : deflateSync;
  return run(bytes(text), { level: Math.trunc(level), windowBits: size }).toString("latin1");
}

function uncompress(text: string, bits: number): string | null {
  const size = windowBits(bits);
  const run = bits < 0 ? inflateRawSync : bits > 16 ? gunzipSync : inflateSync;
  try {
    const result = run(bytes(text), { windowBits: size, maxOutputLength: MAX_STRING });
    meter.allocate(result.length);
    return result.toString("latin1");
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE")
      throw new BudgetError("a string is too long");
    if (error instanceof BudgetError) throw error;
    return null;
  }
}

function windowBits(bits: number): number {
  const size = Math.abs(bits) % 16 === 0 ? 0 : bits > 16 ? bits - 16 : Math.abs(bits);
  if (!(size >= 9 && size <= 15)) throw new Refusal("window bits are 9 to 15, negative, or 25 to 31");
  return Math.trunc(size);
}
