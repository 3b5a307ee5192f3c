/**
 * A script as it was written: its tokens with the comments and line ends before each. What the lexer leaves out stands in
 * the gaps between its tokens, and that is where it is found again. Pure.
 */
import type { Source } from "../script/source.ts";
import type { Token } from "../script/token.ts";

export interface Written {
  readonly kind: Token["kind"] | "comment";
  readonly text: string;
  /** Line ends before it: 0 on the same line as what is before, 2 or more for an empty line between. */
  readonly breaks: number;
}

export function written(source: Source, tokens: readonly Token[]): Written[] {
  const all: Written[] = [];
  let end = 0;
  for (const token of tokens) {
    const start = token.at - source.base;
    const breaks = gap(source.text.slice(end, start), all);
    end = token.end - source.base;
    if (token.kind !== "end") all.push({ kind: token.kind, text: source.text.slice(start, end), breaks });
  }
  return all;
}

/** Adds the comments of a gap; gives the line ends behind the last of them. */
function gap(text: string, all: Written[]): number {
  let breaks = 0;
  for (const [found] of text.matchAll(/\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\n/g)) {
    if (found === "\n") breaks += 1;
    else {
      all.push({ kind: "comment", text: found.trimEnd(), breaks });
      breaks = 0;
    }
  }
  return breaks;
}
