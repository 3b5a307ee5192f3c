/**
 * Patterns that people write, tried on text that strangers send: in any case of letters, and in time that grows with the
 * text. JavaScript's expressions go back over what they have read, some of them for years; V8 can change over to an engine
 * that never does after 50,000 such steps, where an expression has no look-around, no back-reference and no flag `i`. So
 * the flag is written out. Throws a SyntaxError for what is no expression.
 */
import { setFlagsFromString } from "node:v8";

// Looked at when an expression runs for the first time.
setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");

/** `\b`, `\x41`, `\p{Lu}`, `\k<name>`: as they are. */
const ESCAPE = /\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|[pP]\{[^}]*\}|k<[^>]*>|c[a-z]|.)/isy;
/** `(?:`, `(?<name>`, `(?=`, `(?i:`. */
const GROUP = /\(\?(?:<[^>=!]+>|<?[=!]|[a-z-]*:)/iy;
const RANGE = /([^\\\]])-([^\\\]])/y;

/** Like `new RegExp(source, "i")`. */
export function patternOf(source: string): RegExp {
  const asWritten = new RegExp(source, "i");
  try {
    return new RegExp(anyCase(source));
  } catch {
    return asWritten;
  }
}

function anyCase(source: string): string {
  let text = "";
  let isInClass = false;
  for (let at = 0; at < source.length; ) {
    const taken =
      matchAt(ESCAPE, source, at) ?? (isInClass ? rangeAt(source, at) : matchAt(GROUP, source, at));
    const character = source.charAt(at);
    if (taken === null && !isInClass && character === "[") isInClass = true;
    else if (taken === null && character === "]") isInClass = false;
    text += taken?.text ?? (isInClass ? bothOf(character) : classOf(character));
    at += taken?.length ?? 1;
  }
  return text;
}

interface Taken {
  readonly text: string;
  readonly length: number;
}

function matchAt(pattern: RegExp, source: string, at: number): Taken | null {
  pattern.lastIndex = at;
  const text = pattern.exec(source)?.[0];
  return text === undefined ? null : { text, length: text.length };
}

/** A range of letters of one case, with that of the other. */
function rangeAt(source: string, at: number): Taken | null {
  const range = matchAt(RANGE, source, at);
  if (range === null || !/^(?:[a-z]-[a-z]|[A-Z]-[A-Z])$/.test(range.text)) return range;
  return { text: range.text + [...range.text].map(otherOf).join(""), length: range.length };
}

function classOf(character: string): string {
  const both = bothOf(character);
  return both.length === 1 ? both : `[${both}]`;
}

function bothOf(character: string): string {
  const other = otherOf(character);
  return other === character ? character : character + other;
}

function otherOf(character: string): string {
  const upper = character.toUpperCase();
  const other = upper === character ? character.toLowerCase() : upper;
  return other.length === 1 ? other : character;
}
