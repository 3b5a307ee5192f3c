/**
 * Names to functions, scopes of variables, imports to units, and every error that needs no running. Walks each unit
 * once; what concerns names that may be declared further down waits in a list until all units are known.
 */
import type { Expression, FunctionNode, Statement } from "./ast.ts";
import { type FileText, Files } from "./files.ts";
import type { Host, HostFunction } from "./host.ts";
import { MAX_DEPTH } from "./limits.ts";
import { type Cls, Fn, type Program, Unit } from "./program.ts";
import { declareClass } from "./resolve-class.ts";
import { checkCall, checkScoped } from "./resolve-call.ts";
import { importData, importNames } from "./resolve-import.ts";
import { assignTo, declareGlobal, declareVariable } from "./resolve-variable.ts";
import type { Resolving } from "./resolving.ts";
import type { Surroundings } from "./surroundings.ts";
import { children, expressionsOf } from "./walk.ts";

export function resolve(id: string, text: string, around: Surroundings): Program {
  return new Resolver(around).run(id, text);
}

class Resolver implements Resolving {
  readonly around: Surroundings;
  readonly values = new Set<Fn | HostFunction>();
  readonly files: Files;
  readonly #units: Unit[] = [];
  readonly #byId = new Map<string, Unit | "loading">();
  readonly #functions: Fn[] = [];
  readonly #classes: Cls[] = [];
  readonly #includes = new Map<Statement, readonly Statement[]>();
  readonly #closures = new Map<FunctionNode, Fn>();
  readonly #astray = new Set<Statement>();
  readonly #later: (() => void)[] = [];
  /** Members that are read may be methods, of any class that has one of the name. */
  readonly #members = new Set<string>();
  #nextUnit = 0;
  #loops = 0;
  /** Statements around the one that is looked at, within its file. */
  #depth = 0;
  /** Expressions around the one that is looked at. */
  #around = 0;

  constructor(around: Surroundings) {
    this.around = around;
    this.files = new Files(around);
  }

  run(id: string, text: string): Program {
    this.#unit({ id, text, at: 0 }, this.around.host.variables);
    for (const check of this.#later) check();
    this.#methodsAsValues();
    return {
      units: this.#units,
      functions: this.#functions,
      classes: this.#classes,
      host: this.around.host,
      includes: this.#includes,
      closures: this.#closures,
      values: this.values,
      astray: this.#astray,
    };
  }

  #unit(file: FileText, variables: Iterable<string>): Unit {
    const { id } = file;
    const unit = new Unit(this.#nextUnit++, id);
    for (const name of variables) unit.shared.add(name);
    this.#byId.set(id, "loading");
    this.files.within(id, () => {
      unit.body = this.files.parse(file);
      const { body } = unit;
      const node = { at: 0, name: null, parameters: [], captures: [], body, generator: false };
      const js = `u${unit.index}main`;
      unit.main = this.addFunction("main", node, { unit, parent: null, within: null, cls: null, js });
      this.body(unit.main);
    });
    this.#byId.set(id, unit);
    this.#units.push(unit);
    return unit;
  }

  addFunction(name: string, node: FunctionNode, place: ConstructorParameters<typeof Fn>[2]): Fn {
    const fn = new Fn(name, node, place);
    this.#functions.push(fn);
    for (const parameter of node.parameters) fn.locals.add(parameter.name);
    return fn;
  }

  addClass(cls: Cls): void {
    this.#classes.push(cls);
  }

  later(check: () => void): void {
    this.#later.push(check);
  }

  body(fn: Fn): void {
    const loops = this.#loops;
    this.#loops = 0;
    for (const { fallback } of fn.node.parameters) if (fallback !== null) this.expression(fn, fallback);
    this.statements(fn, fn.node.body);
    this.#loops = loops;
  }

  statements(fn: Fn, body: readonly Statement[]): void {
    for (const statement of body) this.#statement(fn, statement);
  }

  #statement(fn: Fn, statement: Statement): void {
    switch (statement.kind) {
      case "function":
        return this.#named(fn, statement.declaration);
      case "class":
        return declareClass(this, fn.unit, statement.declaration);
      case "include":
        return this.#include(fn, statement);
      case "import":
        return this.#import(fn, statement);
      case "global":
        for (const { name } of statement.names) declareGlobal(fn, name);
        return;
      case "break":
      case "continue":
        if (this.#loops === 0) this.#astray.add(statement);
        return;
      case "foreach":
        fn.iterates = true;
        for (const target of [statement.key, statement.value])
          if (target !== null) assignTo(this, fn, target);
        break;
      case "try":
        if (statement.variable !== null) declareVariable(fn, statement.variable.name);
        break;
      case "barrier":
        fn.waits = true;
        if (statement.shared !== null) declareVariable(fn, statement.shared.name);
        break;
      default:
    }
    const loop = ["for", "foreach", "while", "switch"].includes(statement.kind);
    if (loop) this.#loops += 1;
    for (const expression of expressionsOf(statement)) this.expression(fn, expression);
    this.#depth += 1;
    for (const inner of children(statement)) this.statements(fn, inner);
    this.#depth -= 1;
    if (loop) this.#loops -= 1;
  }

  /** Named functions belong to the function that they stand in, or to the unit. */
  #named(fn: Fn, node: FunctionNode): void {
    const { unit } = fn;
    const name = node.name as string;
    const isOfUnit = fn === unit.main;
    const scope = isOfUnit ? unit.functions : fn.functions;
    if (scope.has(name) || (isOfUnit && unit.classes.has(name)))
      this.around.report(node.at, `${name} is declared twice`);
    const inner = this.addFunction(name, node, {
      unit,
      parent: null,
      within: isOfUnit ? null : fn,
      cls: null,
      js: `u${unit.index}f${isOfUnit ? "" : this.#functions.length}$${name}`,
    });
    if (node.captures.length > 0) this.around.report(node.at, "only a function without a name is a closure");
    scope.set(name, inner);
    this.body(inner);
  }

  #include(fn: Fn, statement: Extract<Statement, { kind: "include" }>): void {
    const { path, at, once } = statement;
    const { files } = this;
    const loaded = files.script(path, at);
    if (loaded === null) return;
    if (!("text" in loaded)) return this.around.report(at, `${path} is no file`);
    if (once && fn.unit.included.has(loaded.id)) return;
    fn.unit.included.add(loaded.id);
    if (files.isOpen(loaded.id)) return this.around.report(at, `${loaded.id} includes itself`);
    const depth = this.#depth;
    this.#depth = 0;
    files.within(loaded.id, () => {
      const body = files.parse({ ...loaded, at });
      this.#includes.set(statement, body);
      this.statements(fn, body);
    });
    this.#depth = depth;
  }

  #import(fn: Fn, statement: Extract<Statement, { kind: "import" }>): void {
    const { at, data } = statement;
    if (fn !== fn.unit.main || this.#depth > 0)
      return this.around.report(at, "an import stands at the top of a file");
    if (data !== null) return importData(this, fn, { ...statement, data });
    if (statement.options !== null) this.around.report(at, "only imports of data have options");
    const from = this.#importedUnit(statement);
    if (from !== null) importNames(this, fn, { ...statement, from });
  }

  /** A file runs once, by whatever paths it is imported. */
  #importedUnit({ path, at }: Extract<Statement, { kind: "import" }>): Unit | Host | null {
    const loaded = this.files.script(path, at, "main.hsl");
    if (loaded === null) return null;
    if ("host" in loaded) return loaded.host;
    const known = this.#byId.get(loaded.id);
    if (known !== "loading") return known ?? this.#unit({ ...loaded, at }, []);
    this.around.report(at, `${path} imports itself`);
    return null;
  }

  expression(fn: Fn, expression: Expression): void {
    switch (expression.kind) {
      case "variable":
        return declareVariable(fn, expression.name);
      case "interpolated":
        for (const part of expression.parts) if (typeof part !== "string") declareVariable(fn, part.name);
        return;
      case "function":
        return this.#closure(fn, expression.declaration);
      case "assign":
        if (expression.target.kind === "array") assignTo(this, fn, expression.target);
        break;
      case "this":
        if (fn.cls === null) this.around.report(expression.at, "$this stands outside of a class");
        return;
      case "cache":
        fn.callsValues = true;
        break;
      case "member":
        this.#members.add(expression.name);
        break;
      default:
    }
    checkCall(this, fn, expression);
    checkScoped(this, fn, expression);
    this.#within(fn, expression);
  }

  #within(fn: Fn, expression: Expression): void {
    const named = expression.kind === "call" && ["name", "scoped"].includes(expression.callee.kind);
    if (this.#around === MAX_DEPTH) return this.around.report(expression.at, "nested too deeply");
    this.#around += 1;
    for (const inner of expressionsOf(expression).slice(named ? 1 : 0)) {
      const isCalled = expression.kind === "call" && inner === expression.callee;
      this.expression(fn, isCalled && inner.kind === "member" ? inner.base : inner);
    }
    this.#around -= 1;
  }

  #methodsAsValues(): void {
    for (const cls of [...this.#classes, ...this.around.host.classes.values()]) {
      const methods: ReadonlyMap<string, Fn | HostFunction> = cls.methods;
      for (const [name, method] of methods) if (this.#members.has(name)) this.values.add(method);
    }
  }

  #closure(fn: Fn, node: FunctionNode): void {
    const { unit, cls } = fn;
    const inner = this.addFunction("", node, { unit, parent: fn, within: fn, cls, js: "closure" });
    this.#closures.set(node, inner);
    this.values.add(inner);
    for (const { name } of node.captures) {
      declareVariable(fn, name);
      fn.captured.add(name);
      inner.captured.add(name);
    }
    this.body(inner);
  }
}
