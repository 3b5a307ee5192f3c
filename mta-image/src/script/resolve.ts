/**
 * Names to functions, scopes of variables, imports to units, and every error that needs no running. Walks each unit
 * once; what concerns names that may be declared further down waits in a list until all units are known.
 */
import type { Expression, FunctionNode, Statement } from "./ast.ts";
import { Refusal } from "./error.ts";
import type { Host, HostFunction } from "./host.ts";
import { MAX_FILES, MAX_SOURCE } from "./limits.ts";
import { type Loaded, filesLike, moduleId } from "./module.ts";
import { parse } from "./parse-statement.ts";
import { type Cls, Fn, type Program, Unit } from "./program.ts";
import { declareClass } from "./resolve-class.ts";
import { checkCall, checkScoped } from "./resolve-call.ts";
import type { Resolving, Surroundings } from "./resolving.ts";
import { type Value, HslArray } from "./value.ts";
import { children, expressionsOf } from "./walk.ts";

/** How an import reads its files: `kind` is "txt!" and so on, or empty. */
interface DataRead {
  readonly kind: string;
  readonly at: number;
  readonly options: Value;
}

export function resolve(id: string, text: string, around: Surroundings): Program {
  return new Resolver(around).run(id, text);
}

class Resolver implements Resolving {
  readonly around: Surroundings;
  readonly values = new Set<Fn | HostFunction>();
  readonly #units: Unit[] = [];
  readonly #byId = new Map<string, Unit | "loading">();
  readonly #functions: Fn[] = [];
  readonly #classes: Cls[] = [];
  readonly #includes = new Map<Statement, readonly Statement[]>();
  readonly #closures = new Map<FunctionNode, Fn>();
  readonly #astray = new Set<Statement>();
  readonly #later: (() => void)[] = [];
  readonly #open: string[] = [];
  #nextUnit = 0;
  #files = 0;
  #loops = 0;
  /** Statements around the one that is looked at, within its file. */
  #depth = 0;

  constructor(around: Surroundings) {
    this.around = around;
  }

  run(id: string, text: string): Program {
    this.#unit({ id, text, at: 0 }, this.around.host.variables);
    for (const check of this.#later) check();
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

  /** `at` is where it is imported. */
  #unit(
    { id, text, at }: { readonly id: string; readonly text: string; readonly at: number },
    variables: Iterable<string>,
  ): Unit {
    const unit = new Unit(this.#nextUnit++, id);
    for (const name of variables) unit.shared.add(name);
    this.#byId.set(id, "loading");
    this.#open.push(id);
    unit.body = this.#parse(id, text, at);
    const node: FunctionNode = {
      at: 0,
      name: null,
      parameters: [],
      captures: [],
      body: unit.body,
      generator: false,
    };
    unit.main = this.addFunction("main", node, {
      unit,
      parent: null,
      within: null,
      cls: null,
      js: `u${unit.index}main`,
    });
    this.body(unit.main);
    this.#open.pop();
    this.#byId.set(id, unit);
    this.#units.push(unit);
    return unit;
  }

  #parse(id: string, text: string, at: number): readonly Statement[] {
    const { budget } = this.around;
    this.#files += 1;
    budget.code -= text.length;
    if (this.#files > MAX_FILES) this.around.report(at, "the program has too many files");
    else if (text.length > MAX_SOURCE) this.around.report(at, `${id} is too large`);
    else if (budget.code < 0) this.around.report(at, "the scripts are too large, with what they include");
    else return parse(this.around.sources.add(id, text, at), this.around.report);
    return [];
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
        for (const { name } of statement.names) this.#global(fn, name);
        return;
      case "break":
      case "continue":
        if (this.#loops === 0) this.#astray.add(statement);
        return;
      case "foreach":
        fn.iterates = true;
        for (const target of [statement.key, statement.value]) if (target !== null) this.#target(fn, target);
        break;
      case "try":
        if (statement.variable !== null) this.#variable(fn, statement.variable.name);
        break;
      case "barrier":
        fn.waits = true;
        if (statement.shared !== null) this.#variable(fn, statement.shared.name);
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

  #global(fn: Fn, name: string): void {
    if (fn.parent === null && fn === fn.unit.main) return this.#variable(fn, name);
    fn.globals.add(name);
    fn.unit.shared.add(name);
    fn.unit.main?.locals.add(name);
  }

  #variable(fn: Fn, name: string): void {
    if (name === "this") return;
    if (!fn.globals.has(name) && !fn.node.captures.some((capture) => capture.name === name))
      fn.locals.add(name);
  }

  #include(fn: Fn, statement: Extract<Statement, { kind: "include" }>): void {
    const loaded = this.#load(statement.path, statement.at);
    if (loaded === null) return;
    if (!("text" in loaded)) return this.around.report(statement.at, `${statement.path} is no file`);
    if (statement.once && fn.unit.included.has(loaded.id)) return;
    fn.unit.included.add(loaded.id);
    if (this.#open.includes(loaded.id))
      return this.around.report(statement.at, `${loaded.id} includes itself`);
    this.#open.push(loaded.id);
    const body = this.#parse(loaded.id, loaded.text, statement.at);
    this.#includes.set(statement, body);
    const depth = this.#depth;
    this.#depth = 0;
    this.statements(fn, body);
    this.#depth = depth;
    this.#open.pop();
  }

  /** `main` is what a folder of that name may have. */
  #load(path: string, at: number, main: string | null = null): Loaded | null {
    const { loader, report } = this.around;
    const id = moduleId(path, this.#open.at(-1) ?? "");
    const file = id === null ? null : loader.load(id);
    const loaded = file ?? (id === null || main === null ? null : loader.load(`${id}/${main}`));
    if (loaded === null) report(at, `there is no file ${path}`);
    return loaded;
  }

  #import(fn: Fn, statement: Extract<Statement, { kind: "import" }>): void {
    if (fn !== fn.unit.main || this.#depth > 0)
      return this.around.report(statement.at, "an import stands at the top of a file");
    if (statement.data !== null) return this.#importData(fn, statement, statement.data);
    const from = this.#importedUnit(statement);
    if (from === null) return;
    if (statement.namespace !== null) fn.unit.namespaces.set(statement.namespace, from);
    for (const { kind, name, as, at } of statement.names) {
      if (kind === "function") fn.unit.imported.set(as, { from, name, at });
      else if (from instanceof Unit) {
        from.shared.add(name);
        fn.unit.importedVariables.set(as, { from, name, at });
        if (from.main?.locals.has(name) !== true && !from.importedVariables.has(name))
          this.around.report(at, `${statement.path} has no $${name}`);
      } else this.around.report(at, `${statement.path} has no variables`);
      if (kind === "function")
        this.later(() => {
          if (fn.unit.find(as, this.around.host) === null)
            this.around.report(at, `${statement.path} has no ${name}`);
        });
    }
  }

  /** A file runs once, by whatever paths it is imported. */
  #importedUnit({ path, at }: Extract<Statement, { kind: "import" }>): Unit | Host | null {
    const loaded = this.#load(path, at, "main.hsl");
    if (loaded === null) return null;
    if ("host" in loaded) return loaded.host;
    const known = this.#byId.get(loaded.id);
    if (known !== "loading") return known ?? this.#unit({ ...loaded, at }, []);
    this.around.report(at, `${path} imports itself`);
    return null;
  }

  #importData(fn: Fn, statement: Extract<Statement, { kind: "import" }>, variable: string): void {
    const [, kind = "", path = ""] = /^([a-z]+!)?([\s\S]*)$/.exec(statement.path) ?? [];
    fn.locals.add(variable);
    const options = statement.options === null ? null : this.around.constant(statement.options);
    if (options === undefined)
      return this.around.report(statement.at, "the options of an import are constants");
    const read = { kind, at: statement.at, options };
    const value = path.includes("*") ? this.#dataOfAll(path, read) : this.#dataOf(path, read);
    if (value !== undefined) fn.unit.data.set(variable, value);
  }

  /** What each file of a pattern holds, by the identity of the file. */
  #dataOfAll(pattern: string, read: DataRead): Value {
    const id = moduleId(pattern, this.#open.at(-1) ?? "");
    const files = id === null ? [] : filesLike(id, this.around.loader);
    return HslArray.from(files.map((file) => [file, this.#dataOf(file, read) ?? null] as const));
  }

  #dataOf(path: string, { kind, at, options }: DataRead): Value | undefined {
    const loaded = this.#load(path, at);
    if (loaded === null) return undefined;
    try {
      if (!("text" in loaded)) throw new Refusal(`${path} is no file`);
      this.around.budget.data -= loaded.text.length;
      if (this.around.budget.data < 0) throw new Refusal("the data that scripts import are too large");
      return this.around.data(kind + loaded.id, loaded.text, options);
    } catch (error) {
      this.around.report(at, (error as Error).message);
      return undefined;
    }
  }

  expression(fn: Fn, expression: Expression): void {
    switch (expression.kind) {
      case "variable":
        return this.#variable(fn, expression.name);
      case "interpolated":
        for (const part of expression.parts) if (typeof part !== "string") this.#variable(fn, part.name);
        return;
      case "function":
        return this.#closure(fn, expression.declaration);
      case "assign":
        if (expression.target.kind === "array") this.#pattern(fn, expression.target);
        break;
      case "this":
        if (fn.cls === null) this.around.report(expression.at, "$this stands outside of a class");
        return;
      case "cache":
        fn.callsValues = true;
        break;
      case "member":
        this.#methodsAsValues(expression.name);
        break;
      default:
    }
    checkCall(this, fn, expression);
    checkScoped(this, fn, expression);
    const named = expression.kind === "call" && ["name", "scoped"].includes(expression.callee.kind);
    for (const inner of expressionsOf(expression).slice(named ? 1 : 0)) {
      const isCalled = expression.kind === "call" && inner === expression.callee;
      this.expression(fn, isCalled && inner.kind === "member" ? inner.base : inner);
    }
  }

  /** A member that is read may be a method, of any class that has one of the name. */
  #methodsAsValues(name: string): void {
    this.later(() => {
      for (const cls of [...this.#classes, ...this.around.host.classes.values()]) {
        const method: Fn | HostFunction | undefined = cls.methods.get(name);
        if (method !== undefined) this.values.add(method);
      }
    });
  }

  #pattern(fn: Fn, pattern: Extract<Expression, { kind: "array" }>): void {
    for (const { value } of pattern.items) this.#target(fn, value);
  }

  #target(fn: Fn, target: Expression): void {
    if (target.kind === "array") return this.#pattern(fn, target);
    if (target.kind === "assign" && target.operator === null) {
      this.#target(fn, target.target);
      return this.expression(fn, target.value);
    }
    if (!["variable", "index", "member", "path", "scoped"].includes(target.kind))
      this.around.report(target.at, "this cannot be assigned to");
    this.expression(fn, target);
  }

  #closure(fn: Fn, node: FunctionNode): void {
    const js = `closure`;
    const inner = this.addFunction("", node, {
      unit: fn.unit,
      parent: fn,
      within: fn,
      cls: fn.cls,
      js,
    });
    this.#closures.set(node, inner);
    this.values.add(inner);
    for (const { name } of node.captures) {
      this.#variable(fn, name);
      fn.captured.add(name);
      inner.captured.add(name);
    }
    this.body(inner);
  }
}
