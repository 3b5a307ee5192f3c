/**
 * What names mean: per module its functions, classes, variables and namespaces; per function which variables are its
 * own, which are the module's and which belong to the function around it. Filled by resolve.ts, read by colour.ts
 * and the emitter.
 */
import type { ClassNode, FunctionNode } from "./ast.ts";
import type { HostClass, HostFunction } from "./host.ts";
import type { Module } from "./program.ts";

export interface ScriptFunction {
  readonly kind: "script";
  readonly module: number;
  readonly node: FunctionNode;
  /** The name in emitted code. */
  readonly id: string;
  readonly least: number;
  readonly most: number;
}

export interface ScriptClassSymbol {
  readonly kind: "class";
  readonly module: number;
  readonly node: ClassNode;
  readonly id: string;
  readonly construct: ScriptFunction | null;
  readonly methods: ReadonlyMap<string, ScriptFunction>;
  readonly statics: ReadonlyMap<string, ScriptFunction>;
}

export type Callable =
  | ScriptFunction
  | ScriptClassSymbol
  | { readonly kind: "host"; readonly function: HostFunction; readonly index: number }
  | { readonly kind: "host-class"; readonly cls: HostClass; readonly index: number };

export interface ModuleScope {
  readonly module: Module;
  readonly functions: Map<string, ScriptFunction>;
  readonly classes: Map<string, ScriptClassSymbol>;
  /** Name to the identifier in emitted code: own variables and imported ones. */
  readonly variables: Map<string, string>;
  /** Functions and classes that came by import. */
  readonly imported: Map<string, Callable>;
  readonly namespaces: Map<string, ModuleScope | ReadonlyMap<string, HostFunction>>;
}

export interface FunctionScope {
  readonly module: ModuleScope;
  /** null at the top of a file. */
  readonly node: FunctionNode | null;
  readonly outer: FunctionScope | null;
  /** The class whose method this is, closures inside methods included. */
  readonly cls: ScriptClassSymbol | null;
  readonly isStatic: boolean;
  /** Names that `global` gave to the module. */
  readonly globals: Set<string>;
  readonly captures: Set<string>;
  readonly locals: Set<string>;
}

/** Prefixes keep script names apart from each other and from everything JavaScript knows. */
export const names = {
  local: (name: string) => `l_${name}`,
  global: (module: number, name: string) => `g${module}_${name}`,
  function: (module: number, name: string) => `f${module}_${name}`,
  class: (module: number, name: string) => `c${module}_${name}`,
  property: (name: string) => `p_${name}`,
};

/** The identifier of a variable in a function. */
export function variableId(scope: FunctionScope, name: string): string {
  if (scope.node === null || scope.globals.has(name)) return moduleVariable(scope.module, name);
  if (scope.captures.has(name) && scope.outer !== null) return variableId(scope.outer, name);
  return names.local(name);
}

function moduleVariable(module: ModuleScope, name: string): string {
  const known = module.variables.get(name);
  if (known !== undefined) return known;
  const id = names.global(module.module.index, name);
  module.variables.set(name, id);
  return id;
}
