/** Which function each variable belongs to, and what may be assigned to; part of the resolver. */
import type { Expression } from "./ast.ts";
import type { Fn } from "./program.ts";
import type { Resolving } from "./resolving.ts";

export function declareVariable(fn: Fn, name: string): void {
  if (name !== "this" && !fn.globals.has(name) && !fn.held.has(name)) fn.locals.add(name);
}

export function declareGlobal(fn: Fn, name: string): void {
  if (fn === fn.unit.main) return declareVariable(fn, name);
  fn.globals.add(name);
  fn.unit.shared.add(name);
  fn.unit.main?.locals.add(name);
}

/** What stands left of = or behind `as`: a place, or a pattern of places. */
export function assignTo(resolver: Resolving, fn: Fn, target: Expression): void {
  if (target.kind === "array") {
    for (const { value } of target.items) assignTo(resolver, fn, value);
    return;
  }
  if (target.kind === "assign" && target.operator === null) {
    assignTo(resolver, fn, target.target);
    return resolver.expression(fn, target.value);
  }
  if (!["variable", "index", "member", "path", "scoped"].includes(target.kind))
    resolver.around.report(target.at, "this cannot be assigned to");
  resolver.expression(fn, target);
}
