/**
 * Calls to JavaScript text. What is known by name is called directly, with `yield*` when it suspends; values and
 * methods go through helpers whose result may be something to wait for.
 */
import type { Argument, CallExpression, Expression } from "./ast.ts";
import { constructName, mark } from "./emit-names.ts";
import { TargetEmitter } from "./emit-target.ts";
import type { HostFunction } from "./host.ts";
import type { Fn, Named } from "./program.ts";
import { findNamed, findScoped } from "./resolve-call.ts";
import { MOST_DIRECT } from "./value.ts";

export abstract class CallEmitter extends TargetEmitter {
  call(node: CallExpression): string {
    const { callee, args } = node;
    if (callee.kind === "name") {
      if (callee.name === "isset")
        return `(${args.map(({ value }) => `${this.expression(value)}!==null`).join("&&")})`;
      if (callee.name === "unset") return args.map(({ value }) => this.unset(value)).join(",");
      const named = findNamed({ around: this.out.program }, this.fn, callee);
      return named === null ? "null" : this.#named(named, node);
    }
    if (callee.kind === "scoped" && !callee.variable) return this.#scoped(callee, node);
    if (callee.kind === "member")
      return this.waiting(
        `invokeMethod(${this.expression(callee.base)},${JSON.stringify(callee.name)},${this.classConstant()},${this.#list(args, "null,")})`,
        node.at,
      );
    return this.#value(callee, node);
  }

  /** A function value is called from here, so that V8 learns which one it is at this place. */
  #value(callee: Expression, { args, at }: CallExpression): string {
    if (args.length > MOST_DIRECT || args.some(({ spread }) => spread))
      return this.waiting(`invoke(${this.expression(callee)},${this.#list(args)})`, at);
    const fn = this.temp();
    const given = args.map(() => this.temp());
    const first = [
      `${fn}=${this.expression(callee)}`,
      ...args.map(({ value }, index) => `${given[index]}=${this.hold(value)}`),
    ].join(",");
    const passed = given.join(",");
    const otherwise = this.waiting(`rt.invoke(${fn},[${passed}])`, at);
    return `(${first},${mark(at)}${fn}!==null&&(${fn}.direct&${1 << args.length})!==0?${fn}.run(${passed}):${otherwise})`;
  }

  /** What the run ends with, where the call ends it and the body is the run's own; null for anything else. */
  protected ending(node: Expression): string | null {
    const isOwn = this.fn === this.out.program.units.at(-1)?.main;
    if (!isOwn || node.kind !== "call" || node.callee.kind !== "name") return null;
    const named = findNamed({ around: this.out.program }, this.fn, node.callee);
    if (named?.kind !== "host" || named.fn.last === null) return null;
    return `${mark(node.at)}${this.out.constant(named.fn.last)}(R.c,${this.#list(node.args)})`;
  }

  /** `first` stands in front of them. */
  #list(args: readonly Argument[], first = ""): string {
    return `[${first}${args.map(({ value, spread }) => (spread ? `...spread(${this.expression(value)})` : this.hold(value))).join(",")}]`;
  }

  #named(named: Named, node: CallExpression): string {
    if (named.kind === "function") return this.#direct(named.fn, node);
    if (named.kind === "class") return this.#construct(named, node);
    if (named.kind === "host") return this.#host(named.fn, node);
    const { construct } = named.cls;
    return construct === null ? "null" : this.#host(construct, node);
  }

  #direct(fn: Fn, node: CallExpression): string {
    if (node.args.some(({ spread }) => spread))
      return this.waiting(`invoke(${this.out.value(fn)},${this.#list(node.args)})`, node.at);
    const call = `${fn.js}(${node.args.map(({ value }) => this.hold(value)).join(",")})`;
    return this.#driven(call, fn.suspends && !fn.node.generator, node.at);
  }

  #construct(named: Extract<Named, { kind: "class" }>, node: CallExpression): string {
    const suspends = named.cls.construct?.suspends === true;
    const args = node.args.map(({ value, spread }) =>
      spread ? `...spread(${this.expression(value)})` : this.hold(value),
    );
    const call = `${constructName(named.cls)}(${args.join(",")})`;
    return this.#driven(call, suspends, node.at);
  }

  /** A call of code that is known to suspend, or not to. */
  #driven(call: string, suspends: boolean, at: number): string {
    if (!suspends) return `${mark(at)}${call}`;
    this.stops += 1;
    return `(${mark(at)}yield* ${call})`;
  }

  #host(fn: HostFunction, node: CallExpression): string {
    const args = fn.keeps || fn.way === "routine" ? this.#list(node.args) : this.#lent(node.args);
    const call = `${this.out.constant(fn)}.call(R.c,${args})`;
    return fn.way === "plain" ? `${mark(node.at)}${call}` : this.waiting(call, node.at);
  }

  /** Arguments that the callee only reads need no mark as shared. */
  #lent(args: readonly Argument[]): string {
    const items = args.map(({ value, spread }) =>
      spread ? `...spread(${this.expression(value)})` : this.expression(value),
    );
    return `[${items.join(",")}]`;
  }

  #scoped(callee: Extract<Expression, { kind: "scoped" }>, node: CallExpression): string {
    const found = findScoped(this.out.program.host, this.fn, callee);
    if (found?.kind === "named") return this.#named(found.named, node);
    if (found?.kind === "method") return this.#direct(found.fn, node);
    return "null";
  }

  /** A call whose result may be something to wait for. */
  waiting(call: string, at: number): string {
    if (!this.fn.suspends && !this.fn.node.generator) return `now(${mark(at)}${call})`;
    this.stops += 1;
    const result = this.temp();
    return `(pending(${result}=${mark(at)}${call})?${mark(at)}yield* settle(${result}):${result})`;
  }

  cache(node: Extract<Expression, { kind: "cache" }>): string {
    const { callee, args } = node.call as CallExpression;
    const options = node.options === null ? "null" : this.expression(node.options);
    const target =
      callee.kind === "member"
        ? `boundMethod(${this.expression(callee.base)},${JSON.stringify(callee.name)},${this.classConstant()})`
        : this.expression(callee);
    return this.waiting(`cached(${options},${target},${this.#list(args)})`, node.at);
  }
}
