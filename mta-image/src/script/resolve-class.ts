/** Declares a class of a script and its methods; part of the resolver. Reports what is there twice. */
import type { ClassNode } from "./ast.ts";
import { Cls, type Unit } from "./program.ts";
import type { Resolver } from "./resolve.ts";

export function declareClass(resolver: Resolver, unit: Unit, node: ClassNode): void {
  const { report } = resolver.around;
  if (unit.classes.has(node.name) || unit.functions.has(node.name))
    report(node.at, `${node.name} is declared twice`);
  const cls = new Cls(node, unit, `u${unit.index}c$${node.name}`);
  unit.classes.set(node.name, cls);
  resolver.addClass(cls);
  for (const { name, access, isStatic, at } of node.properties) {
    const known = isStatic ? cls.staticAccess : cls.propertyAccess;
    if (known.has(name)) report(at, `$${name} is declared twice`);
    known.set(name, access);
    if (isStatic) unit.shared.add(`${node.name}$${name}`);
  }
  const make = (name: string, kind: string, declaration: ClassNode["methods"][number]["declaration"]) =>
    resolver.addFunction(name, declaration, {
      unit,
      parent: null,
      cls,
      js: `u${unit.index}${kind}$${node.name}$${name}`,
    });
  if (node.constructorFunction !== null) cls.construct = make("constructor", "k", node.constructorFunction);
  for (const { declaration, isStatic, at } of node.methods) {
    const name = declaration.name as string;
    const known = isStatic ? cls.staticMethods : cls.methods;
    if (known.has(name)) report(at, `${name}() is declared twice`);
    known.set(name, make(name, isStatic ? "s" : "m", declaration));
  }
  const all = [...cls.methods.values(), ...cls.staticMethods.values()];
  if (cls.construct !== null) all.push(cls.construct);
  for (const fn of all) resolver.body(fn);
  // Initial values run with the constructor, static ones with the unit.
  const initialiser = cls.construct ?? makeInitialiser(resolver, cls);
  for (const { value, isStatic } of node.properties)
    if (value !== null) resolver.expression(isStatic ? (unit.main ?? initialiser) : initialiser, value);
}

function makeInitialiser(resolver: Resolver, cls: Cls) {
  const node = { at: cls.node.at, name: null, parameters: [], captures: [], body: [], generator: false };
  cls.construct = resolver.addFunction("constructor", node, {
    unit: cls.unit,
    parent: null,
    cls,
    js: `u${cls.unit.index}k$${cls.node.name}$constructor`,
  });
  return cls.construct;
}
