/**
 * Calls and scoped names: whether what is named exists, whether the number of arguments can be right, and what the
 * suspension analysis must know of it. Part of the resolver.
 */
import type { Argument, Expression } from "./ast.ts";
import { type Cls, type Fn, type Named, Unit, findIn, findInHost } from "./program.ts";
import type { Resolving } from "./resolving.ts";

/** Language constructs that look like functions. */
export const constructs: ReadonlySet<string> = new Set(["isset", "unset"]);

export function checkCall(resolver: Resolving, fn: Fn, expression: Expression): void {
  if (expression.kind === "name") return checkValue(resolver, fn, expression);
  if (expression.kind !== "call") return;
  const { callee, args } = expression;
  if (callee.kind === "name") {
    if (!constructs.has(callee.name))
      resolver.later(() => {
        const named = findNamed(resolver, fn, callee);
        if (named === null) resolver.around.report(callee.at, `there is no function ${callee.name}`);
        else noteCall(resolver, fn, named, { at: callee.at, args });
      });
  } else if (callee.kind === "member") fn.methodNames.add(callee.name);
  else if (callee.kind !== "scoped" || callee.variable) fn.callsValues = true;
}

function checkValue(resolver: Resolving, fn: Fn, node: Extract<Expression, { kind: "name" }>): void {
  resolver.later(() => {
    if (constructs.has(node.name)) return;
    const named = findNamed(resolver, fn, node);
    if (named === null) resolver.around.report(node.at, `there is no function ${node.name}`);
    if (named?.kind === "function" || named?.kind === "host") resolver.values.add(named.fn);
  });
}

export function findNamed(
  resolver: { readonly around: { readonly host: Parameters<Unit["find"]>[1] } },
  fn: Fn,
  node: Extract<Expression, { kind: "name" }>,
): Named | null {
  const { host } = resolver.around;
  return node.builtin ? findInHost(node.name, host) : fn.find(node.name, host);
}

export function noteCall(
  resolver: Resolving,
  fn: Fn,
  named: Named,
  call: { readonly at: number; readonly args: readonly Argument[] },
): void {
  if (named.kind === "function") {
    fn.calls.add(named.fn);
    checkCount(resolver, named.fn.name, named.fn, call);
  } else if (named.kind === "class") {
    if (named.cls.construct !== null) fn.calls.add(named.cls.construct);
    checkCount(resolver, named.cls.node.name, named.cls.construct ?? { least: 0, most: 0 }, call);
  } else if (named.kind === "host") {
    if (named.fn.way === "promise") fn.waits = true;
    if (named.fn.way === "routine") fn.callsValues = true;
    checkCount(resolver, named.fn.name, named.fn, call);
  } else {
    const { construct, name } = named.cls;
    if (construct === null) resolver.around.report(call.at, `only the host makes a ${name}`);
    else {
      if (construct.way === "promise") fn.waits = true;
      checkCount(resolver, name, construct, call);
    }
  }
}

function checkCount(
  resolver: Resolving,
  name: string,
  bounds: { readonly least: number; readonly most: number },
  call: { readonly at: number; readonly args: readonly Argument[] },
): void {
  const given = call.args.filter(({ spread }) => !spread).length;
  const spreads = given < call.args.length;
  if (given > bounds.most)
    resolver.around.report(call.at, `${name}() takes at most ${bounds.most} arguments`);
  else if (!spreads && given < bounds.least)
    resolver.around.report(call.at, `${name}() wants at least ${bounds.least} arguments`);
}

type Scoped = Extract<Expression, { kind: "scoped" }>;
export type ScopedTarget =
  | { readonly kind: "named"; readonly named: Named }
  | { readonly kind: "variable"; readonly unit: Unit; readonly name: string }
  | { readonly kind: "method"; readonly fn: Fn };

/** `ns::f`, `ns::$x`, `Class::m`, `Class::$s`, `static::…`. Null when there is none. */
export function findScoped(host: Parameters<Unit["find"]>[1], fn: Fn, node: Scoped): ScopedTarget | null {
  const space = fn.unit.namespaces.get(node.scope);
  if (space !== undefined) {
    if (node.variable)
      return space instanceof Unit ? { kind: "variable", unit: space, name: node.name } : null;
    const named = findIn(space, node.name);
    return named === null ? null : { kind: "named", named };
  }
  if (node.scope === "static") return fn.cls === null ? null : ofClass(fn.cls, node);
  const named = fn.unit.find(node.scope, host);
  if (named?.kind === "class") return ofClass(named.cls, node);
  if (named?.kind !== "hostClass" || node.variable) return null;
  const method = named.cls.statics.get(node.name);
  return method === undefined ? null : { kind: "named", named: { kind: "host", fn: method } };
}

function ofClass(cls: Cls, node: Scoped): ScopedTarget | null {
  if (node.variable)
    return cls.staticAccess.has(node.name)
      ? { kind: "variable", unit: cls.unit, name: `${cls.node.name}$${node.name}` }
      : null;
  const method = cls.staticMethods.get(node.name);
  return method === undefined ? null : { kind: "method", fn: method };
}

export function checkScoped(resolver: Resolving, fn: Fn, expression: Expression): void {
  const node = expression.kind === "call" ? expression.callee : expression;
  if (node.kind !== "scoped") return;
  const called = expression.kind === "call" ? { at: node.at, args: expression.args } : null;
  const space = fn.unit.namespaces.get(node.scope);
  if (node.variable && space instanceof Unit) space.shared.add(node.name);
  resolver.later(() => {
    const found = findScoped(resolver.around.host, fn, node);
    const name = `${node.scope}::${node.variable ? "$" : ""}${node.name}`;
    if (found === null) return resolver.around.report(node.at, `there is no ${name}`);
    if (found.kind === "method" && isHidden(found.fn, fn))
      resolver.around.report(node.at, `${name} is private`);
    const named = namedOf(found);
    if (named === null) return;
    if (called !== null) noteCall(resolver, fn, named, called);
    else if (named.kind === "function" || named.kind === "host") resolver.values.add(named.fn);
  });
}

function namedOf(found: ScopedTarget): Named | null {
  if (found.kind === "named") return found.named;
  return found.kind === "method" ? { kind: "function", fn: found.fn } : null;
}

function isHidden(method: Fn, from: Fn): boolean {
  return method.cls?.hidden.has(method) === true && from.cls !== method.cls;
}
