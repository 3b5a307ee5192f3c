/**
 * A resolved program to the text of one JavaScript function: `(rt, R, m, K) => { start, globals }`. `rt` are the
 * helpers of runtime.ts, `R` the running script, `m` the meter, `K` constants that have no text. Whatever comes
 * from the source is either checked by the lexer to be a plain name and gets a prefix, or passes JSON.stringify. Marks
 * in the text (see emit-names.ts) become line breaks, and the table of lines says where in the source each one began.
 */
import type { FunctionNode, PropertyNode } from "./ast.ts";
import { constructName, functionObject } from "./emit-names.ts";
import type { MakeRegex, ProgramOut, Report, Writer } from "./emit-out.ts";
import type { Place } from "./error.ts";
import { FunctionEmitter } from "./emit-statement.ts";
import type { HostFunction } from "./host.ts";
import { type Cls, Fn, type Program, type Unit } from "./program.ts";

export interface Emitted {
  readonly code: string;
  readonly constants: readonly unknown[];
  /** By line of `code`, from 0: a place in the sources. */
  readonly lines: readonly number[];
  readonly suspends: boolean;
  /** Fields of the globals that the code reads or writes. */
  readonly fields: ReadonlySet<string>;
}

interface Tools {
  readonly makeRegex: MakeRegex;
  readonly report: Report;
  readonly place: (at: number) => Place;
}

export function emit(program: Program, tools: Tools, helpers: readonly string[]): Emitted {
  const emitter = new ProgramEmitter(program, tools);
  const body = emitter.run();
  const head = `"use strict";const {${helpers.join(",")}}=rt;`;
  const suspends = program.units.some((unit) => unit.main?.suspends === true);
  const { constants, fields } = emitter;
  return { ...breakLines(`(function(rt,R,m,K){${head}${body}\n})`), constants, suspends, fields };
}

function breakLines(marked: string): { code: string; lines: number[] } {
  const lines = [0];
  const parts = marked.split("\u0001");
  let code = "";
  let current = 0;
  for (const [index, part] of parts.entries()) {
    const end = index === 0 ? -1 : part.indexOf("\u0002");
    if (index > 0) {
      current = Number(part.slice(0, end));
      lines.push(current);
      code += "\n";
    }
    const text = part.slice(end + 1);
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines.push(current);
    code += text;
  }
  return { code, lines };
}

class ProgramEmitter implements ProgramOut {
  readonly program: Program;
  readonly makeRegex: MakeRegex;
  readonly report: Report;
  readonly constants: unknown[] = [];
  readonly fields = new Set<string>();
  readonly #place: (at: number) => Place;
  /** By line: the first of the statements that begin there. */
  readonly #probed = new Map<string, number>();
  readonly #known = new Map<unknown, string>();
  readonly #values = new Map<Fn | HostFunction, string>();

  constructor(program: Program, { makeRegex, report, place }: Tools) {
    this.program = program;
    this.makeRegex = makeRegex;
    this.report = report;
    this.#place = place;
  }

  run(): string {
    const { units, functions, classes } = this.program;
    const written = functions
      .filter((fn) => fn.js !== "closure")
      .map((fn) => new FunctionEmitter(this, fn).declaration());
    const made = classes.map((cls) => this.#classCode(cls));
    const values = [...this.#values].map(([fn, name]) => `const ${name}=${this.#functionValue(fn)};`);
    const constants = this.constants.map((_, at) => `const k${at}=K[${at}];`);
    return [...constants, ...written, ...made, ...values, this.#start(units)].join("\n");
  }

  names(field: string): void {
    this.fields.add(field);
  }

  constant(value: unknown): string {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const name = `k${this.constants.push(value) - 1}`;
    this.#known.set(value, name);
    return name;
  }

  probe(at: number): string | null {
    const { probe: make } = this.program.host;
    if (make === undefined) return null;
    const place = this.#place(at);
    const line = `${place.file}:${place.line}`;
    if ((this.#probed.get(line) ?? at) !== at) return null;
    const probe = make(place);
    if (probe === null) return null;
    this.#probed.set(line, at);
    return this.constant(probe);
  }

  closure(node: FunctionNode): string {
    const fn = this.program.closures.get(node) as Fn;
    return functionObject(fn, new FunctionEmitter(this, fn).closure());
  }

  value(fn: Fn | HostFunction): string {
    const name = this.#values.get(fn) ?? `v${this.#values.size}`;
    this.#values.set(fn, name);
    return name;
  }

  #functionValue(fn: Fn | HostFunction): string {
    if (fn instanceof Fn) return functionObject(fn, fn.js);
    const k = this.constant(fn);
    return `new HslFunction(${JSON.stringify(fn.name)},${fn.least},${fn.most},"${fn.way}",(...a)=>${k}.call(R.c,a))`;
  }

  #classCode(cls: Cls): string {
    const access = JSON.stringify([...cls.propertyAccess]);
    const methods = [...cls.methods].map(
      ([name, fn]) => `${cls.js}.methods.set(${JSON.stringify(name)},${functionObject(fn, fn.js)});`,
    );
    const hidden = cls.node.methods
      .filter(({ access: how, isStatic }) => how === "private" && !isStatic)
      .map(
        ({ declaration }) => `${cls.js}.access.set(${JSON.stringify(`${declaration.name}()`)},"private");`,
      );
    return [
      `const ${cls.js}=new ScriptClass(${JSON.stringify(cls.node.name)});`,
      `for(const [n,a] of ${access})${cls.js}.access.set(n,a);`,
      ...methods,
      ...hidden,
      this.#construct(cls),
    ].join("");
  }

  #construct(cls: Cls): string {
    const fn = cls.construct as Fn;
    const names = fn.node.parameters.map(({ name, rest }) => `${rest ? "..." : ""}$${name}`);
    const props = cls.node.properties.filter(({ isStatic }) => !isStatic).map(({ name }) => `$${name}:null`);
    const call = `${fn.suspends ? "yield* " : ""}${fn.js}(${["self", ...names].join(",")})`;
    return `function${fn.suspends ? "*" : ""} ${constructName(cls)}(${names.join(",")}){const self=new Instance(${cls.js},{${props.join(",")}});${call};return self;}`;
  }

  prologue(unit: Unit, emitter: Writer): string {
    const data = [...unit.data].map(
      ([name, value]) =>
        `${emitter.variable(name)}=${typeof value === "object" ? `fresh(${this.constant(value)})` : JSON.stringify(value)};`,
    );
    const statics = [...unit.classes.values()].flatMap((cls) =>
      cls.node.properties
        .filter(
          (property): property is PropertyNode & { value: object } =>
            property.isStatic && property.value !== null,
        )
        .map(({ name, value }) => `R.g.u${unit.index}$${cls.node.name}$${name}=${emitter.hold(value)};`),
    );
    return [...data, ...statics].join("");
  }

  #start(units: readonly Unit[]): string {
    const { variables } = this.program.host;
    const main = units.at(-1);
    const fields = units.flatMap((unit) =>
      [...unit.shared].map((name) => {
        const isGiven = unit === main && variables.has(name);
        return `u${unit.index}$${name}:${isGiven ? `share(given.${name}??null)` : "null"}`;
      }),
    );
    const globals = `globals:(given)=>({${fields.join(",")}})`;
    if (units.length === 1) return `return {${globals},start:${main?.main?.js}};`;
    const suspends = units.some((unit) => unit.main?.suspends === true);
    const calls = units.map(
      (unit, at) =>
        `${at === units.length - 1 ? "return " : ""}${unit.main?.suspends === true ? "yield* " : ""}${unit.main?.js}();`,
    );
    return `return {${globals},start:function${suspends ? "*" : ""} start(){${calls.join("")}}};`;
  }
}
