/** Whether a space stands between two tokens of one line: a table of habits, in the style of the public scripts. Pure. */
import type { Written } from "./written.ts";

/** What a sign is for, where it has more than one use. */
export type Role =
  | "plain"
  | "unary"
  | "postfix"
  | "slice-colon"
  | "label-colon"
  | "call-open"
  | "index-open"
  | "block-open"
  | "block-close";

export interface Piece extends Written {
  readonly role: Role;
}

/** Keywords that an opening parenthesis does not touch. */
const SPACED = new Set(
  "if for foreach while switch match catch closure return echo throw and or not as in function import from with".split(
    " ",
  ),
);

export function isSpaced(before: Piece, after: Piece): boolean {
  if (before.kind === "comment" || after.kind === "comment") return true;
  if (touchesLeft(after, before) || touchesRight(before)) return false;
  return true;
}

function touchesRight({ kind, text, role }: Piece): boolean {
  if (role === "unary" || role === "slice-colon") return true;
  if (kind !== "sign") return false;
  return ["(", "[", "->", "::", "..."].includes(text);
}

function touchesLeft({ kind, text, role }: Piece, before: Piece): boolean {
  if (kind !== "sign") return false;
  if (role === "postfix" || role === "slice-colon" || role === "label-colon") return true;
  if (role === "call-open" || role === "index-open")
    return !(before.kind === "word" && SPACED.has(before.text));
  return [")", "]", ",", ";", "->", "::"].includes(text);
}
