/** Finds out what each sign is for: unary or binary, call or grouping, slice or ternary. Pure. */
import { keywords } from "../script/token.ts";
import type { Piece, Role } from "./spacing.ts";
import type { Written } from "./written.ts";

interface Bracket {
  readonly text: string;
  /** Ternaries whose colon has not come. */
  questions: number;
}

/** Words that are values, so that a sign behind them is binary. */
const VALUES = new Set(["true", "false", "none"]);

export function withRoles(all: readonly Written[]): Piece[] {
  const reader = new RoleReader();
  return all.map((one) => reader.next(one));
}

class RoleReader {
  readonly #brackets: Bracket[] = [{ text: "", questions: 0 }];
  #before: Piece | null = null;

  next(one: Written): Piece {
    const piece: Piece = { ...one, role: roleOf(one, this.#before, this.#here) };
    if (one.kind === "comment") return piece;
    if (one.kind === "sign") this.#sign(one.text);
    this.#before = piece;
    return piece;
  }

  get #here(): Bracket {
    return this.#brackets.at(-1) as Bracket;
  }

  #sign(text: string): void {
    const here = this.#here;
    if (["(", "[", "{"].includes(text)) this.#brackets.push({ text, questions: 0 });
    else if ([")", "]", "}"].includes(text) && this.#brackets.length > 1) this.#brackets.pop();
    else if (text === "?") here.questions += 1;
    else if (text === ":" && here.questions > 0) here.questions -= 1;
  }
}

function roleOf({ kind, text }: Written, before: Piece | null, here: Bracket): Role {
  if (kind !== "sign") return "plain";
  const isAfterValue = before !== null && endsValue(before);
  switch (text) {
    case "++":
    case "--":
      return isAfterValue ? "postfix" : "unary";
    case "!":
    case "~":
      return "unary";
    case "-":
    case "+":
      return isAfterValue ? "plain" : "unary";
    case "(":
      return isAfterValue || isCallName(before) ? "call-open" : "plain";
    case "[":
      return isAfterValue ? "index-open" : "plain";
    case "{":
      return "block-open";
    case "}":
      return "block-close";
    case ":":
      return colonRole(here);
    default:
      return "plain";
  }
}

function colonRole({ text, questions }: Bracket): Role {
  if (questions > 0) return "plain";
  return text === "[" ? "slice-colon" : "label-colon";
}

function isCallName(before: Piece | null): boolean {
  return before?.kind === "word";
}

/** Whether what stands here can be the left side of an operator. */
function endsValue({ kind, text, role }: Piece): boolean {
  if (kind === "word") return !keywords.has(text) || VALUES.has(text);
  if (kind === "sign") return text === ")" || text === "]" || text === "}" || role === "postfix";
  return kind !== "comment";
}
