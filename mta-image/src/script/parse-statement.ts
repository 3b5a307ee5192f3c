/**
 * Statements, functions and classes; `parse` is the room's way from text to tree. Errors are reported and the parser
 * goes on at the next statement, so one run tells everything that is wrong. Never throws.
 */
import type {
  ClassNode,
  Expression,
  FunctionNode,
  MethodNode,
  ParameterNode,
  PropertyNode,
  Statement,
  Variable,
} from "./ast.ts";
import { Cursor, GiveUp } from "./cursor.ts";
import { type Report, tokenize } from "./lexer.ts";
import { MAX_PARAMETERS } from "./limits.ts";
import { ExpressionParser } from "./parse-expression.ts";
import { parseImport } from "./parse-import.ts";
import type { Source } from "./source.ts";

export function parse(source: Source, report: Report): readonly Statement[] {
  const cursor = new Cursor(tokenize(source, report), report);
  const parser = new StatementParser(cursor);
  const body = parser.statements();
  while (!cursor.isAtEnd) {
    cursor.report(cursor.at, `${cursor.describe()} closes nothing`);
    cursor.take();
    body.push(...parser.statements());
  }
  return body;
}

class StatementParser {
  readonly #cursor: Cursor;
  readonly #expressions: ExpressionParser;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
    this.#expressions = new ExpressionParser(cursor, {
      function: (_, at, name) => this.#function(at, name),
    });
  }

  /** Up to a closing brace or the end. */
  statements(): Statement[] {
    const cursor = this.#cursor;
    const body: Statement[] = [];
    while (!cursor.isAtEnd && !cursor.isSign("}")) {
      const { index } = cursor;
      try {
        body.push(cursor.nested(() => this.#statement()));
      } catch (error) {
        if (!(error instanceof GiveUp)) throw error;
        cursor.recover(index);
      }
    }
    return body;
  }

  #statement(): Statement {
    const cursor = this.#cursor;
    const { at, token } = cursor;
    if (cursor.takeSign(";")) return { kind: "empty", at };
    if (cursor.isSign("{")) return { kind: "block", at, body: this.#block() };
    if (token.kind === "word") {
      const parse = this.#byWord[token.text];
      if (parse !== undefined && this.#beginsStatement(token.text)) {
        cursor.take();
        return parse(at);
      }
    }
    const value = this.#expressions.parse();
    cursor.expectSign(";");
    return { kind: "expression", at, value };
  }

  /** `function` without a name and `static::` begin expressions. */
  #beginsStatement(word: string): boolean {
    const next = this.#cursor.peek();
    return word !== "function" || next.kind === "word";
  }

  readonly #byWord: Readonly<Record<string, (at: number) => Statement>> = {
    // A prototype's own names must not be found.
    ...(Object.create(null) as Record<string, never>),
    if: (at) => this.#if(at),
    for: (at) => this.#for(at),
    foreach: (at) => this.#foreach(at),
    while: (at) => ({ kind: "while", at, test: this.#parenthesised(), body: this.#statementAsBody() }),
    forever: (at) => ({ kind: "while", at, test: null, body: this.#statementAsBody() }),
    switch: (at) => this.#switch(at),
    break: (at) => this.#ended({ kind: "break", at }),
    continue: (at) => this.#ended({ kind: "continue", at }),
    return: (at) =>
      this.#returned({
        kind: "return",
        at,
        value: this.#cursor.isSign(";") ? null : this.#expressions.parse(),
      }),
    throw: (at) => this.#ended({ kind: "throw", at, value: this.#expressions.parse() }),
    echo: (at) => this.#ended({ kind: "echo", at, value: this.#expressions.parse() }),
    try: (at) => this.#try(at),
    global: (at) => this.#ended({ kind: "global", at, names: this.#variables() }),
    barrier: (at) => this.#barrier(at),
    include: (at) => this.#include(at, false),
    include_once: (at) => this.#include(at, true),
    import: (at) => parseImport(this.#cursor, this.#expressions, at),
    function: (at) => {
      const { name } = this.#cursor.expectName("a function's name");
      return { kind: "function", at, declaration: this.#function(at, name) };
    },
    class: (at) => ({ kind: "class", at, declaration: this.#class(at) }),
  };

  /** Samples of the language leave out the ; behind a return that ends its block. */
  #returned(statement: Statement): Statement {
    return this.#cursor.isSign("}") ? statement : this.#ended(statement);
  }

  #ended(statement: Statement): Statement {
    this.#cursor.expectSign(";");
    return statement;
  }

  #block(): readonly Statement[] {
    this.#cursor.expectSign("{");
    const body = this.statements();
    this.#cursor.expectSign("}");
    return body;
  }

  #parenthesised() {
    this.#cursor.expectSign("(");
    const value = this.#expressions.parse();
    this.#cursor.expectSign(")");
    return value;
  }

  #statementAsBody(): Statement {
    return this.#cursor.nested(() => this.#statement());
  }

  #if(at: number): Statement {
    const test = this.#parenthesised();
    const chosen = this.#statementAsBody();
    const otherwise = this.#cursor.takeWord("else") ? this.#statementAsBody() : null;
    return { kind: "if", at, test, chosen, otherwise };
  }

  #for(at: number): Statement {
    const cursor = this.#cursor;
    cursor.expectSign("(");
    const start = this.#expressionList(";");
    cursor.expectSign(";");
    const test = cursor.isSign(";") ? null : this.#expressions.parse();
    cursor.expectSign(";");
    const step = this.#expressionList(")");
    cursor.expectSign(")");
    return { kind: "for", at, start, test, step, body: this.#statementAsBody() };
  }

  #expressionList(end: string): readonly Expression[] {
    const list: Expression[] = [];
    if (this.#cursor.isSign(end)) return list;
    do list.push(this.#expressions.parse());
    while (this.#cursor.takeSign(","));
    return list;
  }

  #foreach(at: number): Statement {
    const cursor = this.#cursor;
    cursor.expectSign("(");
    const subject = this.#expressions.parse();
    cursor.expectWord("as");
    const first = this.#expressions.parse();
    const second = cursor.takeSign("=>") ? this.#expressions.parse() : null;
    cursor.expectSign(")");
    for (const target of [first, second])
      if (target !== null && !["variable", "array", "index", "member"].includes(target.kind))
        cursor.fail("foreach wants a variable after as", target.at);
    const body = this.#statementAsBody();
    return second === null
      ? { kind: "foreach", at, subject, key: null, value: first, body }
      : { kind: "foreach", at, subject, key: first, value: second, body };
  }

  #switch(at: number): Statement {
    const cursor = this.#cursor;
    const subject = this.#parenthesised();
    cursor.expectSign("{");
    const cases = [];
    while (!cursor.takeSign("}")) {
      const isDefault = cursor.takeWord("default");
      if (!isDefault) cursor.expectWord("case");
      const test = isDefault ? null : this.#expressions.parse();
      cursor.expectSign(":");
      cases.push({ test, body: this.#caseBody() });
    }
    return { kind: "switch", at, subject, cases };
  }

  #caseBody(): readonly Statement[] {
    const cursor = this.#cursor;
    const body: Statement[] = [];
    while (!cursor.isSign("}") && !cursor.isWord("case") && !cursor.isWord("default")) {
      if (cursor.isAtEnd) cursor.fail("} is missing before the end");
      body.push(this.#statementAsBody());
    }
    return body;
  }

  #try(at: number): Statement {
    const cursor = this.#cursor;
    const body = this.#block();
    cursor.expectWord("catch");
    let variable: Variable | null = null;
    if (cursor.takeSign("(")) {
      variable = this.#variable();
      cursor.expectSign(")");
    }
    return { kind: "try", at, body, variable, handler: this.#block() };
  }

  #variable(): Variable {
    return { kind: "variable", ...this.#cursor.expectVariable() };
  }

  #variables(): readonly Variable[] {
    const names = [];
    do names.push(this.#variable());
    while (this.#cursor.takeSign(","));
    return names;
  }

  #barrier(at: number): Statement {
    const name = this.#expressions.parse();
    const shared = this.#cursor.takeSign("=>") ? this.#variable() : null;
    return { kind: "barrier", at, name, shared, body: this.#block() };
  }

  #include(at: number, once: boolean): Statement {
    const path = this.#cursor.expectText("what is included");
    return this.#ended({ kind: "include", at, path, once });
  }

  #function(at: number, name: string | null): FunctionNode {
    const cursor = this.#cursor;
    const outer = cursor.sawYield;
    cursor.sawYield = false;
    const parameters = this.#parameters();
    const captures: Variable[] = [];
    if (cursor.takeWord("closure")) {
      cursor.expectSign("(");
      while (!cursor.isSign(")")) {
        captures.push(this.#variable());
        if (captures.length > MAX_PARAMETERS) cursor.fail("a closure shares too many variables");
        if (!cursor.takeSign(",")) break;
      }
      cursor.expectSign(")");
    }
    const body = this.#block();
    const generator = cursor.sawYield;
    cursor.sawYield = outer;
    return { at, name, parameters, captures, body, generator };
  }

  #parameters(): readonly ParameterNode[] {
    const cursor = this.#cursor;
    const parameters: ParameterNode[] = [];
    const names = new Set<string>();
    cursor.expectSign("(");
    while (!cursor.isSign(")")) {
      const rest = cursor.takeSign("...");
      const { name, at } = cursor.expectVariable();
      const fallback = !rest && cursor.takeSign("=") ? this.#expressions.parse() : null;
      if (names.has(name)) cursor.fail(`$${name} is there twice`, at);
      names.add(name);
      if (names.size > MAX_PARAMETERS) cursor.fail("a function has too many parameters", at);
      if (name === "this") cursor.fail("$this cannot be a parameter", at);
      parameters.push({ name, at, fallback, rest });
      if (rest || !cursor.takeSign(",")) break;
    }
    cursor.expectSign(")");
    return parameters;
  }

  #class(at: number): ClassNode {
    const cursor = this.#cursor;
    const { name } = cursor.expectName("a class's name");
    const properties: PropertyNode[] = [];
    const methods: MethodNode[] = [];
    let constructorFunction: FunctionNode | null = null;
    cursor.expectSign("{");
    while (!cursor.takeSign("}")) {
      if (cursor.takeSign(";")) continue;
      if (cursor.takeWord("constructor")) constructorFunction = this.#function(cursor.at, "constructor");
      else this.#classMember(properties, methods);
    }
    return { at, name, properties, methods, constructorFunction };
  }

  #classMember(properties: PropertyNode[], methods: MethodNode[]): void {
    const cursor = this.#cursor;
    const { at } = cursor;
    let isStatic = false;
    let access: PropertyNode["access"] = "public";
    for (;;) {
      if (cursor.takeWord("static")) isStatic = true;
      else if (cursor.takeWord("private")) access = "private";
      else if (cursor.takeWord("readonly")) access = "readonly";
      else break;
    }
    if (cursor.takeWord("function")) {
      if (access === "readonly") cursor.fail("a method cannot be readonly", at);
      const declaration = this.#function(at, cursor.expectMember());
      methods.push({ at, declaration, isStatic, access: access === "private" ? "private" : "public" });
      return;
    }
    const { name } = cursor.expectVariable();
    const value = cursor.takeSign("=") ? this.#expressions.parse() : null;
    cursor.expectSign(";");
    properties.push({ at, name, value, isStatic, access });
  }
}
