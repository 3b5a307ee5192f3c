/**
 * What the resolver finds out about a program and the emitter writes down: its units (the main file and the modules
 * it imports, each with a global scope of its own), its functions and its classes. Filled by resolve.ts, judged by
 * suspend.ts, read by the emitters.
 */
import type { ClassNode, FunctionNode, Statement } from "./ast.ts";
import type { Host, HostClass, HostFunction } from "./host.ts";
import type { Value } from "./value.ts";

/** A function of the script: named, closure, method, or the body of a unit. */
export class Fn {
  readonly name: string;
  readonly node: FunctionNode;
  readonly unit: Unit;
  readonly parent: Fn | null;
  /** The function that its text stands in; null for the body of a unit and for methods. */
  readonly within: Fn | null;
  /** Named functions that stand in it, known here and further in. */
  readonly functions = new Map<string, Fn>();
  /** The class whose methods (and closures within them) this is. */
  readonly cls: Cls | null;
  /** Its name in the emitted code. */
  readonly js: string;
  readonly locals = new Set<string>();
  readonly globals = new Set<string>();
  /** Arguments that a call has, with those that have a default or not. */
  readonly least: number;
  readonly most: number;
  /** Variables of the function around it that it holds, too. */
  readonly held: ReadonlySet<string>;
  /** Variables that a closure within holds, too. */
  readonly captured = new Set<string>();
  readonly calls = new Set<Fn>();
  readonly methodNames = new Set<string>();
  /** Host functions that drive functions of the script (array_map), or calls of values. */
  callsValues = false;
  iterates = false;
  /** Waits by itself: a host function that may give a promise, or a barrier. */
  waits = false;
  /** The verdict: emitted as a generator when true. */
  suspends = false;

  constructor(
    name: string,
    node: FunctionNode,
    place: { unit: Unit; parent: Fn | null; within: Fn | null; cls: Cls | null; js: string },
  ) {
    this.name = name;
    this.node = node;
    this.unit = place.unit;
    this.parent = place.parent;
    this.within = place.within;
    this.cls = place.cls;
    this.js = place.js;
    this.held = new Set(node.captures.map((capture) => capture.name));
    const { parameters } = node;
    this.least = parameters.filter(({ fallback, rest }) => fallback === null && !rest).length;
    this.most = parameters.at(-1)?.rest === true ? Number.POSITIVE_INFINITY : parameters.length;
  }

  /** What a name stands for here: functions that stand in this one or around it win over those of the file. */
  find(name: string, host: Host): Named | null {
    const fn = this.functions.get(name);
    if (fn !== undefined) return { kind: "function", fn };
    return (this.within ?? this.unit).find(name, host);
  }
}

export class Cls {
  readonly node: ClassNode;
  readonly unit: Unit;
  readonly js: string;
  construct: Fn | null = null;
  readonly methods = new Map<string, Fn>();
  readonly staticMethods = new Map<string, Fn>();
  /** Those of its static methods that are private. */
  readonly hidden = new Set<Fn>();
  readonly propertyAccess = new Map<string, "public" | "private" | "readonly">();
  readonly staticAccess = new Map<string, "public" | "private" | "readonly">();

  constructor(node: ClassNode, unit: Unit, js: string) {
    this.node = node;
    this.unit = unit;
    this.js = js;
  }
}

export type Named =
  | { readonly kind: "function"; readonly fn: Fn }
  | { readonly kind: "class"; readonly cls: Cls }
  | { readonly kind: "host"; readonly fn: HostFunction }
  | { readonly kind: "hostClass"; readonly cls: HostClass };

export class Unit {
  readonly index: number;
  readonly id: string;
  body: readonly Statement[] = [];
  main: Fn | null = null;
  readonly functions = new Map<string, Fn>();
  readonly classes = new Map<string, Cls>();
  readonly imported = new Map<string, { from: Unit | Host; name: string; at: number }>();
  readonly importedVariables = new Map<string, { from: Unit; name: string; at: number }>();
  readonly namespaces = new Map<string, Unit | Host>();
  /** Variables that data imports set, with their values. */
  readonly data = new Map<string, Value>();
  /** Variables of the unit that others reach: by `global`, by import, or because the host gives them. */
  readonly shared = new Set<string>();
  readonly included = new Set<string>();

  constructor(index: number, id: string) {
    this.index = index;
    this.id = id;
  }

  /** What a name stands for: own functions and classes win over imported ones, those over the host's. */
  find(name: string, host: Host): Named | null {
    const fn = this.functions.get(name);
    if (fn !== undefined) return { kind: "function", fn };
    const cls = this.classes.get(name);
    if (cls !== undefined) return { kind: "class", cls };
    const imported = this.imported.get(name);
    if (imported === undefined) return findInHost(name, host);
    return findIn(imported.from, imported.name);
  }
}

/** What a module exports under a name; imports of the module itself are no exports. */
export function findIn(from: Unit | Host, name: string): Named | null {
  if (!(from instanceof Unit)) return findInHost(name, from);
  const fn = from.functions.get(name);
  if (fn !== undefined) return { kind: "function", fn };
  const cls = from.classes.get(name);
  if (cls !== undefined) return { kind: "class", cls };
  const again = from.imported.get(name);
  return again === undefined ? null : findIn(again.from, again.name);
}

export function findInHost(name: string, host: Host): Named | null {
  const fn = host.functions.get(name);
  if (fn !== undefined) return { kind: "host", fn };
  const cls = host.classes.get(name);
  return cls === undefined ? null : { kind: "hostClass", cls };
}

export interface Program {
  /** In the order in which they run; the main file is last. */
  readonly units: readonly Unit[];
  readonly functions: readonly Fn[];
  readonly classes: readonly Cls[];
  readonly host: Host;
  /** By syntax node: what an include brought. */
  readonly includes: ReadonlyMap<Statement, readonly Statement[]>;
  readonly closures: ReadonlyMap<FunctionNode, Fn>;
  /** Everything that is somewhere a value. */
  readonly values: ReadonlySet<Fn | HostFunction>;
  /** Breaks and continues that stand in no loop: an error when a run comes to one. */
  readonly astray: ReadonlySet<Statement>;
}
