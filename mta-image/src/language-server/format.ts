/**
 * The formatter: indentation, spaces and line ends of a script, whose line breaks within statements and comments are kept.
 * A block that was written on one line stays on it when it fits. Formatting twice changes nothing more, and the tokens
 * are those of before. Null for a script that does not parse: `report` has heard why.
 */
import { type Report, tokenize } from "../script/lexer.ts";
import { parse } from "../script/parse-statement.ts";
import type { Source } from "../script/source.ts";
import { withRoles } from "./roles.ts";
import { type Piece, isSpaced } from "./spacing.ts";
import { written } from "./written.ts";

const INDENT = "  ";
const WIDTH = 110;

export function format(source: Source, report: Report): string | null {
  let isBroken = false;
  const noted: Report = (at, message) => {
    isBroken = true;
    report(at, message);
  };
  parse(source, noted);
  if (isBroken) return null;
  const tokens = tokenize(source, () => undefined);
  return new Printer(withRoles(written(source, tokens))).print();
}

interface Group {
  /** Of the line that opened it. */
  readonly indent: number;
  readonly isBlock: boolean;
  readonly isInline: boolean;
  readonly isSwitch: boolean;
  /** Within a switch, after a label. */
  isLabelled: boolean;
}

class Printer {
  readonly #pieces: readonly Piece[];
  readonly #inline: ReadonlySet<number>;
  readonly #groups: Group[] = [
    { indent: -1, isBlock: true, isInline: false, isSwitch: false, isLabelled: false },
  ];
  #out = "";
  #lineIndent = 0;
  #isSwitchNext = false;
  #before: Piece | null = null;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
    this.#inline = inlineBlocks(pieces);
  }

  print(): string {
    this.#pieces.forEach((piece, at) => {
      this.#place(piece, at);
      this.#out += piece.text;
      this.#enter(piece, at);
      this.#before = piece;
    });
    return this.#out === "" ? "" : `${this.#out}\n`;
  }

  #place(piece: Piece, at: number): void {
    const { groups, before } = { groups: this.#groups, before: this.#before };
    const isClosing = piece.kind === "sign" && [")", "]", "}"].includes(piece.text);
    const closed = isClosing && groups.length > 1 ? (groups.pop() as Group) : null;
    if (before === null) return;
    if (!this.#breaks(before, piece, closed)) {
      this.#out += isSpaced(before, piece) && !isEmptyPair(before, piece) ? " " : "";
      return;
    }
    const isGap = piece.breaks > 1 && !isOpening(before) && !isClosing;
    this.#lineIndent = closed === null ? this.#indentOf(piece, at) : closed.indent;
    this.#out += `${isGap ? "\n\n" : "\n"}${INDENT.repeat(this.#lineIndent)}`;
  }

  #breaks(before: Piece, piece: Piece, closed: Group | null): boolean {
    if (before.kind === "comment" && before.text.startsWith("//")) return true;
    const group = this.#groups.at(-1) as Group;
    if (piece.kind === "comment") return piece.breaks > 0;
    if (closed?.isBlock === true) return !closed.isInline && !isOpening(before);
    if (isOpening(before) && before.text === "{" && group.isBlock) return !group.isInline;
    if (isTail(piece, before) || isAttached(piece, before)) return false;
    if (goesOn(piece)) return piece.breaks > 0;
    if (piece.breaks > 0 && !(group.isInline && group.isBlock)) return true;
    if (!group.isBlock || group.isInline) return false;
    return endsStatement(before);
  }

  #indentOf(piece: Piece, at: number): number {
    const group = this.#groups.at(-1) as Group;
    const isLabel = group.isSwitch && (piece.text === "case" || piece.text === "default");
    if (isLabel) group.isLabelled = true;
    const base = group.indent + 1 + (group.isSwitch && group.isLabelled && !isLabel ? 1 : 0);
    const last = this.#lastCode(at);
    const isStart = last === undefined || isOpening(last) || endsStatement(last) || last.text === ",";
    return isStart || last.role === "label-colon" ? base : base + 1;
  }

  #lastCode(at: number): Piece | undefined {
    let last = at - 1;
    while (this.#pieces[last]?.kind === "comment") last -= 1;
    return this.#pieces[last];
  }

  #enter(piece: Piece, at: number): void {
    if (piece.kind === "word" && piece.text === "switch") this.#isSwitchNext = true;
    if (!isOpening(piece)) return;
    const isBlock = piece.text === "{";
    this.#groups.push({
      indent: this.#lineIndent,
      isBlock,
      isInline: isBlock && this.#inline.has(at),
      isSwitch: isBlock && this.#isSwitchNext,
      isLabelled: false,
    });
    if (isBlock) this.#isSwitchNext = false;
  }
}

function isOpening({ kind, text }: Piece): boolean {
  return kind === "sign" && (text === "(" || text === "[" || text === "{");
}

function isEmptyPair(before: Piece, after: Piece): boolean {
  return before.text === "{" && after.text === "}" && before.kind === "sign";
}

function endsStatement({ kind, text, role }: Piece): boolean {
  return kind === "sign" && (text === ";" || text === "}" || role === "label-colon");
}

/** What goes on behind a closing brace on the same line. */
function isTail({ kind, text }: Piece, before: Piece): boolean {
  if (kind === "word") return before.text === "}" && (text === "else" || text === "catch" || text === "from");
  return kind === "sign" && (text === ";" || text === ",");
}

/** What may stand behind a closing brace on the same line, or on a line of its own. */
function goesOn({ kind, text }: Piece): boolean {
  return kind === "sign" && [")", "]", "(", "->"].includes(text);
}

/** A brace stands behind what it belongs to. */
function isAttached({ role }: Piece, before: Piece): boolean {
  return role === "block-open" && !isOpening(before) && !endsStatement(before);
}

/** Opening braces whose block has no line break and is short enough. */
function inlineBlocks(pieces: readonly Piece[]): ReadonlySet<number> {
  const inline = new Set<number>();
  const open: { readonly at: number; isWhole: boolean; length: number }[] = [];
  pieces.forEach((piece, at) => {
    for (const one of open) {
      one.length += piece.text.length + 1;
      if (piece.breaks > 0 || (piece.kind === "comment" && piece.text.startsWith("//"))) one.isWhole = false;
    }
    if (piece.kind !== "sign") return;
    if (piece.text === "{") open.push({ at, isWhole: true, length: 0 });
    const done = piece.text === "}" ? open.pop() : undefined;
    if (done?.isWhole === true && done.length < WIDTH) inline.add(done.at);
  });
  return inline;
}
