/**
 * Decides which functions are emitted as generators: those that may come to wait, directly or through whatever they
 * call. Calls by value may reach every function that is a value somewhere; a method call every method of that name.
 * Each function is looked at once when it is found to wait, so the time grows with functions and calls together.
 * Pure; the verdict is written to `Fn.suspends`. Too careful is slow, too bold ends in a Refusal, never in a wrong result.
 */
import type { Host } from "./host.ts";
import { Fn, type Program } from "./program.ts";

export function markSuspending(program: Program): void {
  new Marking(program).run();
}

class Marking {
  readonly #program: Program;
  readonly #callers = new Map<Fn, Fn[]>();
  /** By name of a method: who calls one of the name. */
  readonly #byMethod = new Map<string, Fn[]>();
  readonly #callsValues: Fn[] = [];
  readonly #iterates: Fn[] = [];
  /** By method: the names that it is called by. */
  readonly #names = new Map<Fn, string[]>();
  /** Found to wait, their callers not yet told. */
  readonly #open: Fn[] = [];

  constructor(program: Program) {
    this.#program = program;
    for (const fn of program.functions) {
      for (const callee of fn.calls) add(this.#callers, callee, fn);
      for (const name of fn.methodNames) add(this.#byMethod, name, fn);
      // What looks like a method may be a function that a property holds.
      if (fn.callsValues || fn.methodNames.size > 0) this.#callsValues.push(fn);
      if (fn.iterates) this.#iterates.push(fn);
    }
    for (const cls of program.classes)
      for (const [name, fn] of [...cls.methods, ...cls.staticMethods]) add(this.#names, fn, name);
  }

  run(): void {
    const { functions, host, values } = this.#program;
    for (const fn of functions) if (fn.waits) this.#mark(fn);
    for (const name of waitingMethods(host)) this.#markAll(this.#byMethod.get(name));
    if ([...values].some((value) => !(value instanceof Fn) && value.way === "promise"))
      this.#markAll(this.#callsValues);
    for (let fn = this.#open.pop(); fn !== undefined; fn = this.#open.pop()) this.#tell(fn);
  }

  /** A generator waits in who walks over it, not in who calls it. */
  #tell(fn: Fn): void {
    if (fn.node.generator) return this.#markAll(this.#iterates);
    this.#markAll(this.#callers.get(fn));
    if (this.#program.values.has(fn)) this.#markAll(this.#callsValues);
    for (const name of this.#names.get(fn) ?? []) this.#markAll(this.#byMethod.get(name));
  }

  /** The list is done with: all in it are marked now. */
  #markAll(all: Fn[] | undefined): void {
    for (const fn of all?.splice(0) ?? []) this.#mark(fn);
  }

  #mark(fn: Fn): void {
    if (fn.suspends) return;
    fn.suspends = true;
    this.#open.push(fn);
  }
}

function add<K, V>(lists: Map<K, V[]>, key: K, item: V): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [item]);
  else known.push(item);
}

function waitingMethods(host: Host): ReadonlySet<string> {
  const names = new Set<string>();
  for (const cls of host.classes.values())
    for (const [name, fn] of cls.methods) if (fn.way === "promise") names.add(name);
  return names;
}
