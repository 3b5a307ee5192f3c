/**
 * What a script wants to be said, made safe: a reply is ASCII on few short lines, its code has the class that the action
 * means, and what does not fit is replaced by the default. Pure; never throws.
 */
import { type Reply, makeReply } from "../smtp/reply.ts";
import { toText } from "../script/convert.ts";
import { type Value, HslArray } from "../script/value.ts";
import type { Wording } from "./stages.ts";

/** RFC 5321 4.5.3.1.5: 512 bytes with code and line end. */
const MAX_LINE = 450;
const MAX_LINES = 20;
/** In base64 it fits the 12,288 bytes that a line of AUTH may have. */
const MAX_CHALLENGE = 8_192;

export interface Said {
  readonly reason: Value;
  readonly options: HslArray | null;
}

/** The reply of an action; `isFinal` closes the connection behind it. */
export function replyOf(said: Said, usual: Wording, isFinal = false): Reply {
  const codes = said.options?.get("reply_codes") ?? null;
  const code = codeOf(codes, usual.code);
  const enhanced = enhancedOf(codes, code, usual.enhanced);
  const lines = linesOf(said.reason) ?? [usual.text];
  const disconnect = said.options?.get("disconnect") === true;
  return makeReply(code, enhanced, lines, { hangUp: isFinal || disconnect || code === 421 });
}

/** What a mechanism of a script asks, as AUTH wants it (RFC 4954 4): base64 in one line. */
export function challengeOf(reason: Value): string {
  return Buffer.from(wordsOf(reason).slice(0, MAX_CHALLENGE), "latin1").toString("base64");
}

/** The lines of a reason, or null when the script gave none. */
export function linesOf(reason: Value): string[] | null {
  const given = reason instanceof HslArray ? reason.values() : reason === null ? [] : [reason];
  const lines = given
    .slice(0, MAX_LINES)
    .flatMap((item) => wordsOf(item).split(/\r\n|\r|\n/))
    .map(clean);
  return lines.every((line) => line === "") ? null : lines.slice(0, MAX_LINES);
}

/** Only what is a text by itself: printing an array could take longer than the script was allowed to. */
function wordsOf(value: Value): string {
  return typeof value === "object" ? "" : toText(value).slice(0, MAX_LINES * MAX_LINE);
}

export function clean(line: string): string {
  return line.replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_LINE);
}

/** A code of another class would say the opposite of what the action means. */
function codeOf(codes: Value, usual: number): number {
  const code = codes instanceof HslArray ? numberOf(codes.get("code")) : Number.NaN;
  const isFitting = Number.isInteger(code) && code >= 200 && code <= 599;
  return isFitting && classOf(code) === classOf(usual) ? code : usual;
}

function enhancedOf(codes: Value, code: number, usual: string): string {
  const parts = codes instanceof HslArray ? codes.get("enhanced") : null;
  if (!(parts instanceof HslArray)) return usual;
  const numbers = parts.values().map(numberOf);
  const isFitting =
    numbers.length === 3 &&
    numbers.every((part) => Number.isInteger(part) && part >= 0 && part <= 999) &&
    numbers[0] === classOf(code);
  return isFitting ? numbers.join(".") : usual;
}

/** Public scripts take codes out of texts, and give them as such. */
function numberOf(value: Value): number {
  if (typeof value === "string" && /^\d{1,3}$/.test(value)) return Number(value);
  return typeof value === "number" ? value : Number.NaN;
}

function classOf(code: number): number {
  return Math.floor(code / 100);
}
