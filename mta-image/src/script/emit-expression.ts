/** Expressions to JavaScript text; part of the emitter. Every result is a whole expression that can stand anywhere. */
import type { Expression } from "./ast.ts";
import { readItem } from "./emit-items.ts";
import { mark } from "./emit-names.ts";
import { OperatorEmitter, changesThings } from "./emit-operator.ts";
import { findScoped, findNamed } from "./resolve-call.ts";
import { isScalar, staticType } from "./static-type.ts";

export abstract class ExpressionEmitter extends OperatorEmitter {
  expression(node: Expression): string {
    switch (node.kind) {
      case "literal":
        return typeof node.value === "number" && node.value > 1e300
          ? `(${node.value})`
          : JSON.stringify(node.value);
      case "interpolated":
        return joined(
          node.parts.map((part) =>
            typeof part === "string" ? JSON.stringify(part) : this.variable(part.name),
          ),
        );
      case "regex":
        return this.out.constant(this.out.makeRegex(node.pattern, node.flags, node.at));
      case "variable":
        return this.variable(node.name);
      case "this":
        return "self";
      case "name":
        return this.#nameValue(node);
      case "scoped":
        return this.#scopedValue(node);
      case "array":
        return this.#array(node);
      case "unary":
        return this.#unary(node);
      case "binary":
        return this.operate(node);
      case "logical":
        return this.#logical(node);
      case "conditional":
        return `(${this.#truth(node.test)}?${this.expression(node.chosen)}:${this.expression(node.otherwise)})`;
      case "assign":
        return this.#assign(node);
      case "step":
        return this.#step(node, true);
      case "call":
        return this.call(node);
      case "index":
        return node.index === null ? "null" : this.#item(node, node.index);
      case "path":
        return `${mark(node.at)}getPath(${this.expression(node.base)},${this.expression(node.path)})`;
      case "slice":
        return `${mark(node.at)}slice(${[this.expression(node.base), ...this.sliceBounds(node)].join(",")})`;
      case "member":
        return `${mark(node.at)}getMember(${this.expression(node.base)},${JSON.stringify(node.name)},${this.classConstant()})`;
      case "function":
        return this.out.closure(node.declaration);
      case "match":
        return this.#match(node);
      case "cache":
        return this.cache(node);
      case "yield": {
        const value = node.value === null ? "null" : this.hold(node.value);
        this.stops += 1;
        return `(yield new Item(${node.key === null ? "null" : this.hold(node.key)},${value}),null)`;
      }
    }
  }

  /** For values that get another holder. */
  hold(node: Expression): string {
    const code = this.expression(node);
    return isScalar(node, this.numbers) || this.isFresh(node) ? code : `share(${code})`;
  }

  /** For return: a local variable that ends with the call needs no mark. */
  returned(node: Expression): string {
    const dies =
      node.kind === "variable" &&
      this.variable(node.name) === `$${node.name}` &&
      this.fn.locals.has(node.name) &&
      !this.fn.captured.has(node.name);
    return this.passing(() => (dies ? this.expression(node) : this.hold(node)));
  }

  isFresh(node: Expression): boolean {
    return [
      "literal",
      "array",
      "binary",
      "call",
      "function",
      "cache",
      "slice",
      "unary",
      "interpolated",
      "step",
    ].includes(node.kind);
  }

  /** For statements. */
  test(node: Expression): string {
    return this.passing(() => this.#truth(node));
  }

  #truth(node: Expression): string {
    const code = this.expression(node);
    return staticType(node, this.numbers) === "boolean" ? code : `truthy(${code})`;
  }

  /** For statements, and what stands in the place of one. */
  discarded(node: Expression): string {
    return this.passing(() => {
      if (node.kind === "step") return this.#step(node, false);
      if (node.kind === "assign" && node.operator === null && node.target.kind !== "array")
        return this.assignTo(node.target, this.hold(node.value));
      return this.expression(node);
    });
  }

  #nameValue(node: Extract<Expression, { kind: "name" }>): string {
    const named = findNamed({ around: this.out.program }, this.fn, node);
    return named?.kind === "function" || named?.kind === "host" ? this.out.value(named.fn) : "null";
  }

  #scopedValue(node: Extract<Expression, { kind: "scoped" }>): string {
    if (node.variable) return this.scopedVariable(node);
    const found = findScoped(this.out.program.host, this.fn, node);
    if (found?.kind === "method") return this.out.value(found.fn);
    if (found?.kind === "named" && (found.named.kind === "function" || found.named.kind === "host"))
      return this.out.value(found.named.fn);
    return "null";
  }

  #array(node: Extract<Expression, { kind: "array" }>): string {
    if (node.items.every(({ key, spread }) => key === null && !spread))
      return `new HslArray([${node.items.map(({ value }) => this.hold(value)).join(",")}])`;
    const parts = node.items.map(({ key, value, spread, at }) => {
      if (spread) return `${mark(at)}.spread(${this.expression(value)})`;
      return key === null
        ? `.push(${this.hold(value)})`
        : `${mark(at)}.set(${this.expression(key)},${this.hold(value)})`;
    });
    if (parts.length <= MOST_CHAINED) return `new ArrayBuilder()${parts.join("")}.array`;
    const builder = this.temp();
    return `(${builder}=new ArrayBuilder(),${chained(builder, parts)},${builder}.array)`;
  }

  #item({ base, at }: Extract<Expression, { kind: "index" }>, index: Expression): string {
    const type = staticType(index, this.numbers);
    const from = this.classConstant();
    if (type === "string")
      return `${mark(at)}getIndex(${this.expression(base)},${this.expression(index)},${from})`;
    const array = this.#named(base, base.kind === "literal" || changesThings(index));
    const key = this.#named(index, false);
    const otherwise = `${mark(at)}rt.getIndex(${array.name},${key.name},${from})`;
    const place = { base: array.name, key: key.name, isNumber: type === "number", list: this.temp() };
    const item = readItem(place, this.temp(), otherwise);
    const first = array.first + key.first;
    return first === "" ? item : `(${first}${item})`;
  }

  /** A name for what the expression gives, that can be written more than once. */
  #named(node: Expression, isChanged: boolean): { readonly first: string; readonly name: string } {
    const code = this.expression(node);
    if (!isChanged && /^([$t]\w*|self|\d+)$/.test(code)) return { first: "", name: code };
    const name = this.temp();
    return { first: `${name}=${code},`, name };
  }

  #unary(node: Extract<Expression, { kind: "unary" }>): string {
    const { operand } = node;
    if (node.operator === "not") return `(!${this.#truth(operand)})`;
    if (node.operator === "-" && operand.kind === "literal" && typeof operand.value === "number")
      return `(-${operand.value})`;
    const name = { "-": "negate", "+": "plus", "~": "complement" }[node.operator];
    return `${mark(node.at)}${name}(${this.expression(operand)})`;
  }

  #logical(node: Extract<Expression, { kind: "logical" }>): string {
    if (node.operator === "and") return `(${this.#truth(node.left)}&&${this.#truth(node.right)})`;
    if (node.operator === "or") return `(${this.#truth(node.left)}||${this.#truth(node.right)})`;
    if (node.operator === "??") return `(${this.expression(node.left)}??${this.expression(node.right)})`;
    const left = this.temp();
    return `(truthy(${left}=${this.expression(node.left)})?${left}:${this.expression(node.right)})`;
  }

  #assign(node: Extract<Expression, { kind: "assign" }>): string {
    const { target, operator, value } = node;
    if (operator === null && target.kind === "array") return this.destructure(target, this.hold(value));
    if (operator === null && target.kind === "variable")
      return `(${this.assignTo(target, this.hold(value))})`;
    const result = this.temp();
    if (operator === null)
      return `(${result}=${this.hold(value)},${this.assignTo(target, result)},${result})`;
    const { prepared, place } = this.prepare(target);
    if (operator === "??")
      return `(${prepared}(${result}=${this.expression(place)})!==null?${result}:(${result}=${this.hold(value)},${this.assignTo(place, result)},${result}))`;
    const sum = this.operate({ operator, at: node.at, left: place, right: value });
    if (place.kind === "variable") return `(${this.assignTo(place, sum)})`;
    return `(${prepared}${result}=${sum},${this.assignTo(place, result)},${result})`;
  }

  #step(node: Extract<Expression, { kind: "step" }>, wanted: boolean): string {
    const sign = node.by === 1 ? "+" : "-";
    const { target } = node;
    if (target.kind === "variable") {
      const name = this.variable(target.name);
      const plain = `${sign}${sign}${name}`;
      if (this.numbers.has(target.name))
        return node.prefix || !wanted ? `(${plain})` : `(${name}${sign}${sign})`;
      const slow = `(${name}=rt.stepBase(${name})${sign}1)`;
      if (node.prefix || !wanted) return `(typeof ${name}==="number"?${plain}:${slow})`;
    }
    const old = this.temp();
    const { prepared, place } = this.prepare(target);
    const store = this.assignTo(place, `${old}${sign}1`);
    const result = node.prefix ? `${old}${sign}1` : old;
    return `(${prepared}${old}=${mark(node.at)}stepBase(${this.expression(place)}),${store},${result})`;
  }

  #match(node: Extract<Expression, { kind: "match" }>): string {
    const subject = this.temp();
    const arms = node.arms.filter(({ values }) => values !== null);
    const chain = arms.map(({ values, result }) => {
      const tests = (values ?? []).map((value) => `equals(${subject},${this.expression(value)})`);
      return `(${tests.join("||")})?${this.expression(result)}:`;
    });
    const fallback = node.arms.find(({ values }) => values === null);
    const last =
      fallback === undefined ? `${mark(node.at)}noMatch(${subject})` : this.expression(fallback.result);
    return `(${subject}=${this.expression(node.subject)},${chain.join("")}${last})`;
  }
}

/** Calls of one builder in a row: V8 goes down into them one by one, and has no stack for some thousand. */
const MOST_CHAINED = 500;

function chained(builder: string, calls: readonly string[]): string {
  const chains: string[] = [];
  for (let at = 0; at < calls.length; at += MOST_CHAINED)
    chains.push(builder + calls.slice(at, at + MOST_CHAINED).join(""));
  return chains.join(",");
}

/** In halves, from left to right: one within the other would be deeper than a compiler can go in a text of many variables. */
function joined(parts: readonly string[]): string {
  const [first = '""'] = parts;
  if (parts.length < 2) return first;
  const middle = parts.length >> 1;
  return `concat(${joined(parts.slice(0, middle))},${joined(parts.slice(middle))})`;
}
