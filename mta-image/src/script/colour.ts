/**
 * Decides which functions may wait (pure, over the whole program). Only those become JavaScript generators; all others are
 * plain functions, which V8 runs several times faster. A call through a value may wait when any function that was
 * ever used as a value may; a method call when any method of that name may. The answer errs towards waiting.
 */
import type { Expression, FunctionNode, Node, Statement } from "./ast.ts";
import type { Module, Program } from "./program.ts";
import { isFunctionNode } from "./program.ts";
import type { Callables, Resolved } from "./resolve.ts";
import type { Callable, FunctionScope, ModuleScope, ScriptClassSymbol } from "./scope.ts";
import { walk } from "./walk.ts";

/** A piece of code of its own: a function, the top of a file, or the making of an object of a class. */
export type Unit = FunctionNode | Module | ScriptClassSymbol;

interface Facts {
  /** Calls something of the host that may give a promise, or a barrier. */
  always: boolean;
  /** Calls a value, or a host function that calls back. */
  dynamic: boolean;
  iterates: boolean;
  readonly calls: Unit[];
  readonly methods: Set<string>;
}

export class Colours {
  readonly #waiting: ReadonlySet<Unit>;
  readonly #waitingMethods: ReadonlySet<string>;
  readonly dynamicWaits: boolean;
  readonly iterationWaits: boolean;

  constructor(
    waiting: ReadonlySet<Unit>,
    methods: ReadonlySet<string>,
    dynamic: boolean,
    iteration: boolean,
  ) {
    this.#waiting = waiting;
    this.#waitingMethods = methods;
    this.dynamicWaits = dynamic;
    this.iterationWaits = iteration;
  }

  waits(unit: Unit): boolean {
    return this.#waiting.has(unit);
  }

  /** Whether calling it from emitted code needs `yield*` or an await. */
  callWaits(callable: Callable): boolean {
    switch (callable.kind) {
      case "script":
        return !callable.node.generator && this.waits(callable.node);
      case "class":
        return this.waits(callable);
      case "host":
        return (
          callable.function.way === "promise" || (callable.function.way === "routine" && this.dynamicWaits)
        );
      case "host-class":
        return callable.cls.construct?.way === "promise";
    }
  }

  methodWaits(name: string): boolean {
    return this.dynamicWaits || this.#waitingMethods.has(name);
  }
}

export function colour(program: Program, resolved: Resolved): Colours {
  return new Painter(program, resolved).run();
}

class Painter {
  readonly #program: Program;
  readonly #resolved: Resolved;
  readonly #facts = new Map<Unit, Facts>();
  readonly #taken = new Set<Unit>();
  #takenPromise = false;

  constructor(program: Program, resolved: Resolved) {
    this.#program = program;
    this.#resolved = resolved;
  }

  run(): Colours {
    for (const scope of this.#resolved.modules) this.#gatherModule(scope);
    for (const [node, scope] of this.#resolved.scopes) {
      if (!isFunctionNode(node)) continue;
      this.#gather(node, scope, [node.parameters, node.body]);
      if (node.name === null) this.#taken.add(node);
    }
    return this.#solve();
  }

  #gatherModule(scope: ModuleScope): void {
    const top = this.#resolved.scopes.get(scope.module) as FunctionScope;
    this.#gather(scope.module, top, scope.module.body);
    for (const symbol of scope.classes.values()) {
      const facts = this.#gather(symbol, { ...top, cls: symbol }, symbol.node.properties);
      if (symbol.construct !== null) facts.calls.push(symbol.construct.node);
      // Static properties get their values when the file runs.
      this.#facts.get(scope.module)?.calls.push(symbol);
    }
  }

  #gather(unit: Unit, scope: FunctionScope, body: unknown): Facts {
    const facts: Facts = { always: false, dynamic: false, iterates: false, calls: [], methods: new Set() };
    this.#facts.set(unit, facts);
    const callees = new Set<unknown>();
    walk(body, (node) => this.#node(facts, scope, callees, node));
    return facts;
  }

  #node(facts: Facts, scope: FunctionScope, callees: Set<unknown>, node: Node & { readonly kind?: string }) {
    if (isFunctionNode(node) || node.kind === "class") return false;
    const expression = node as Expression | Statement;
    switch (expression.kind) {
      case "call":
        callees.add(expression.callee);
        this.#call(facts, scope, expression.callee);
        break;
      case "name":
      case "scoped":
        if (!callees.has(expression)) this.#take(scope, expression);
        break;
      case "foreach":
        facts.iterates = true;
        break;
      case "barrier":
        facts.always = true;
        break;
      case "cache":
        facts.dynamic = true;
        break;
      case "include":
        this.#include(facts, scope, callees, expression);
        break;
      case "import":
        this.#import(facts, scope, expression);
        break;
    }
    return undefined;
  }

  #include(facts: Facts, scope: FunctionScope, callees: Set<unknown>, node: Statement): void {
    const included = scope.module.module.includes.get(node as Extract<Statement, { kind: "include" }>);
    if (included !== undefined) walk(included.body, (inner) => this.#node(facts, scope, callees, inner));
  }

  #import(facts: Facts, scope: FunctionScope, node: Statement): void {
    const target = scope.module.module.imports.get(node as Extract<Statement, { kind: "import" }>);
    if (target !== undefined && "body" in target) facts.calls.push(target);
  }

  #call(facts: Facts, scope: FunctionScope, callee: Expression): void {
    const callable = calleeOf(callee, scope, this.#resolved.callables);
    if (callable === null) {
      facts.dynamic = true;
      if (callee.kind === "member") facts.methods.add(callee.name);
      return;
    }
    if (callable.kind === "script") {
      if (!callable.node.generator) facts.calls.push(callable.node);
    } else if (callable.kind === "class") facts.calls.push(callable);
    else if (callable.kind === "host") {
      if (callable.function.way === "promise") facts.always = true;
      if (callable.function.way === "routine") facts.dynamic = true;
    } else if (callable.cls.construct?.way === "promise") facts.always = true;
  }

  #take(scope: FunctionScope, node: Expression): void {
    const callable = calleeOf(node, scope, this.#resolved.callables);
    if (callable?.kind === "script") this.#taken.add(callable.node);
    if (callable?.kind === "class") this.#taken.add(callable);
    if (callable?.kind === "host" && callable.function.way === "promise") this.#takenPromise = true;
  }

  #solve(): Colours {
    const waiting = new Set<Unit>();
    let methods = this.#hostMethods();
    let dynamic = this.#takenPromise;
    let iteration = false;
    for (let changed = true; changed; ) {
      changed = false;
      for (const [unit, facts] of this.#facts)
        if (!waiting.has(unit) && mayWait(facts, waiting, methods, dynamic, iteration)) {
          waiting.add(unit);
          changed = true;
        }
      const isPlain = (unit: Unit): boolean => !("generator" in unit && unit.generator);
      dynamic ||= [...this.#taken].some((unit) => isPlain(unit) && waiting.has(unit));
      iteration ||= [...waiting].some((unit) => !isPlain(unit));
      methods = new Set([...methods, ...this.#methodNames(waiting)]);
      // What has just become true counts for units that were looked at before it did.
      changed ||= [...this.#facts].some(
        ([unit, facts]) => !waiting.has(unit) && mayWait(facts, waiting, methods, dynamic, iteration),
      );
    }
    return new Colours(waiting, methods, dynamic, iteration);
  }

  #hostMethods(): Set<string> {
    const classes = [...this.#resolved.callables.host.classes.values()];
    return new Set(
      classes.flatMap(({ methods }) =>
        [...methods.values()].filter(({ way }) => way === "promise").map(({ name }) => name),
      ),
    );
  }

  #methodNames(waiting: ReadonlySet<Unit>): string[] {
    const found: string[] = [];
    for (const { classes } of this.#resolved.modules)
      for (const { methods } of classes.values())
        for (const [name, { node }] of methods) if (waiting.has(node) && !node.generator) found.push(name);
    return found;
  }
}

function mayWait(
  facts: Facts,
  waiting: ReadonlySet<Unit>,
  methods: ReadonlySet<string>,
  dynamic: boolean,
  iteration: boolean,
): boolean {
  return (
    facts.always ||
    (facts.dynamic && dynamic) ||
    (facts.iterates && iteration) ||
    facts.calls.some((unit) => waiting.has(unit)) ||
    [...facts.methods].some((name) => methods.has(name))
  );
}

/** What a callee is when its name says so; null when only the running script knows. */
export function calleeOf(callee: Expression, scope: FunctionScope, callables: Callables): Callable | null {
  if (callee.kind === "name") return callables.find(scope.module, callee.name, callee.builtin);
  if (callee.kind !== "scoped" || callee.variable) return null;
  const { namespaces } = scope.module;
  const namespace = namespaces.get(callee.scope);
  if (namespace !== undefined) {
    if (!("module" in namespace)) {
      const found = namespace.get(callee.name);
      return found === undefined ? null : callables.ofHost(found);
    }
    return namespace.functions.get(callee.name) ?? namespace.classes.get(callee.name) ?? null;
  }
  const owner = callee.scope === "static" ? scope.cls : callables.find(scope.module, callee.scope, false);
  if (owner?.kind === "class") return owner.statics.get(callee.name) ?? null;
  if (owner?.kind !== "host-class") return null;
  const found = owner.cls.statics.get(callee.name);
  return found === undefined ? null : callables.ofHost(found);
}
