/** Functions and statements to JavaScript text; part of the emitter. */
import type { Statement } from "./ast.ts";
import type { ProgramOut } from "./emit-out.ts";
import { ExpressionEmitter } from "./emit-expression.ts";
import { mark } from "./emit-names.ts";
import type { Fn } from "./program.ts";

const TICK = "if(--m.left<0)m.refill();";

export class FunctionEmitter extends ExpressionEmitter {
  readonly #program: ProgramOut;

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
    const own = [...fn.locals].filter(
      (local) =>
        !parameters.some((parameter) => parameter.name === local) && this.variable(local) === `$${local}`,
    );
    const locals = [...own.map((local) => `$${local}=null`), ...this.temps()];
    const declared = locals.length === 0 ? "" : `let ${locals.join(",")};`;
    const heads = [...(isMethod ? ["self"] : []), ...names].join(",");
    return `${mark(fn.node.at)}function${star ? "*" : ""} ${name}(${heads}){${TICK}${declared}${fallbacks.join("")}${before}${text}return null;}`;
  }

  #isStatic(): boolean {
    return [...(this.fn.cls?.staticMethods.values() ?? [])].includes(this.fn);
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
    const at = mark(node.at);
    switch (node.kind) {
      case "expression":
        return `${at}${this.discarded(node.value)};`;
      case "echo":
        return `${at}echo(${this.expression(node.value)});`;
      case "if": {
        const otherwise = node.otherwise === null ? "" : `else{${this.statement(node.otherwise)}}`;
        return `${at}if(${this.test(node.test)}){${this.statement(node.chosen)}}${otherwise}`;
      }
      case "for": {
        const start = node.start.map((item) => this.discarded(item)).join(",");
        const step = node.step.map((item) => this.discarded(item)).join(",");
        const test = node.test === null ? "" : this.test(node.test);
        return `${at}for(${start};${test};${step}){${TICK}${this.statement(node.body)}}`;
      }
      case "while":
        return `${at}while(${node.test === null ? "true" : this.test(node.test)}){${TICK}${this.statement(node.body)}}`;
      case "foreach":
        return at + this.#foreach(node);
      case "switch":
        return at + this.#switch(node);
      case "break":
      case "continue":
        return `${node.kind};`;
      case "return":
        return `${at}return ${node.value === null ? "null" : `(${this.returned(node.value)})`};`;
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

  #foreach(node: Extract<Statement, { kind: "foreach" }>): string {
    const cursor = this.temp();
    const step = this.temp();
    const marks = !this.isFresh(node.subject) && !this.#isUntouched(node);
    const next =
      this.fn.suspends || this.fn.node.generator
        ? `(pending(${step}=${cursor}.next())?yield* settle(${step}):${step})`
        : `nextNow(${cursor})`;
    const key = node.key === null ? "" : `${this.assignTo(node.key, `${cursor}.key`)};`;
    const value = `${this.assignTo(node.value, `share(${cursor}.value)`)};`;
    return `for(${cursor}=cursor(${this.expression(node.subject)},${marks});${next};){${TICK}${key}${value}${this.statement(node.body)}}`;
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
    const name = this.temp();
    const shared = node.shared === null ? this.temp() : this.variable(node.shared.name);
    return `${name}=toText(${this.expression(node.name)});${shared}=(yield* enter(${name}));try{${this.block(node.body)}}finally{leave(${name},${shared});}`;
  }
}
