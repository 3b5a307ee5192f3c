/**
 * The parser's position in the tokens: looking, taking, expecting, and the one way to give up a construct
 * (a private exception that parse-statement.ts catches to go on at the next statement).
 */
import { MAX_NESTING } from "./limits.ts";
import type { Report } from "./lexer.ts";
import { type Token, keywords, reserved } from "./token.ts";

/** Thrown after a report, to get out of a construct; never leaves the parser. */
export class GiveUp extends Error {}

export class Cursor {
  readonly #tokens: readonly Token[];
  readonly #report: Report;
  #index = 0;
  #depth = 0;
  /** Set when a yield was seen; the function around it looks and resets. */
  sawYield = false;
  inClass = 0;

  constructor(tokens: readonly Token[], report: Report) {
    this.#tokens = tokens;
    this.#report = report;
  }

  get token(): Token {
    return this.#tokens[this.#index] as Token;
  }

  get at(): number {
    return this.token.at;
  }

  get isAtEnd(): boolean {
    return this.token.kind === "end";
  }

  peek(distance = 1): Token {
    return this.#tokens[Math.min(this.#index + distance, this.#tokens.length - 1)] as Token;
  }

  take(): Token {
    const { token } = this;
    if (token.kind !== "end") this.#index += 1;
    return token;
  }

  isSign(text: string): boolean {
    return this.token.kind === "sign" && this.token.text === text;
  }

  isWord(text: string): boolean {
    return this.token.kind === "word" && this.token.text === text;
  }

  takeSign(text: string): boolean {
    if (!this.isSign(text)) return false;
    this.#index += 1;
    return true;
  }

  takeWord(text: string): boolean {
    if (!this.isWord(text)) return false;
    this.#index += 1;
    return true;
  }

  expectSign(text: string): void {
    if (!this.takeSign(text)) this.fail(`${text} is missing before ${this.describe()}`);
  }

  expectWord(text: string): void {
    if (!this.takeWord(text)) this.fail(`${text} is missing before ${this.describe()}`);
  }

  expectVariable(): { name: string; at: number } {
    const { token } = this;
    if (token.kind !== "variable") return this.fail(`a variable is missing before ${this.describe()}`);
    this.#index += 1;
    return { name: token.text, at: token.at };
  }

  expectName(what: string): { name: string; at: number } {
    const { token } = this;
    if (token.kind !== "word") return this.fail(`${what} is missing before ${this.describe()}`);
    if (keywords.has(token.text) || reserved.has(token.text))
      return this.fail(`${token.text} is a word of the language and cannot be ${what}`);
    this.#index += 1;
    return { name: token.text, at: token.at };
  }

  /** Members may be called like a keyword: `$x->match()`. */
  expectMember(): string {
    const { token } = this;
    if (token.kind !== "word") return this.fail(`a member's name is missing before ${this.describe()}`);
    this.#index += 1;
    return token.text;
  }

  expectText(what: string): string {
    const { token } = this;
    if (token.kind !== "string" || token.parts.length !== 1)
      return this.fail(`${what} must be a string without variables`);
    this.#index += 1;
    return token.parts[0] as string;
  }

  describe(): string {
    const { token } = this;
    if (token.kind === "end") return "the end";
    if (token.kind === "variable") return `$${token.text}`;
    if (token.kind === "number") return String(token.value);
    return token.kind === "string" || token.kind === "regex" ? `a ${token.kind}` : token.text;
  }

  report(at: number, message: string): void {
    this.#report(at, message);
  }

  fail(message: string, at = this.at): never {
    this.#report(at, message);
    throw new GiveUp();
  }

  /** Bounds how deeply constructs nest, for the parser's own stack and for everyone who walks the tree. */
  nested<T>(parse: () => T): T {
    if (this.#depth >= MAX_NESTING) return this.fail("nested too deeply");
    this.#depth += 1;
    try {
      return parse();
    } finally {
      this.#depth -= 1;
    }
  }

  /** After GiveUp: on to where a statement may begin. */
  recover(from: number): void {
    if (this.#index === from) this.take();
    let depth = 0;
    while (!this.isAtEnd) {
      if (depth === 0 && (this.isSign("}") || this.takeSign(";"))) return;
      if (this.isSign("{")) depth += 1;
      if (this.isSign("}")) {
        depth -= 1;
        this.take();
        if (depth <= 0) return;
      } else this.take();
    }
  }

  get index(): number {
    return this.#index;
  }
}
