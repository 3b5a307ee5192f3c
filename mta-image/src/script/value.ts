/**
 * The values of HSL. none is null, numbers are doubles, a string is bytes (one character each, never above 0xff);
 * everything else is one of the classes below. Arrays are values: whoever keeps a second reference calls `share`
 * first, and whoever writes to a shared one writes to a clone (`HslArray.own`).
 */
import type { HslArray } from "./array.ts";
import type { HostClass } from "./host.ts";

export type Value = null | boolean | number | string | HslArray | Reference;

/** Values with an identity. */
export type Reference = HslFunction | Instance | HostObject | HslIterator;

/** How control comes back from something that may wait: yields promises, and null to let others have a turn. */
export type Routine = Generator<PromiseLike<Value> | null | Item, Value, Resumed>;
/** What a routine is resumed with after a promise. */
export type Resumed = { readonly value: Value } | { readonly error: unknown };

/** What calling a function gives, see HslFunction.way. */
export type Called = Value | PromiseLike<Value> | Routine;

/** Says that a value now has a second holder. Cheap, and a no-op for everything but arrays. */
export function share<T extends Value>(value: T): T {
  if (typeof value === "object" && value !== null) (value as { shared: boolean }).shared = true;
  return value;
}

/** A function as a value: of a script, or of the host. */
export class HslFunction {
  shared = false;
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** `plain` gives its value at once, `promise` may give a promise, `routine` must be driven. */
  readonly way: "plain" | "promise" | "routine";
  readonly run: (...args: Value[]) => Called;

  constructor(name: string, least: number, most: number, way: HslFunction["way"], run: HslFunction["run"]) {
    this.name = name;
    this.least = least;
    this.most = most;
    this.way = way;
    this.run = run;
  }
}

export type Access = "public" | "private" | "readonly";

/** A class written in HSL. `props` are names with the prefix that keeps them apart from JavaScript's own. */
export class ScriptClass {
  readonly name: string;
  readonly access = new Map<string, Access>();
  readonly methods = new Map<string, HslFunction>();

  constructor(name: string) {
    this.name = name;
  }
}

export class Instance {
  shared = false;
  readonly cls: ScriptClass;
  readonly props: Record<string, Value>;

  constructor(cls: ScriptClass, props: Record<string, Value>) {
    this.cls = cls;
    this.props = props;
  }
}

/** An object of the host: `state` is the class's own business. A resource is one whose class has no methods. */
export class HostObject {
  shared = false;
  readonly cls: HostClass;
  readonly state: unknown;

  constructor(cls: HostClass, state: unknown) {
    this.cls = cls;
    this.state = state;
  }
}

/** What a generator function yields to its foreach, as opposed to a promise it waits for. */
export class Item {
  readonly key: Value;
  readonly value: Value;

  constructor(key: Value, value: Value) {
    this.key = key;
    this.value = value;
  }
}

/** A running generator function, or the host's entries of a Map. Yields items, and promises in between. */
export class HslIterator {
  shared = false;
  readonly routine: Routine;

  constructor(routine: Routine) {
    this.routine = routine;
  }
}
