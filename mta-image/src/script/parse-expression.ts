/**
 * Expressions, by precedence climbing. From tight to loose: postfix; **; unary - + ~ and `++ --`; * / %; + -; .;
 * shifts; < > <= >=; == != === !== =~ !~; &; ^; |; not and !; and; or; ??; ?: and ternary (right associative).
 * Assignments bind to the place left of them, and take all that stands to the right. Throws GiveUp after a report.
 */
import type { Argument, ArrayItem, BinaryOperator, Expression, FunctionNode } from "./ast.ts";
import { assignments, isPlace } from "./assignment.ts";
import type { Cursor } from "./cursor.ts";
import { MAX_ARGUMENTS } from "./limits.ts";
import { keywords, reserved } from "./token.ts";

/** How a closure's head and body are parsed; given by parse-statement.ts, which imports this file. */
export interface Parsers {
  function(cursor: Cursor, at: number, name: string | null): FunctionNode;
}

const levels: readonly (readonly BinaryOperator[])[] = [
  ["|"],
  ["^"],
  ["&"],
  ["==", "!=", "===", "!==", "=~", "!~"],
  ["<", ">", "<=", ">="],
  ["<<", ">>", ">>>"],
  ["."],
  ["+", "-"],
  ["*", "/", "%"],
];

/** Links of one chain, which the tree holds one within the other. */
const MAX_LINKS = 500;

export class ExpressionParser {
  readonly #cursor: Cursor;
  readonly #parsers: Parsers;

  constructor(cursor: Cursor, parsers: Parsers) {
    this.#cursor = cursor;
    this.#parsers = parsers;
  }

  parse(): Expression {
    return this.#cursor.nested(() => this.#assignment());
  }

  #assignment(): Expression {
    const cursor = this.#cursor;
    if (cursor.isWord("yield")) return this.#yield();
    const value = this.#conditional();
    const operator = this.#assignmentSign();
    if (operator !== undefined) this.#checkTarget(value, operator === null);
    return value;
  }

  #assignmentSign(): BinaryOperator | "??" | null | undefined {
    const { token } = this.#cursor;
    return token.kind === "sign" ? assignments.get(token.text) : undefined;
  }

  /** What can only be assigned to binds to the place left of the sign, however tight the operator before it: `!$a = f()`. */
  #assigned(target: Expression, at: number): Expression {
    const operator = this.#assignmentSign();
    if (operator === undefined || !isPlace(target, operator === null)) return target;
    this.#cursor.take();
    return { kind: "assign", at, operator, target, value: this.parse() };
  }

  #checkTarget(target: Expression, pattern: boolean): void {
    if (!isPlace(target, pattern)) this.#cursor.fail("this cannot be assigned to", target.at);
  }

  #yield(): Expression {
    const cursor = this.#cursor;
    const { at } = cursor.take();
    cursor.sawYield = true;
    const ends = [";", ")", "]", "}", ","].some((sign) => cursor.isSign(sign));
    if (ends || cursor.isAtEnd) return { kind: "yield", at, key: null, value: null };
    const value = this.parse();
    if (!cursor.takeSign("=>")) return { kind: "yield", at, key: null, value };
    return { kind: "yield", at, key: value, value: this.parse() };
  }

  #conditional(): Expression {
    const cursor = this.#cursor;
    const { at } = cursor;
    const test = this.#coalesce();
    const isShort = cursor.takeSign("?:");
    if (!isShort && !cursor.takeSign("?")) return test;
    if (isShort || cursor.takeSign(":"))
      return { kind: "logical", at, operator: "?:", left: test, right: this.#nestedConditional() };
    const chosen = this.parse();
    cursor.expectSign(":");
    return { kind: "conditional", at, test, chosen, otherwise: this.#nestedAssignment() };
  }

  #nestedConditional(): Expression {
    return this.#cursor.nested(() => this.#conditional());
  }

  #nestedAssignment(): Expression {
    return this.#cursor.nested(() => this.#assignment());
  }

  #coalesce(): Expression {
    const cursor = this.#cursor;
    const { at } = cursor;
    const left = this.#or();
    if (!cursor.takeSign("??")) return left;
    return { kind: "logical", at, operator: "??", left, right: cursor.nested(() => this.#coalesce()) };
  }

  #or(): Expression {
    const { at } = this.#cursor;
    let left = this.#and();
    for (let links = 0; this.#cursor.takeWord("or"); links++) {
      this.#bound(links);
      left = { kind: "logical", at, operator: "or", left, right: this.#and() };
    }
    return left;
  }

  #and(): Expression {
    const { at } = this.#cursor;
    let left = this.#not();
    for (let links = 0; this.#cursor.takeWord("and"); links++) {
      this.#bound(links);
      left = { kind: "logical", at, operator: "and", left, right: this.#not() };
    }
    return left;
  }

  #bound(links: number): void {
    if (links > MAX_LINKS) this.#cursor.fail("too many operators in one expression");
  }

  #not(): Expression {
    const cursor = this.#cursor;
    const { at } = cursor;
    if (!cursor.takeWord("not")) return this.#binary(0);
    return { kind: "unary", at, operator: "not", operand: cursor.nested(() => this.#not()) };
  }

  #binary(level: number): Expression {
    const operators = levels[level];
    if (operators === undefined) return this.#unary();
    const cursor = this.#cursor;
    const { at } = cursor;
    let left = this.#binary(level + 1);
    for (let links = 0; ; links++) {
      this.#bound(links);
      const operator = operators.find((text) => cursor.isSign(text));
      if (operator === undefined) return left;
      cursor.take();
      left = { kind: "binary", at, operator, left, right: this.#binary(level + 1) };
    }
  }

  #unary(): Expression {
    const cursor = this.#cursor;
    const { at } = cursor;
    for (const [sign, operator] of [
      ["-", "-"],
      ["+", "+"],
      ["~", "~"],
      ["!", "not"],
    ] as const)
      if (cursor.takeSign(sign))
        return { kind: "unary", at, operator, operand: cursor.nested(() => this.#unary()) };
    for (const [sign, by] of [
      ["++", 1],
      ["--", -1],
    ] as const)
      if (cursor.takeSign(sign)) {
        const target = cursor.nested(() => this.#unary());
        this.#checkTarget(target, false);
        return { kind: "step", at, by, prefix: true, target };
      }
    return this.#power();
  }

  #power(): Expression {
    const cursor = this.#cursor;
    const { at } = cursor;
    const left = this.#assigned(this.#postfix(this.#primary()), at);
    if (!cursor.takeSign("**")) return left;
    return { kind: "binary", at, operator: "**", left, right: cursor.nested(() => this.#unary()) };
  }

  #postfix(start: Expression): Expression {
    const cursor = this.#cursor;
    let base = start;
    for (let links = 0; ; links++) {
      this.#bound(links);
      const { at } = cursor;
      if (cursor.isSign("(")) base = { kind: "call", at: base.at, callee: base, args: this.#arguments() };
      else if (cursor.takeSign("[")) base = this.#subscript(base, at);
      else if (cursor.takeSign("->")) base = { kind: "member", at, base, name: cursor.expectMember() };
      else if (cursor.isSign("++") || cursor.isSign("--")) {
        this.#checkTarget(base, false);
        const by = cursor.isSign("++") ? 1 : -1;
        cursor.take();
        base = { kind: "step", at, by, prefix: false, target: base };
      } else return base;
    }
  }

  #arguments(): readonly Argument[] {
    const cursor = this.#cursor;
    const args: Argument[] = [];
    cursor.expectSign("(");
    while (!cursor.isSign(")")) {
      const { at } = cursor;
      const spread = cursor.takeSign("...");
      if (args.length === MAX_ARGUMENTS) cursor.fail("a call has too many arguments", at);
      args.push({ at, spread, value: this.parse() });
      if (!cursor.takeSign(",")) break;
    }
    cursor.expectSign(")");
    return args;
  }

  #subscript(base: Expression, at: number): Expression {
    const cursor = this.#cursor;
    if (cursor.takeSign("]")) return { kind: "index", at, base, index: null };
    if (cursor.takeSign("...")) {
      const path = this.parse();
      cursor.expectSign("]");
      return { kind: "path", at, base, path };
    }
    const from = cursor.isSign(":") || cursor.isSign("::") ? null : this.parse();
    if (cursor.takeSign("]")) return { kind: "index", at, base, index: from };
    const double = cursor.takeSign("::");
    if (!double) cursor.expectSign(":");
    const stops = (): boolean => cursor.isSign("]") || cursor.isSign(":");
    const to = double || stops() ? null : this.parse();
    const step = (double || cursor.takeSign(":")) && !cursor.isSign("]") ? this.parse() : null;
    cursor.expectSign("]");
    return { kind: "slice", at, base, from, to, step };
  }

  #primary(): Expression {
    const cursor = this.#cursor;
    const { token } = cursor;
    const { at } = token;
    switch (token.kind) {
      case "number":
        cursor.take();
        return { kind: "literal", at, value: token.value };
      case "string":
        cursor.take();
        return interpolated(at, token.parts);
      case "regex":
        cursor.take();
        return { kind: "regex", at, pattern: token.pattern, flags: token.flags };
      case "variable":
        cursor.take();
        return token.text === "this" ? { kind: "this", at } : { kind: "variable", at, name: token.text };
      case "word":
        return this.#word(token.text, at);
      case "sign":
        return this.#bracketed(at);
      case "end":
        return cursor.fail("the text ends too early");
    }
  }

  #bracketed(at: number): Expression {
    const cursor = this.#cursor;
    if (cursor.takeSign("(")) {
      const inner = this.parse();
      cursor.expectSign(")");
      return inner;
    }
    if (cursor.takeSign("[")) return { kind: "array", at, items: this.#items() };
    return cursor.fail(`${cursor.describe()} is unexpected`);
  }

  #items(): readonly ArrayItem[] {
    const cursor = this.#cursor;
    const items: ArrayItem[] = [];
    while (!cursor.isSign("]")) {
      const { at } = cursor;
      const spread = cursor.takeSign("...");
      const first = this.parse();
      if (!spread && cursor.takeSign("=>")) items.push({ at, key: first, value: this.parse(), spread });
      else items.push({ at, key: null, value: first, spread });
      if (!cursor.takeSign(",")) break;
    }
    cursor.expectSign("]");
    return items;
  }

  #word(word: string, at: number): Expression {
    const cursor = this.#cursor;
    const constant = constants.get(word);
    if (constant !== undefined) {
      cursor.take();
      return { kind: "literal", at, value: constant };
    }
    if (word === "function") {
      cursor.take();
      return { kind: "function", at, declaration: this.#parsers.function(cursor, at, null) };
    }
    if (word === "match") return this.#match();
    if (word === "cache") return this.#cache();
    if (word === "builtin") {
      cursor.take();
      return { kind: "name", at, name: cursor.expectName("a function").name, builtin: true };
    }
    const scoped = cursor.peek().kind === "sign" && (cursor.peek() as { text: string }).text === "::";
    if (scoped && (word === "static" || !keywords.has(word))) return this.#scoped(word, at);
    if (keywords.has(word) || reserved.has(word)) return cursor.fail(`${word} is unexpected`);
    cursor.take();
    return { kind: "name", at, name: word, builtin: false };
  }

  #scoped(scope: string, at: number): Expression {
    const cursor = this.#cursor;
    cursor.take();
    cursor.take();
    if (cursor.token.kind !== "variable")
      return { kind: "scoped", at, scope, name: cursor.expectMember(), variable: false };
    return { kind: "scoped", at, scope, name: cursor.expectVariable().name, variable: true };
  }

  #match(): Expression {
    const cursor = this.#cursor;
    const { at } = cursor.take();
    cursor.expectSign("(");
    const subject = this.parse();
    cursor.expectSign(")");
    cursor.expectSign("{");
    const arms: { values: Expression[] | null; result: Expression }[] = [];
    while (!cursor.isSign("}")) {
      const values = this.#armValues();
      cursor.expectSign("=>");
      arms.push({ values, result: this.parse() });
      if (!cursor.takeSign(",")) break;
    }
    cursor.expectSign("}");
    return { kind: "match", at, subject, arms };
  }

  #armValues(): Expression[] | null {
    const cursor = this.#cursor;
    if (cursor.takeWord("default")) {
      cursor.takeSign(",");
      return null;
    }
    const values: Expression[] = [];
    do {
      if (cursor.isSign("=>")) break;
      values.push(this.parse());
    } while (cursor.takeSign(","));
    return values;
  }

  #cache(): Expression {
    const cursor = this.#cursor;
    const { at } = cursor.take();
    const options = cursor.isSign("[") ? this.#primary() : null;
    const call = this.#postfix(this.#primary());
    if (call.kind !== "call") return cursor.fail("cache wants a function call", at);
    return { kind: "cache", at, options, call };
  }
}

const constants: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ["true", true],
  ["false", false],
  ["none", null],
]);

function interpolated(
  at: number,
  parts: readonly (string | { readonly variable: string; readonly at: number })[],
): Expression {
  if (parts.length === 1) return { kind: "literal", at, value: parts[0] as string };
  return {
    kind: "interpolated",
    at,
    parts: parts.map((part) =>
      typeof part === "string" ? part : { kind: "variable" as const, name: part.variable, at: part.at },
    ),
  };
}
