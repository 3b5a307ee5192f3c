/**
 * What can be assigned to. Places within arrays are written through their owner: `own` is code that gives the
 * container to write to, cloned when others hold it, and stored back where it was found.
 */
import type { Expression, Statement } from "./ast.ts";
import { appendItem, storeItem } from "./emit-items.ts";
import { mark } from "./emit-names.ts";
import { findScoped } from "./resolve-call.ts";
import { numberVariables } from "./number-variables.ts";
import type { Fn, Unit } from "./program.ts";
import type { ProgramOut } from "./emit-out.ts";
import { staticType } from "./static-type.ts";
import { children, expressionsOf } from "./walk.ts";

type Within = Extract<Expression, { kind: "index" | "member" | "path" | "slice" }>;

function isWithin(node: Expression): node is Within {
  return node.kind === "index" || node.kind === "member" || node.kind === "path" || node.kind === "slice";
}

export abstract class TargetEmitter {
  readonly fn: Fn;
  protected readonly out: ProgramOut;
  /** Variables that need no check of their type. */
  protected readonly numbers: Set<string>;
  /** Where the function waits or yields, as often as that is written. */
  protected stops = 0;
  #temps = 0;
  #mostTemps = 0;

  constructor(out: ProgramOut, fn: Fn) {
    this.out = out;
    this.fn = fn;
    const plain = [...numberVariables(fn)].filter((name) => this.variable(name) === `$${name}`);
    this.numbers = new Set(plain);
  }

  abstract expression(node: Expression): string;
  abstract hold(node: Expression): string;

  temp(): string {
    this.#temps += 1;
    this.#mostTemps = Math.max(this.#mostTemps, this.#temps);
    return `t${this.#temps}`;
  }

  temps(): string[] {
    return Array.from({ length: this.#mostTemps }, (_, at) => `t${at + 1}`);
  }

  /**
   * Code whose temporaries nobody names behind it, so that what follows takes them again: a call needs room on the stack for all
   * that its function has, and each place where it waits a look at all of them.
   */
  protected passing(write: () => string): string {
    const before = this.#temps;
    const code = write();
    this.#temps = before;
    return code;
  }

  variable(name: string, fn = this.fn): string {
    if (name.startsWith("-")) return name.slice(1);
    if (fn.globals.has(name)) return this.field(fn.unit, name);
    if (fn.parent !== null && fn.held.has(name)) return this.variable(name, fn.parent);
    if (fn === fn.unit.main && (fn.unit.shared.has(name) || fn.unit.importedVariables.has(name)))
      return this.field(fn.unit, name);
    return `$${name}`;
  }

  field(unit: Unit, name: string): string {
    const imported = unit.importedVariables.get(name);
    if (imported !== undefined) return this.field(imported.from, imported.name);
    const field = `u${unit.index}$${name}`;
    this.out.names(field);
    return `R.g.${field}`;
  }

  classConstant(): string {
    return this.fn.cls === null ? "null" : this.fn.cls.js;
  }

  /**
   * For a place that is named twice: whatever its bases and keys compute is put into temporaries first. A name with a
   * dash cannot come from a source; `variable` gives the temporary for it.
   */
  prepare(target: Expression): { prepared: string; place: Expression } {
    if (!isWithin(target)) return { prepared: "", place: target };
    let prepared = "";
    const keep = <T extends Expression | null>(part: T): T | Expression => {
      if (part === null || ["literal", "variable", "scoped", "this"].includes(part.kind)) return part;
      const name = this.temp();
      prepared += `${name}=${this.expression(part)},`;
      return { kind: "variable", name: `-${name}`, at: part.at };
    };
    const inner = isWithin(target.base) ? this.prepare(target.base) : null;
    prepared = inner?.prepared ?? "";
    const place = { ...target, base: inner?.place ?? keep(target.base) };
    if (place.kind === "member") return { prepared, place };
    if (place.kind === "index") {
      const index = keep(place.index);
      return { prepared, place: { ...place, index } };
    }
    if (place.kind === "path") {
      const path = keep(place.path);
      return { prepared, place: { ...place, path } };
    }
    const [from, to, step] = [keep(place.from), keep(place.to), keep(place.step)];
    return { prepared, place: { ...place, from, to, step } };
  }

  /** Code that stores `value` (already held) in the place; its result is not used. */
  assignTo(target: Expression, value: string): string {
    switch (target.kind) {
      case "variable":
        return `${this.variable(target.name)}=${value}`;
      case "scoped":
        return `${this.scopedVariable(target)}=${value}`;
      case "index":
        return this.#storeAt(target, value);
      case "member":
        return `${mark(target.at)}setMember(${this.expression(target.base)},${JSON.stringify(target.name)},${value},${this.classConstant()})`;
      case "path": {
        const [kept, path] = [this.temp(), this.temp()];
        return `(${path}=${this.expression(target.path)},${kept}=${value},${mark(target.at)}putPath(${this.own(target.base)},${path},${kept}))`;
      }
      case "slice": {
        const kept = this.temp();
        const { prepared, place } = this.prepare(target.base);
        const replaced = `replaceSlice(${[this.expression(place), ...this.sliceBounds(target), kept].join(",")})`;
        return `(${kept}=${value},${prepared}${mark(target.at)}${this.assignTo(place, replaced)})`;
      }
      case "array":
        return this.destructure(target, value);
      case "assign": {
        const found = this.temp();
        return this.assignTo(
          target.target,
          `((${found}=${value})===null?${this.hold(target.value)}:${found})`,
        );
      }
      default:
        return "null";
    }
  }

  #storeAt({ base, index, at }: Extract<Expression, { kind: "index" }>, value: string): string {
    const [kept, list] = [this.temp(), this.temp()];
    const isNamed = base.kind === "variable" || base.kind === "scoped";
    const container = isNamed ? this.place(base) : this.temp();
    const own = this.own(base);
    const first = isNamed ? "" : `,${mark(at)}${container}=${own}`;
    const into = isNamed ? own : container;
    if (index === null) {
      const otherwise = `${mark(at)}append(${into},${kept})`;
      return `(${kept}=${value}${first},${appendItem({ base: container, list }, kept, otherwise)})`;
    }
    const key = this.temp();
    const type = staticType(index, this.numbers);
    const otherwise = `${mark(at)}rt.putIndex(${into},${key},${kept},${this.classConstant()})`;
    const store =
      type === "string"
        ? otherwise
        : storeItem({ base: container, key, isNumber: type === "number", list }, kept, otherwise);
    return `(${key}=${this.expression(index)},${kept}=${value}${first},${store})`;
  }

  destructure(pattern: Extract<Expression, { kind: "array" }>, value: string): string {
    const from = this.temp();
    const parts = pattern.items.map(({ key, value: target, spread, at }, index) => {
      if (spread) return this.assignTo(target, `restOf(${from},${index})`);
      const place = key === null ? String(index) : this.expression(key);
      return this.assignTo(target, `share(${mark(at)}getIndex(${from},${place}))`);
    });
    return `(${[`${from}=${value}`, ...parts, from].join(",")})`;
  }

  protected place(node: Extract<Expression, { kind: "variable" | "scoped" }>): string {
    return node.kind === "variable" ? this.variable(node.name) : this.scopedVariable(node);
  }

  /** Code for the container to write to. */
  own(base: Expression): string {
    if (base.kind === "variable" || base.kind === "scoped") {
      const place = this.place(base);
      return `(${place}!==null&&${place}.shared===false?${place}:${place}=ownArray(${place}))`;
    }
    if (base.kind === "index") {
      const key = base.index === null ? "null" : this.expression(base.index);
      return base.index === null
        ? `ownNew(${this.own(base.base)})`
        : `ownItem(${this.own(base.base)},${key},${this.classConstant()})`;
    }
    if (base.kind === "member")
      return `ownMember(${this.expression(base.base)},${JSON.stringify(base.name)},${this.classConstant()})`;
    return this.expression(base);
  }

  sliceBounds(node: Extract<Expression, { kind: "slice" }>): string[] {
    return [node.from, node.to, node.step].map((bound) => (bound === null ? "null" : this.expression(bound)));
  }

  scopedVariable(node: Extract<Expression, { kind: "scoped" }>): string {
    const found = findScoped(this.out.program.host, this.fn, node);
    return found?.kind === "variable" ? this.field(found.unit, found.name) : "null";
  }

  /** True where there was something, as far as that is known without looking twice. */
  unset(target: Expression): string {
    if (target.kind === "variable") {
      const place = this.variable(target.name);
      return `(${place}===null?false:(${place}=null,true))`;
    }
    if (target.kind === "index" && target.index !== null) {
      const key = this.temp();
      const { prepared, place } = this.prepare(target.base);
      return `(${prepared}${this.expression(place)}!==null?(${key}=${this.expression(target.index)},unsetIndex(${this.own(place)},${key})):false)`;
    }
    if (target.kind === "slice") {
      const { prepared, place } = this.prepare(target.base);
      const removed = `removeSlice(${[this.expression(place), ...this.sliceBounds(target)].join(",")})`;
      return `(${prepared}(${this.assignTo(place, removed)})!==null)`;
    }
    if (target.kind === "member" || target.kind === "scoped" || target.kind === "path")
      return `(${this.assignTo(target, "null")},true)`;
    return "false";
  }

  /** Whether the statements may change the variable, its items included. */
  writes(name: string, body: readonly Statement[]): boolean {
    const root = (node: Expression): boolean =>
      node.kind === "variable"
        ? node.name === name
        : "base" in node
          ? root(node.base)
          : node.kind === "array" && node.items.some(({ value }) => root(value));
    const inExpression = (node: Expression): boolean => {
      if ((node.kind === "assign" || node.kind === "step") && root(node.target)) return true;
      if (node.kind === "call" && node.callee.kind === "name" && node.callee.name === "unset") return true;
      return expressionsOf(node).some(inExpression);
    };
    return body.some((statement) => {
      if (statement.kind === "include" || statement.kind === "barrier") return true;
      if (
        statement.kind === "foreach" &&
        [statement.key, statement.value].some((target) => target !== null && root(target))
      )
        return true;
      if (statement.kind === "try" && statement.variable?.name === name) return true;
      return (
        expressionsOf(statement).some(inExpression) ||
        children(statement).some((inner) => this.writes(name, inner))
      );
    });
  }
}
