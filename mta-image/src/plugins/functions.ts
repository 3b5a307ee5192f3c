/**
 * What plugins offer to scripts: global functions, static functions of classes, modules to import as
 * "extras://<plugin id>", and objects with methods. The script language's values are `V`; how they look on the
 * bridge is told by the `ScriptSide` that is handed in, so this room knows no script. A call gives its value, or
 * a promise of it when the plugin suspends; what the plugin throws comes as the error that the script side makes.
 */
import type { Calls } from "./calls.ts";
import { NativeThrow } from "./error.ts";
import type { NativeRegistration, Wire, WireObject } from "./native.ts";

export interface ScriptSide<V> {
  /** A script value as the plugin sees it; what plugins cannot read becomes `{ kind: "opaque" }`. */
  encode(value: V): Wire;
  /** The inverse; `object` makes an object of the script out of one that a plugin made. */
  decode(wire: Wire, object: (wire: WireObject) => V): V;
  /** An object whose methods are these; encoding it gives `wire` again. */
  makeObject(object: OfferedObject<V>): V;
  /** The error that scripts catch; the value is what the plugin threw. */
  makeThrow(value: V): Error;
}

export type OfferedFunction<V> = (args: readonly V[]) => V | Promise<V>;

export interface OfferedObject<V> {
  readonly wire: WireObject;
  readonly methods: ReadonlyMap<string, OfferedFunction<V>>;
}

export interface Offered<V> {
  readonly functions: ReadonlyMap<string, OfferedFunction<V>>;
  /** By class, then by name. */
  readonly statics: ReadonlyMap<string, ReadonlyMap<string, OfferedFunction<V>>>;
}

export interface Offer<V> {
  readonly global: Offered<V>;
  /** By plugin id: what `import … from "extras://<id>"` gives. */
  readonly modules: ReadonlyMap<string, Offered<V>>;
}

/** Of two plugins that register the same global name, the one that is configured later wins, as with scripts. */
export function offerFunctions<V>(
  registrations: ReadonlyMap<string, readonly NativeRegistration[]>,
  calls: Calls,
  side: ScriptSide<V>,
): Offer<V> {
  const bridge = new Bridge(calls, side);
  const all = [...registrations.values()].flat();
  const modules = [...registrations].map(
    ([id, entries]) =>
      [
        id,
        offered(
          entries.filter((entry) => entry.module),
          bridge,
        ),
      ] as const,
  );
  return {
    global: offered(
      all.filter((entry) => !entry.module),
      bridge,
    ),
    modules: new Map(modules),
  };
}

function offered<V>(entries: readonly NativeRegistration[], bridge: Bridge<V>): Offered<V> {
  const functions = new Map<string, OfferedFunction<V>>();
  const statics = new Map<string, Map<string, OfferedFunction<V>>>();
  for (const entry of entries) {
    const run = bridge.functionOf(entry);
    if (entry.className === null) functions.set(entry.name, run);
    else statics.set(entry.className, (statics.get(entry.className) ?? new Map()).set(entry.name, run));
  }
  return { functions, statics };
}

class Bridge<V> {
  readonly #calls: Calls;
  readonly #side: ScriptSide<V>;

  constructor(calls: Calls, side: ScriptSide<V>) {
    this.#calls = calls;
    this.#side = side;
  }

  functionOf(entry: NativeRegistration): OfferedFunction<V> {
    return (args) => this.#run(null, () => this.#calls.call(entry.call, this.#encode(args)));
  }

  #encode(args: readonly V[]): Wire[] {
    return args.map((arg) => this.#side.encode(arg));
  }

  #object(wire: WireObject): V {
    const methods = new Map<string, OfferedFunction<V>>();
    const object = this.#side.makeObject({ wire, methods });
    for (const [index, name] of wire.methods.entries()) {
      methods.set(name, (args) =>
        this.#run(object, () => this.#calls.callMethod(wire, index, this.#encode(args))),
      );
    }
    return object;
  }

  #run(self: V | null, call: () => Wire | Promise<Wire>): V | Promise<V> {
    const fail = (error: unknown): never => {
      throw error instanceof NativeThrow ? this.#side.makeThrow(this.#decode(error.value, self)) : error;
    };
    try {
      const result = call();
      if (!(result instanceof Promise)) return this.#decode(result, self);
      return result.then((value) => this.#decode(value, self), fail);
    } catch (error) {
      return fail(error);
    }
  }

  #decode(wire: Wire, self: V | null): V {
    const isThis = wire !== null && typeof wire === "object" && "kind" in wire && wire.kind === "this";
    if (isThis && self !== null) return self;
    return this.#side.decode(wire, (object) => this.#object(object));
  }
}
