/**
 * JSON from outside. V8's own parser (14.6) writes past its stack of handles when a text that is nested some thousand deep breaks off, and
 * the process dies with the next collection of garbage; no catch sees it. So whatever others may have written comes through
 * here. Throws a SyntaxError like JSON.parse, for what is nested too deep as well.
 */

/** Deaths began between 4,000 and 8,000; nobody means more than a few dozen. */
const MOST_LEVELS = 1_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new SyntaxError(`JSON is nested more than ${MOST_LEVELS} deep`);
  return JSON.parse(text);
}

/** One look at every character: of what is no JSON, JSON.parse reads no more than this does. */
function isTooDeep(text: string): boolean {
  let level = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = jsonStringEnd(text, at);
    else if (code === 0x5b || code === 0x7b) {
      level += 1;
      if (level > MOST_LEVELS) return true;
    } else if (code === 0x5d || code === 0x7d) level -= 1;
  }
  return false;
}

/** The place of the quote that closes the string that begins at `start`; the length of the text, or one more, when none does. */
export function jsonStringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
