/** Functions and statements to JavaScript text; part of the emitter. */
import type { Expression, Statement } from "./ast.ts";
import type { ProgramOut } from "./emit-out.ts";
import { ExpressionEmitter } from "./emit-expression.ts";
import { mark } from "./emit-names.ts";
import { MAX_STOPS } from "./limits.ts";
import type { Fn } from "./program.ts";
import { children, expressionsOf } from "./walk.ts";

/** A call is a step. */
const TICK = "if(--m.left<0)m.refill();";
/**
 * So is each look whether a loop goes on. They are counted in a variable of the function (`q`, downwards) and told to the meter
 * some at a time: a store in every round is what such loops would wait for.
 */
const ROUNDS = 64;
const REST = `m.left-=${ROUNDS}-q;`;

/**
 * A loop that is left for the meter and entered again. Were the meter called from within, V8 would keep what lives across that call in
 * memory all the time: a sum that grows in each round would wait for its own store, which takes longer than the addition. Nor may the
 * inner loop come first in the outer one, for V8 would take the two for one.
 */
function metered(test: string, step: string, body: string): string {
  const pay = `if(q<0){q=${ROUNDS};if((m.left-=${ROUNDS})<0)m.refill();}`;
  return `for(;;){${pay}for(;--q>=0&&(${test});${step}){${body}}if(q>=0)break;}`;
}

const comparisons: ReadonlySet<string> = new Set(["<", "<=", ">", ">="]);

/** Statements and expressions in a loop that is written twice; loops within it would be written four times. */
const MOST_TWICE = 100;

function sizeOf(body: readonly Statement[]): number {
  return body.reduce((sum, statement) => {
    const isLarge = ["for", "while", "foreach", "include", "barrier", "try"].includes(statement.kind);
    if (isLarge) return Number.POSITIVE_INFINITY;
    const inner = children(statement).reduce((all, block) => all + sizeOf(block), 0);
    return sum + 1 + inner + expressionsOf(statement).reduce((all, one) => all + sizeIn(one), 0);
  }, 0);
}

function sizeIn(node: Expression): number {
  if (node.kind === "function" || node.kind === "yield") return Number.POSITIVE_INFINITY;
  return expressionsOf(node).reduce((sum, one) => sum + sizeIn(one), 1);
}

export class FunctionEmitter extends ExpressionEmitter {
  readonly #program: ProgramOut;
  #hasLoops = false;

  constructor(program: ProgramOut, fn: Fn) {
    super(program, fn);
    this.#program = program;
  }

  declaration(): string {
    const { fn } = this;
    if (!fn.node.generator) return this.#code(fn.js, fn.suspends);
    return `${this.#code(`${fn.js}$body`, true)}function ${fn.js}(...a){return new HslIterator(${fn.js}$body(...a));}`;
  }

  /** A closure, as an expression. */
  closure(): string {
    const { fn } = this;
    if (!fn.node.generator) return this.#code("closure", fn.suspends);
    return `((g)=>(...a)=>new HslIterator(g(...a)))(${this.#code("closure", true)})`;
  }

  #code(name: string, star: boolean): string {
    const { fn } = this;
    const { parameters, body } = fn.node;
    const isMethod = fn.cls !== null && fn.parent === null && !this.#isStatic();
    const names = parameters.map((parameter) => `${parameter.rest ? "..." : ""}$${parameter.name}`);
    const fallbacks = parameters.map((parameter) => {
      const variable = `$${parameter.name}`;
      if (parameter.rest) return `${variable}=HslArray.of(${variable});`;
      return parameter.fallback === null
        ? ""
        : `if(${variable}===undefined)${variable}=${this.hold(parameter.fallback)};`;
    });
    const before = fn === fn.unit.main ? this.#program.prologue(fn.unit, this) : this.#initialValues();
    const text = this.block(body);
    if (this.stops > MAX_STOPS)
      this.out.report(
        fn.node.at || (body[0]?.at ?? 0),
        "a function waits at too many places: let another one do some of it",
      );
    const own = [...fn.locals].filter(
      (local) =>
        !parameters.some((parameter) => parameter.name === local) && this.variable(local) === `$${local}`,
    );
    const first = (local: string): string => (this.numbers.has(local) ? "0" : "null");
    const locals = [...own.map((local) => `$${local}=${first(local)}`), ...this.temps()];
    if (this.#hasLoops) locals.push(`q=${ROUNDS}`);
    const declared = locals.length === 0 ? "" : `let ${locals.join(",")};`;
    const heads = [...(isMethod ? ["self"] : []), ...names].join(",");
    return `${mark(fn.node.at)}function${star ? "*" : ""} ${name}(${heads}){${TICK}${declared}${fallbacks.join("")}${before}${text}${this.#hasLoops ? REST : ""}return null;}`;
  }

  #isStatic(): boolean {
    return this.fn.cls?.staticMethods.get(this.fn.name) === this.fn;
  }

  /** A constructor begins with the initial values of the properties. */
  #initialValues(): string {
    const { cls } = this.fn;
    if (cls === null || cls.construct !== this.fn) return "";
    return cls.node.properties
      .filter(({ isStatic }) => !isStatic)
      .map(({ name, value }) => (value === null ? "" : `self.props.$${name}=${this.hold(value)};`))
      .join("");
  }

  block(body: readonly Statement[]): string {
    return body.map((statement) => this.statement(statement)).join("");
  }

  statement(node: Statement): string {
    const at = mark(node.at) + this.#probe(node.at);
    switch (node.kind) {
      case "expression": {
        const ending = this.ending(node.value);
        return at + (ending === null ? `${this.discarded(node.value)};` : this.#return(ending));
      }
      case "echo":
        return `${at}echo(${this.expression(node.value)});`;
      case "if": {
        const otherwise = node.otherwise === null ? "" : `else{${this.statement(node.otherwise)}}`;
        return `${at}if(${this.test(node.test)}){${this.statement(node.chosen)}}${otherwise}`;
      }
      case "for": {
        const start = node.start.map((item) => this.discarded(item)).join(",");
        return `${at}${start};${this.#loop(node, node.step)}`;
      }
      case "while":
        return at + this.#loop(node, []);
      case "foreach":
        return at + this.#foreach(node);
      case "switch":
        return at + this.#switch(node);
      case "break":
      case "continue":
        return this.#program.program.astray.has(node) ? `${at}astray("${node.kind}");` : `${node.kind};`;
      case "return":
        return at + this.#return(node.value === null ? "null" : this.returned(node.value));
      case "throw":
        return `${at}throw thrown(${this.hold(node.value)});`;
      case "try":
        return at + this.#try(node);
      case "block":
        return `{${this.block(node.body)}}`;
      case "barrier":
        return at + this.#barrier(node);
      case "include":
        return `{${this.block(this.#program.program.includes.get(node) ?? [])}}`;
      case "global":
      case "import":
      case "function":
      case "class":
      case "empty":
        return "";
    }
  }

  #probe(at: number): string {
    const probe = this.#program.probe(at);
    if (probe === null) return "";
    const { locals, globals, node } = this.fn;
    const names = new Set([...locals, ...globals, ...node.captures.map(({ name }) => name)]);
    const read = [...names]
      .filter((name) => /^\w+$/.test(name))
      .map((name) => `["${name}",${this.variable(name)}]`);
    return `${probe}(()=>[${read.join(",")}]);`;
  }

  /**
   * A loop up to a variable that it does not change is written twice: once for a number there, whose rounds need no
   * check of it, and once for anything else.
   */
  #loop(node: Extract<Statement, { kind: "for" | "while" }>, step: readonly Expression[]): string {
    const bound = this.#boundOf(node);
    if (bound === null) return this.#loopOnce(node, step);
    const general = this.#loopOnce(node, step);
    this.numbers.add(bound);
    const fast = this.#loopOnce(node, step);
    this.numbers.delete(bound);
    return `if(typeof $${bound}==="number"){${fast}}else{${general}}`;
  }

  #loopOnce(node: Extract<Statement, { kind: "for" | "while" }>, step: readonly Expression[]): string {
    const test = node.test === null ? "true" : this.test(node.test);
    const steps = step.map((item) => this.discarded(item)).join(",");
    this.#hasLoops = true;
    return mark(node.at) + metered(test, steps, this.statement(node.body));
  }

  /** The variable on the right of the test, when writing the loop twice is right and small enough. */
  #boundOf({ test, body, ...rest }: Extract<Statement, { kind: "for" | "while" }>): string | null {
    if (test?.kind !== "binary" || test.right.kind !== "variable" || !comparisons.has(test.operator))
      return null;
    const { name } = test.right;
    const isOwn = this.variable(name) === `$${name}` && !this.fn.captured.has(name);
    if (!isOwn || this.numbers.has(name)) return null;
    const steps = "step" in rest ? rest.step : [];
    const all: Statement[] = [
      body,
      ...steps.map((value): Statement => ({ kind: "expression", value, at: value.at })),
    ];
    const isSmall = sizeOf(all) <= MOST_TWICE;
    return isSmall && !this.writes(name, [...all, { kind: "expression", value: test, at: test.at }])
      ? name
      : null;
  }

  /** Behind a loop, or within one. */
  #return(value: string): string {
    return this.#hasLoops ? `{const r=(${value});${REST}return r;}` : `return (${value});`;
  }

  /** A list is walked over by position, anything else by a cursor. */
  #foreach(node: Extract<Statement, { kind: "foreach" }>): string {
    const [subject, list, size, at, cursor] = [
      this.temp(),
      this.temp(),
      this.temp(),
      this.temp(),
      this.temp(),
    ];
    const marks = !this.isFresh(node.subject) && !this.#isUntouched(node);
    const start = [
      `${subject}=${this.expression(node.subject)}`,
      `${list}=listOf(${subject},${marks})`,
      `${cursor}=${list}===null?cursor(${subject},${marks}):null`,
      `${size}=${list}===null?0:${list}.length`,
      `${at}=-1`,
    ];
    const step = this.temp();
    const mayWait = this.fn.suspends || this.fn.node.generator;
    if (mayWait) this.stops += 1;
    const more = mayWait
      ? `(pending(${step}=${cursor}.next())?yield* settle(${step}):${step})`
      : `nextNow(${cursor})`;
    const key =
      node.key === null ? "" : `${this.assignTo(node.key, `(${cursor}===null?${at}:${cursor}.key)`)};`;
    const value = `${this.assignTo(node.value, `share(${cursor}===null?${list}[${at}]:${cursor}.value)`)};`;
    const test = `++${at}<${size}||${cursor}!==null&&${more}`;
    this.#hasLoops = true;
    return `${start.join(",")};${metered(test, "", key + value + this.statement(node.body))}`;
  }

  /** True when the body cannot write to what is walked over: then nothing need be marked as shared. */
  #isUntouched(node: Extract<Statement, { kind: "foreach" }>): boolean {
    const { subject } = node;
    if (subject.kind !== "variable" || this.variable(subject.name) !== `$${subject.name}`) return false;
    if (this.fn.captured.has(subject.name)) return false;
    return !this.writes(subject.name, [node.body]);
  }

  #switch(node: Extract<Statement, { kind: "switch" }>): string {
    const subject = this.temp();
    const fallback = node.cases.findIndex(({ test }) => test === null);
    const choice = node.cases
      .map(({ test }, at) => (test === null ? "" : `equals(${subject},${this.expression(test)})?${at}:`))
      .join("");
    const cases = node.cases.map(({ body }, at) => `case ${at}:${this.block(body)}`);
    return `${subject}=${this.expression(node.subject)};switch(${choice}${fallback}){${cases.join("")}}`;
  }

  #try(node: Extract<Statement, { kind: "try" }>): string {
    const error = this.temp();
    const caught = `caught(${error})`;
    const kept = node.variable === null ? caught : `${this.variable(node.variable.name)}=${caught}`;
    return `try{${this.block(node.body)}}catch(e){${error}=e;${kept};${this.block(node.handler)}}`;
  }

  #barrier(node: Extract<Statement, { kind: "barrier" }>): string {
    this.stops += 1;
    const name = this.temp();
    const shared = node.shared === null ? this.temp() : this.variable(node.shared.name);
    return `${name}=toText(${this.expression(node.name)});${shared}=(yield* enter(${name}));try{${this.block(node.body)}}finally{leave(${name},${shared});}`;
  }
}
