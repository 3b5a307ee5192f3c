/**
 * Names that native plugins may offer, for programs that look at scripts where no plugin is loaded: every name is there, with any
 * arguments. Names that begin with a capital letter are classes, as those of all public plugins do. Pure.
 */
import { type Host, type HostClass, type HostFunction, makeClass, nameAlone } from "../script/host.ts";

class Unseen<T> extends Map<string, T> {
  readonly #make: (name: string) => T | undefined;

  constructor(known: Iterable<readonly [string, T]>, make: (name: string) => T | undefined) {
    super(known);
    this.#make = make;
  }

  override get(name: string): T | undefined {
    return super.get(name) ?? this.#make(name);
  }
}

/** The host, and behind its names whatever plugins may have. */
export function withUnseen({ functions, classes, ...rest }: Host): Host {
  return {
    ...rest,
    functions: new Unseen(functions, (name) => (isClass(name) ? undefined : unseenFunction(name))),
    classes: new Unseen(classes, (name) => (isClass(name) ? unseenClass(name) : undefined)),
  };
}

/** What stands behind "extras://<id>" of a plugin that is not loaded. */
export const unseenPlugin: Host = withUnseen({
  functions: new Map(),
  classes: new Map(),
  variables: new Set(),
});

function isClass(name: string): boolean {
  return /^[A-Z]/.test(name);
}

function unseenFunction(name: string): HostFunction {
  return nameAlone(name, "Of a native plugin.");
}

function unseenClass(name: string): HostClass {
  const cls = makeClass(name, "Of a native plugin.", { construct: unseenFunction(name) });
  return { ...cls, statics: new Unseen([], unseenFunction) };
}
