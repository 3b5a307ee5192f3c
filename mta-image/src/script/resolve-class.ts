/** Declares a class of a script and its methods; part of the resolver. Reports what is there twice. */
import type { ClassNode, FunctionNode } from "./ast.ts";
import { Cls, type Unit } from "./program.ts";
import type { Resolving } from "./resolving.ts";

export function declareClass(resolver: Resolving, unit: Unit, node: ClassNode): void {
  const { report } = resolver.around;
  if (unit.classes.has(node.name) || unit.functions.has(node.name))
    report(node.at, `${node.name} is declared twice`);
  const cls = new Cls(node, unit, `u${unit.index}c$${node.name}`);
  unit.classes.set(node.name, cls);
  resolver.addClass(cls);
  declareProperties(resolver, cls);
  declareMethods(resolver, cls);
  for (const fn of [...cls.methods.values(), ...cls.staticMethods.values()]) resolver.body(fn);
  if (cls.construct !== null) resolver.body(cls.construct);
  // Initial values run with the constructor, static ones with the unit.
  const initialiser = cls.construct ?? makeInitialiser(resolver, cls);
  for (const { value, isStatic } of node.properties)
    if (value !== null) resolver.expression(isStatic ? (unit.main ?? initialiser) : initialiser, value);
}

function declareProperties(resolver: Resolving, cls: Cls): void {
  const { report } = resolver.around;
  for (const { name, access, isStatic, at } of cls.node.properties) {
    const known = isStatic ? cls.staticAccess : cls.propertyAccess;
    if (known.has(name)) report(at, `$${name} is declared twice`);
    known.set(name, access);
    if (isStatic) cls.unit.shared.add(`${cls.node.name}$${name}`);
  }
}

function declareMethods(resolver: Resolving, cls: Cls): void {
  const { node, unit } = cls;
  const make = (name: string, kind: string, declaration: FunctionNode) =>
    resolver.addFunction(name, declaration, {
      unit,
      parent: null,
      within: null,
      cls,
      js: `u${unit.index}${kind}$${node.name}$${name}`,
    });
  if (node.constructorFunction !== null) cls.construct = make("constructor", "k", node.constructorFunction);
  for (const { declaration, isStatic, access, at } of node.methods) {
    const name = declaration.name as string;
    const known = isStatic ? cls.staticMethods : cls.methods;
    if (known.has(name)) resolver.around.report(at, `${name}() is declared twice`);
    const method = make(name, isStatic ? "s" : "m", declaration);
    known.set(name, method);
    if (isStatic && access === "private") cls.hidden.add(method);
  }
}

function makeInitialiser(resolver: Resolving, cls: Cls) {
  const node = { at: cls.node.at, name: null, parameters: [], captures: [], body: [], generator: false };
  cls.construct = resolver.addFunction("constructor", node, {
    unit: cls.unit,
    parent: null,
    within: null,
    cls,
    js: `u${cls.unit.index}k$${cls.node.name}$constructor`,
  });
  return cls.construct;
}
