/**
 * Bytes to tokens (pure). Never throws: what it cannot read is reported through `report` and skipped, and the last
 * token is always `end`. Source is one character per byte; bytes above 0x7f may stand in strings and comments only.
 */
import type { Source } from "./source.ts";
import { type StringPart, type Token, signs } from "./token.ts";

export type Report = (at: number, message: string) => void;

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const SPACE = /[ \t\r\n]+|\/\/[^\n]*/y;
const NUMBER = /0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][-+]?\d+)?/y;
const RAW = /'([\x21-\x26\x28-\x7e]*)'/y;
const REGEX = /#\/((?:[^/\\\n]|\\[^\n])*)\/([A-Za-z]*)/y;
const INTERPOLATED = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/y;

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\",
  '"': '"',
  $: "$",
  n: "\n",
  r: "\r",
  t: "\t",
};

export function tokenize(source: Source, report: Report): Token[] {
  return new Lexer(source, report).run();
}

class Lexer {
  readonly #text: string;
  readonly #base: number;
  readonly #report: Report;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(source: Source, report: Report) {
    this.#text = source.text;
    this.#base = source.base;
    this.#report = report;
  }

  run(): Token[] {
    this.#skipSpace();
    while (this.#at < this.#text.length) {
      this.#next();
      this.#skipSpace();
    }
    this.#tokens.push({ kind: "end", at: this.#place(this.#at), end: this.#place(this.#at) });
    return this.#tokens;
  }

  #skipSpace(): void {
    for (;;) {
      if (this.#take(SPACE) !== null) continue;
      if (!this.#text.startsWith("/*", this.#at)) return;
      const end = this.#text.indexOf("*/", this.#at + 2);
      if (end < 0) this.#report(this.#place(this.#at), "a comment has no end");
      this.#at = end < 0 ? this.#text.length : end + 2;
    }
  }

  #next(): void {
    const start = this.#at;
    const first = this.#text[start] as string;
    if (first === '"') return this.#string(start);
    if (first === "'" && this.#raw(start)) return;
    if (first === "#" && this.#regex(start)) return;
    if (first === "$") {
      this.#at += 1;
      const name = this.#take(NAME);
      if (name !== null) return this.#push({ kind: "variable", text: name[0] }, start);
      return this.#report(this.#place(start), "a name must follow $");
    }
    const name = this.#take(NAME);
    if (name !== null) return this.#push({ kind: "word", text: name[0] }, start);
    if (first >= "0" && first <= "9") return this.#number(start);
    const sign = signs.find((text) => this.#text.startsWith(text, start));
    if (sign === undefined) return this.#illegal(start);
    this.#at += sign.length;
    this.#push({ kind: "sign", text: sign }, start);
  }

  #number(start: number): void {
    const text = (this.#take(NUMBER) as RegExpExecArray)[0];
    if (!/^0[xob]/i.test(text) && /_(\D|$)/.test(text))
      this.#report(this.#place(start), "a number cannot end in _");
    if (/[A-Za-z0-9_]/.test(this.#text[this.#at] ?? "")) {
      this.#report(this.#place(this.#at), "a number runs into a name");
      this.#take(NAME);
    }
    this.#push({ kind: "number", value: Number(text.replaceAll("_", "")) }, start);
  }

  #string(start: number): void {
    const parts: StringPart[] = [];
    let text = "";
    this.#at += 1;
    for (;;) {
      const end = this.#plainEnd();
      text += this.#text.slice(this.#at, end);
      this.#at = end;
      const stop = this.#text[end];
      if (stop === '"' || stop === undefined) break;
      if (stop === "\\") text += this.#escape();
      else {
        const variable = this.#variable();
        if (variable === null) text += "$";
        else {
          parts.push(text, variable);
          text = "";
        }
      }
    }
    if (this.#at >= this.#text.length) this.#report(this.#place(start), "a string has no end");
    this.#at += 1;
    this.#push({ kind: "string", parts: [...parts, text] }, start);
  }

  #plainEnd(): number {
    let end = this.#at;
    while (end < this.#text.length) {
      const code = this.#text.charCodeAt(end);
      if (code === 0x22 || code === 0x5c || code === 0x24) break;
      end += 1;
    }
    return end;
  }

  #escape(): string {
    const next = this.#text[this.#at + 1] ?? "";
    if (next === "x") {
      const hex = /^[0-9a-fA-F]{1,2}/.exec(this.#text.slice(this.#at + 2, this.#at + 4))?.[0] ?? "";
      if (hex === "") this.#report(this.#place(this.#at), "\\x wants hexadecimal digits");
      this.#at += 2 + hex.length;
      return String.fromCharCode(Number.parseInt(hex || "0", 16));
    }
    this.#at += 2;
    // Unknown escapes stay as they are: patterns in ordinary strings rely on it ("\d").
    return escapes[next] ?? `\\${next}`;
  }

  #variable(): StringPart | null {
    const start = this.#at;
    const found = this.#take(INTERPOLATED);
    if (found === null) {
      this.#at += 1;
      return null;
    }
    return { variable: (found[1] ?? found[2]) as string, at: this.#place(start) };
  }

  #raw(start: number): boolean {
    const opening = this.#take(RAW);
    if (opening === null) return false;
    const end = this.#text.indexOf(opening[0], this.#at);
    if (end < 0) this.#report(this.#place(start), "a raw string has no end");
    const stop = end < 0 ? this.#text.length : end;
    const text = this.#text.slice(this.#at, stop);
    this.#at = stop + opening[0].length;
    this.#push({ kind: "string", parts: [text] }, start);
    return true;
  }

  #regex(start: number): boolean {
    const found = this.#take(REGEX);
    if (found === null) return false;
    this.#push({ kind: "regex", pattern: found[1] as string, flags: found[2] as string }, start);
    return true;
  }

  #illegal(start: number): void {
    const bytes = /[\x80-\xff]+|[\s\S]/y;
    bytes.lastIndex = start;
    const text = (bytes.exec(this.#text) as RegExpExecArray)[0];
    this.#at += text.length;
    this.#report(
      this.#place(start),
      `${JSON.stringify(Buffer.from(text, "latin1").toString())} may not stand here`,
    );
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }

  #place(offset: number): number {
    return this.#base + offset;
  }

  #push(token: Unplaced, start: number): void {
    this.#tokens.push({ ...token, at: this.#place(start), end: this.#place(this.#at) } as Token);
  }
}

type Unplaced = Token extends infer T ? (T extends Token ? Omit<T, "at" | "end"> : never) : never;
