/**
 * Lists of addresses in header fields (RFC 5322 3.4), read from what senders write and written for them. One pass over
 * the text, so hostile ones cost no more than their length. Null for what is no list.
 */
import { meter } from "../meter.ts";
import { trim } from "./part.ts";
import { decodeWords, encodeRun, isPlain } from "./words.ts";

export interface Mailbox {
  /** Decoded; empty when there is none. */
  readonly name: string;
  readonly address: string;
}

type Token =
  | { readonly kind: "text" | "quoted" | "comment"; readonly text: string; readonly spaced: boolean }
  | { readonly kind: "mark"; readonly text: string; readonly spaced: boolean };

const MARKS = "<>,:;";
/** A token is looked at many times. */
const STEPS_A_TOKEN = 20;
const TOKEN_BYTES = 100;

export function readAddresses(value: string): readonly Mailbox[] | null {
  const tokens = tokensOf(value);
  if (tokens === null) return null;
  const found: Mailbox[] = [];
  for (const group of split(tokens)) {
    if (group.every(({ kind }) => kind === "comment")) continue;
    const mailbox = mailboxOf(group);
    if (mailbox === null) return null;
    found.push(mailbox);
  }
  return found;
}

/** At commas; what a group's name and marks are for is left out. */
function split(tokens: readonly Token[]): readonly Token[][] {
  const all: Token[][] = [[]];
  let isAngle = false;
  for (const token of tokens) {
    if (token.kind === "mark" && token.text === "<") isAngle = true;
    if (token.kind === "mark" && token.text === ">") isAngle = false;
    if (token.kind !== "mark" || isAngle || !",;:".includes(token.text)) all.at(-1)?.push(token);
    else if (token.text === ":") all.splice(-1, 1, []);
    else all.push([]);
  }
  return all;
}

function mailboxOf(tokens: readonly Token[]): Mailbox | null {
  const open = tokens.findIndex(({ kind, text }) => kind === "mark" && text === "<");
  const marks = tokens.filter(({ kind }) => kind === "mark").map(({ text }) => text);
  if (open < 0) {
    if (marks.length > 0) return null;
    const comment = tokens.find(({ kind }) => kind === "comment");
    return mailbox(comment?.text ?? "", tokens);
  }
  const close = tokens.findIndex(({ kind, text }, at) => at > open && kind === "mark" && text === ">");
  if (close < 0 || marks.filter((mark) => mark === "<" || mark === ">").length !== 2) return null;
  if (tokens.slice(close + 1).some(({ kind }) => kind !== "comment")) return null;
  const inside = tokens.slice(open + 1, close);
  const route = inside.findLastIndex(({ kind, text }) => kind === "mark" && text === ":");
  return mailbox(phrase(tokens.slice(0, open)), inside.slice(route + 1));
}

function mailbox(name: string, tokens: readonly Token[]): Mailbox | null {
  let address = "";
  // Asked for by itself: to look at the end of a long address for each token would take the square of its length.
  let last = "";
  for (const { kind, text, spaced } of tokens) {
    if (kind === "comment") continue;
    if (kind === "mark") return null;
    // White space within an address is allowed around dots and the @ only.
    if (spaced && address !== "" && !".@".includes(last) && !/^[.@]/.test(text)) return null;
    const part = kind === "quoted" ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
    address += part;
    last = part.slice(-1);
  }
  return address === "" ? null : { name: decodeWords(name), address };
}

function phrase(tokens: readonly Token[]): string {
  const words = tokens.filter(({ kind }) => kind !== "comment");
  return trim(words.map(({ text, spaced }, at) => (at > 0 && spaced ? ` ${text}` : text)).join(""));
}

/** Null when quotes or comments have no end. */
function tokensOf(value: string): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;
  let spaced = false;
  while (at < value.length) {
    const char = value[at] as string;
    if (/[ \t\r\n]/.test(char)) {
      spaced = true;
      at += 1;
      continue;
    }
    const end = tokenEnd(value, at);
    if (end === null) return null;
    meter.charge(STEPS_A_TOKEN);
    meter.allocate(TOKEN_BYTES + end - at);
    tokens.push(tokenOf(value.slice(at, end), spaced));
    spaced = false;
    at = end;
  }
  return tokens;
}

function tokenOf(raw: string, spaced: boolean): Token {
  if (raw.length === 1 && MARKS.includes(raw)) return { kind: "mark", text: raw, spaced };
  const inner = (): string => raw.slice(1, -1).replace(/\\([\s\S])/g, "$1");
  if (raw.startsWith('"')) return { kind: "quoted", text: inner(), spaced };
  if (raw.startsWith("(")) return { kind: "comment", text: inner(), spaced };
  return { kind: "text", text: raw, spaced };
}

function tokenEnd(value: string, at: number): number | null {
  const char = value[at] as string;
  if (MARKS.includes(char)) return at + 1;
  if (char === '"') return closing(value, at, '"', null);
  if (char === "(") return closing(value, at, ")", "(");
  let end = at;
  while (end < value.length && !/[ \t\r\n<>,:;"()]/.test(value[end] as string)) {
    // A domain literal has colons of its own.
    if (value[end] === "[") {
      const close = value.indexOf("]", end);
      if (close < 0) return null;
      end = close;
    }
    end += 1;
  }
  return end === at ? null : end;
}

function closing(value: string, start: number, close: string, open: string | null): number | null {
  let depth = 1;
  for (let at = start + 1; at < value.length; at += 1) {
    if (value[at] === "\\") at += 1;
    else if (value[at] === close) {
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (value[at] === open) depth += 1;
  }
  return null;
}

export function writeAddresses(all: readonly Mailbox[]): string {
  return all
    .map(({ name, address }) => (name === "" ? address : `${writeName(name)} <${address}>`))
    .join(", ");
}

function writeName(name: string): string {
  if (!isPlain(name)) return encodeRun(name);
  return /^[\w !#$%&'*+/=?^`{|}~-]+$/.test(name) ? name : `"${name.replace(/["\\]/g, "\\$&")}"`;
}
