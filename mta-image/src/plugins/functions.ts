/**
 * What plugins offer to scripts, as the script room takes it: one Host of global functions and classes, and one for
 * each plugin's module, which scripts import as "extras://<plugin id>". A function of a plugin that suspends gives a
 * promise. What a plugin throws, the script can catch: an exception becomes an Exception, any other value itself.
 */
import { Refusal } from "../script/error.ts";
import { Thrown } from "../script/thrown.ts";
import { type Value, HostObject } from "../script/value.ts";
import {
  type Host,
  type HostClass,
  type HostFunction,
  declare,
  makeClass,
  makeHost,
  parameter,
} from "../script/host.ts";
import type { Calls } from "./calls.ts";
import { NativeThrow } from "./error.ts";
import type { NativeRegistration, Wire, WireObject } from "./native.ts";
import { withOpened } from "./opened-files.ts";
import { PluginObject, type Resources, decode, encode, wholeRoom } from "./values.ts";

export interface Offer {
  readonly global: Host;
  /** By plugin id. */
  readonly modules: ReadonlyMap<string, Host>;
}

/** Of two plugins that register the same global name, the one that is configured later wins, as with scripts. */
export function offerFunctions(
  registrations: ReadonlyMap<string, readonly NativeRegistration[]>,
  calls: Calls,
  resources: Resources,
): Offer {
  const bridge = new Bridge(calls, resources);
  const all = [...registrations.values()].flat();
  return {
    global: bridge.hostOf(all.filter((entry) => !entry.module)),
    modules: new Map(
      [...registrations].map(([id, entries]) => [id, bridge.hostOf(entries.filter((entry) => entry.module))]),
    ),
  };
}

class Bridge {
  readonly #calls: Calls;
  readonly #resources: Resources;
  /** Classes of plugin objects by their shape, so that objects of a kind share one. */
  readonly #shapes = new Map<string, HostClass>();

  constructor(calls: Calls, resources: Resources) {
    this.#calls = calls;
    this.#resources = resources;
  }

  /** A function with the name of a class that has statics is that class's constructor. */
  hostOf(entries: readonly NativeRegistration[]): Host {
    const functions = new Map<string, HostFunction>();
    const statics = new Map<string, HostFunction[]>();
    for (const entry of entries) {
      const made = this.#functionOf(entry);
      if (entry.className === null) functions.set(entry.name, made);
      else statics.set(entry.className, [...(statics.get(entry.className) ?? []), made]);
    }
    const classes = [...statics].map(([name, members]) => {
      const construct = functions.get(name);
      functions.delete(name);
      return makeClass(name, "Of a plugin.", {
        statics: members,
        ...(construct === undefined ? {} : { construct }),
      });
    });
    return makeHost(functions.values(), classes);
  }

  #functionOf(entry: NativeRegistration): HostFunction {
    return this.#declare(entry.name, (args) =>
      this.#run(null, () => this.#with(args, (wires) => this.#calls.call(entry.call, wires))),
    );
  }

  #declare(name: string, run: (args: readonly Value[]) => Value | PromiseLike<Value>): HostFunction {
    return declare({
      name,
      parameters: [parameter.rest("arguments")],
      returns: "any",
      docs: "Of a plugin.",
      way: "promise",
      keeps: true,
      run: (_, args) => run(args),
    });
  }

  /** At once, unless one of them is a file that is to be opened. */
  #with(
    args: readonly Value[],
    call: (wires: readonly Wire[]) => Wire | Promise<Wire>,
  ): Wire | Promise<Wire> {
    const room = wholeRoom();
    const wires = args.map((arg) => encode(arg, this.#resources, 0, room));
    return room.unopened === 0 ? call(wires) : withOpened(wires, call);
  }

  #objectOf(wire: WireObject): HostObject {
    const shape = [wire.type, ...wire.methods].join("\0");
    const known = this.#shapes.get(shape);
    const cls = known ?? this.#classOf(wire);
    if (known === undefined) this.#shapes.set(shape, cls);
    return new HostObject(cls, new PluginObject(wire));
  }

  /** Methods get the object as their first argument. */
  #classOf({ type, methods }: WireObject): HostClass {
    const declared = methods.map((name, index) =>
      this.#declare(name, ([self = null, ...args]) =>
        this.#run(self, () =>
          this.#with(args, (wires) => this.#calls.callMethod(wireOf(self), index, wires)),
        ),
      ),
    );
    return makeClass(type, "Of a plugin.", { methods: declared });
  }

  #run(self: Value, call: () => Wire | Promise<Wire>): Value | Promise<Value> {
    const take = (wire: Wire): Value =>
      decode(wire, { resources: this.#resources, makeObject: (object) => this.#objectOf(object), self });
    const fail = (error: unknown): never => {
      throw error instanceof NativeThrow ? thrownOf(error, take) : error;
    };
    try {
      const result = call();
      return result instanceof Promise ? result.then(take, fail) : take(result);
    } catch (error) {
      return fail(error);
    }
  }
}

function wireOf(self: Value): WireObject {
  if (self instanceof HostObject && self.state instanceof PluginObject) return self.state.wire;
  throw new Refusal("the method is of a plugin's object");
}

function thrownOf(error: NativeThrow, take: (wire: Wire) => Value): Error {
  const { value } = error;
  const isException =
    value !== null && typeof value === "object" && "kind" in value && value.kind === "exception";
  return isException ? new Refusal(error.message) : new Thrown(take(value), error.message);
}
