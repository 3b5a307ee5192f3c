/**
 * Gives every name its meaning (pure, over the trees of a program): declares functions and classes before anything
 * else, since they may be used before they are written; then variables, function by function. Unknown functions,
 * wrong numbers of arguments and misplaced words are reported here, before anything runs.
 */
import type { ClassNode, FunctionNode, Node, ParameterNode, Statement } from "./ast.ts";
import type { Host, HostFunction } from "./host.ts";
import { type Module, type Program, isFunctionNode } from "./program.ts";
import {
  type Callable,
  type FunctionScope,
  type ModuleScope,
  type ScriptClassSymbol,
  type ScriptFunction,
  names,
  variableId,
} from "./scope.ts";
import { walk } from "./walk.ts";

export interface Resolved {
  readonly modules: readonly ModuleScope[];
  /** Functions, methods, closures and, under their Module, the tops of files. */
  readonly scopes: ReadonlyMap<FunctionNode | Module, FunctionScope>;
  readonly callables: Callables;
}

/** Looks names of functions up; gives each host function it finds a number, which is its place in the emitted code. */
export class Callables {
  readonly host: Host;
  readonly used: Callable[] = [];
  readonly #byObject = new Map<object, Callable>();

  constructor(host: Host) {
    this.host = host;
  }

  find(module: ModuleScope, name: string, builtin: boolean): Callable | null {
    const own = module.functions.get(name) ?? module.classes.get(name) ?? module.imported.get(name);
    if (own !== undefined && !builtin) return own;
    const hostFunction = this.host.functions.get(name);
    if (hostFunction !== undefined) return this.ofHost(hostFunction);
    const cls = this.host.classes.get(name);
    return cls === undefined ? null : this.#number(cls, (index) => ({ kind: "host-class", cls, index }));
  }

  ofHost(found: HostFunction): Callable {
    return this.#number(found, (index) => ({ kind: "host", function: found, index }));
  }

  #number(key: object, make: (index: number) => Callable): Callable {
    const known = this.#byObject.get(key);
    if (known !== undefined) return known;
    const callable = make(this.used.length);
    this.used.push(callable);
    this.#byObject.set(key, callable);
    return callable;
  }
}

export function resolve(
  program: Program,
  host: Host,
  report: (at: number, message: string) => void,
): Resolved {
  const resolver = new Resolver(host, report);
  for (const module of program.modules) resolver.declare(module);
  for (const module of program.modules) resolver.scope(module);
  return resolver.finish();
}

class Resolver {
  readonly #report: (at: number, message: string) => void;
  readonly #modules: ModuleScope[] = [];
  readonly #scopes = new Map<FunctionNode | Module, FunctionScope>();
  readonly #callables: Callables;
  #methods = 0;

  constructor(host: Host, report: (at: number, message: string) => void) {
    this.#report = report;
    this.#callables = new Callables(host);
  }

  finish(): Resolved {
    return { modules: this.#modules, scopes: this.#scopes, callables: this.#callables };
  }

  declare(module: Module): void {
    const scope: ModuleScope = {
      module,
      functions: new Map(),
      classes: new Map(),
      variables: new Map(),
      imported: new Map(),
      namespaces: new Map(),
    };
    this.#modules.push(scope);
    for (const body of bodies(module))
      walk(body, (node) => {
        if (node.kind === "class")
          this.#class(scope, (node as unknown as { declaration: ClassNode }).declaration);
        if (node.kind === "function" && "declaration" in node)
          this.#function(scope, node.declaration as FunctionNode);
        return undefined;
      });
    for (const [statement, target] of module.imports) this.#import(scope, statement, target);
  }

  #function(scope: ModuleScope, node: FunctionNode): void {
    if (node.name === null) return;
    if (this.#isTaken(scope, node.name)) this.#report(node.at, `${node.name} is declared twice`);
    const { index } = scope.module;
    scope.functions.set(node.name, scriptFunction(index, node, names.function(index, node.name)));
  }

  #class(scope: ModuleScope, node: ClassNode): void {
    if (this.#isTaken(scope, node.name)) this.#report(node.at, `${node.name} is declared twice`);
    const { index } = scope.module;
    const id = names.class(index, node.name);
    const method = (declaration: FunctionNode): ScriptFunction =>
      scriptFunction(index, declaration, `m${this.#methods++}_${declaration.name ?? ""}`);
    const pick = (isStatic: boolean): Map<string, ScriptFunction> =>
      new Map(
        node.methods
          .filter((item) => item.isStatic === isStatic)
          .map(({ declaration }) => [declaration.name as string, method(declaration)]),
      );
    const symbol: ScriptClassSymbol = {
      kind: "class",
      module: index,
      node,
      id,
      construct: node.constructorFunction === null ? null : method(node.constructorFunction),
      methods: pick(false),
      statics: pick(true),
    };
    scope.classes.set(node.name, symbol);
  }

  #isTaken(scope: ModuleScope, name: string): boolean {
    return scope.functions.has(name) || scope.classes.has(name);
  }

  #import(
    scope: ModuleScope,
    statement: Extract<Statement, { kind: "import" }>,
    target: Module | Host | { readonly data: number },
  ): void {
    if ("data" in target) {
      scope.variables.set(
        statement.data as string,
        names.global(scope.module.index, statement.data as string),
      );
      return;
    }
    const isHost = "classes" in target;
    const from = isHost ? null : (this.#modules.find(({ module }) => module === target) as ModuleScope);
    const functions = isHost ? target.functions : new Map<string, HostFunction>();
    if (statement.namespace !== null) scope.namespaces.set(statement.namespace, from ?? functions);
    for (const { kind, name, as, at } of statement.names) {
      if (kind === "variable") {
        if (from === null) this.#report(at, `${statement.path} exports no variables`);
        else scope.variables.set(as, exportedVariable(from, name));
        continue;
      }
      const found = functions.get(name);
      const callable =
        found === undefined
          ? (from?.functions.get(name) ?? from?.classes.get(name) ?? from?.imported.get(name))
          : this.#callables.ofHost(found);
      if (callable === undefined) this.#report(at, `${statement.path} has no ${name}`);
      else scope.imported.set(as, callable);
    }
  }

  scope(module: Module): void {
    const moduleScope = this.#modules.find((item) => item.module === module) as ModuleScope;
    const top: FunctionScope = {
      module: moduleScope,
      node: null,
      outer: null,
      cls: null,
      isStatic: true,
      globals: new Set(),
      captures: new Set(),
      locals: new Set(),
    };
    this.#scopes.set(module, top);
    this.#body(top, module.body);
  }

  #body(scope: FunctionScope, body: unknown): void {
    walk(body, (node) => this.#node(scope, node));
  }

  #node(scope: FunctionScope, node: Node & { readonly kind?: string }): boolean | undefined {
    if (node.kind === "class") {
      this.#classBodies(scope, (node as unknown as { declaration: ClassNode }).declaration);
      return false;
    }
    if (isFunctionNode(node)) {
      const top = this.#scopes.get(scope.module.module) as FunctionScope;
      if (node.name === null) this.#functionScope(node, scope, scope.cls, scope.isStatic);
      else this.#functionScope(node, top, null, true);
      return false;
    }
    if (node.kind === "include") {
      const included = scope.module.module.includes.get(node as Extract<Statement, { kind: "include" }>);
      // Runs in the scope of whoever includes it, so its names are theirs.
      if (included !== undefined) this.#body(scope, included.body);
    }
    if (node.kind === "variable") this.#variable(scope, (node as unknown as { name: string }).name);
    if (node.kind === "this" && (scope.cls === null || scope.isStatic))
      this.#report(node.at, "$this is there in methods only");
    return undefined;
  }

  #variable(scope: FunctionScope, name: string): void {
    if (scope.node === null) variableId(scope, name);
    else if (!scope.globals.has(name) && !scope.captures.has(name)) scope.locals.add(name);
  }

  #classBodies(scope: FunctionScope, node: ClassNode): void {
    const symbol = scope.module.classes.get(node.name) as ScriptClassSymbol;
    const top = { ...scope, cls: symbol, isStatic: true };
    for (const { value } of node.properties) this.#body(top, value);
    if (node.constructorFunction !== null)
      this.#functionScope(node.constructorFunction, scope, symbol, false);
    for (const { declaration, isStatic } of node.methods)
      this.#functionScope(declaration, scope, symbol, isStatic);
  }

  #functionScope(
    node: FunctionNode,
    outer: FunctionScope,
    cls: ScriptClassSymbol | null,
    isStatic: boolean,
  ): void {
    const scope: FunctionScope = {
      module: outer.module,
      node,
      outer,
      cls,
      isStatic,
      globals: globalsOf(node),
      captures: new Set(node.captures.map(({ name }) => name)),
      locals: new Set(node.parameters.map(({ name }) => name)),
    };
    this.#scopes.set(node, scope);
    for (const name of scope.captures) this.#variable(outer, name);
    for (const name of scope.globals) variableId({ ...scope, node: null }, name);
    for (const body of [node.parameters, node.body]) this.#body(scope, body);
  }
}

/** The module's own statements and those of every file included into it. */
export function bodies(module: Module): readonly (readonly Statement[])[] {
  return [module.body, ...[...module.includes.values()].map(({ body }) => body)];
}

function scriptFunction(module: number, node: FunctionNode, id: string): ScriptFunction {
  return { kind: "script", module, node, id, ...arity(node.parameters) };
}

export function arity(parameters: readonly ParameterNode[]): { least: number; most: number } {
  const lastNeeded = parameters.findLastIndex(({ fallback, rest }) => fallback === null && !rest);
  return {
    least: lastNeeded + 1,
    most: parameters.at(-1)?.rest === true ? Number.POSITIVE_INFINITY : parameters.length,
  };
}

function globalsOf(node: FunctionNode): Set<string> {
  const found = new Set<string>();
  walk(node.body, (inner) => {
    if (inner.kind === "global")
      for (const { name } of (inner as unknown as { names: readonly { name: string }[] }).names)
        found.add(name);
    return !isFunctionNode(inner);
  });
  return found;
}

function exportedVariable(from: ModuleScope, name: string): string {
  return variableId(
    {
      module: from,
      node: null,
      outer: null,
      cls: null,
      isStatic: true,
      globals: new Set(),
      captures: new Set(),
      locals: new Set(),
    },
    name,
  );
}
