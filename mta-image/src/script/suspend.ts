/**
 * Decides which functions are emitted as generators: those that may come to wait, directly or through whatever they
 * call. Calls by value may reach every function that is a value somewhere; a method call every method of that name.
 * Pure; the verdict is written to `Fn.suspends`. Too careful is slow, too bold ends in a Refusal, never in a wrong result.
 */
import type { Host, HostFunction } from "./host.ts";
import { Fn, type Program } from "./program.ts";

export function markSuspending(program: Program): void {
  const { functions } = program;
  const hostMethods = waitingMethods(program.host);
  let changed = true;
  while (changed) {
    changed = false;
    const values = [...program.values].some(valueSuspends);
    const iterators = functions.some((fn) => fn.node.generator && fn.suspends);
    const methods = suspendingMethods(program);
    for (const fn of functions) {
      if (fn.suspends) continue;
      const byMethod = [...fn.methodNames].some(
        (name) => methods.has(name) || hostMethods.has(name) || values,
      );
      const byCall = [...fn.calls].some((callee) => callee.suspends && !callee.node.generator);
      if (fn.waits || byCall || byMethod || (fn.callsValues && values) || (fn.iterates && iterators)) {
        fn.suspends = true;
        changed = true;
      }
    }
  }
}

function valueSuspends(value: Fn | HostFunction): boolean {
  return value instanceof Fn ? value.suspends && !value.node.generator : value.way === "promise";
}

function suspendingMethods(program: Program): ReadonlySet<string> {
  const names = new Set<string>();
  for (const cls of program.classes)
    for (const [name, fn] of [...cls.methods, ...cls.staticMethods])
      if (fn.suspends && !fn.node.generator) names.add(name);
  return names;
}

function waitingMethods(host: Host): ReadonlySet<string> {
  const names = new Set<string>();
  for (const cls of host.classes.values())
    for (const [name, fn] of cls.methods) if (fn.way === "promise") names.add(name);
  return names;
}
