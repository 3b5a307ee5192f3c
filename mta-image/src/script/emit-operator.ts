/**
 * Operators with two sides to JavaScript text; part of the emitter. Sums of sums are one tree: whether all its leaves
 * are numbers is asked once, and then JavaScript computes it; otherwise helpers do, one an operator. Both texts name
 * only leaves that stand in variables, so the code grows with the source and no leaf is computed twice.
 * The helpers are read from `rt`: V8 leaves out a read that never ran, and then knows that the whole is a number.
 */
import type { BinaryOperator, Expression } from "./ast.ts";
import { CallEmitter } from "./emit-call.ts";
import { mark } from "./emit-names.ts";
import { staticType } from "./static-type.ts";
import { expressionsOf } from "./walk.ts";

type Operation = Pick<Extract<Expression, { kind: "binary" }>, "operator" | "at" | "left" | "right">;

/** A tree of numbers. */
interface Tree {
  /** Code that puts leaves into temporaries, each with its comma. */
  readonly first: string;
  /** What must hold for `fast`. */
  readonly checks: readonly string[];
  readonly fast: string;
  readonly slow: string;
}

const operators: Readonly<Record<BinaryOperator, string>> = {
  "+": "add",
  "-": "subtract",
  "*": "multiply",
  "/": "divide",
  "%": "modulo",
  "**": "power",
  ".": "concat",
  "&": "bitAnd",
  "|": "bitOr",
  "^": "bitXor",
  "<<": "shiftLeft",
  ">>": "shiftRight",
  ">>>": "shiftRightZero",
  "==": "equals",
  "!=": "unequal",
  "===": "strictEquals",
  "!==": "strictUnequal",
  "<": "less",
  ">": "greater",
  "<=": "lessOrEqual",
  ">=": "greaterOrEqual",
  "=~": "matches",
  "!~": "matchesNot",
};

/** Operators that JavaScript has with the same meaning for two numbers. */
const numeric: ReadonlySet<BinaryOperator> = new Set(["+", "-", "*", "/", "%", "<", ">", "<=", ">="]);

/** Those of them that give a number again. */
const sums: ReadonlySet<BinaryOperator> = new Set(["+", "-", "*", "/", "%"]);

export abstract class OperatorEmitter extends CallEmitter {
  operate(node: Operation): string {
    if (!numeric.has(node.operator)) {
      const sides = `${this.expression(node.left)},${this.expression(node.right)}`;
      return `${mark(node.at)}${operators[node.operator]}(${sides})`;
    }
    const { operator, left, right } = node;
    const { a, b } = this.#sides(node);
    const { first, checks, fast, slow } = join(node, a, b);
    if (checks.length === 0) return `(${first}${fast})`;
    if (operator !== "+") return `(${first}${[...new Set(checks)].join("&&")}?${fast}:${slow})`;
    const own = [...(isSum(left) ? a.checks : []), ...(isSum(right) ? b.checks : [])];
    const result = this.temp();
    const conditions = [...new Set(own), `typeof (${result}=${fast})==="number"`];
    return `(${first}${conditions.join("&&")}?${result}:${slow})`;
  }

  #tree(node: Operation): Tree {
    const { a, b } = this.#sides(node);
    return join(node, a, b);
  }

  #sides({ left, right }: Operation): { readonly a: Tree; readonly b: Tree } {
    // An operator may refuse its operands: it must have done so before anything further right changes the world.
    const changes = changesThings(right);
    const a = !changes && isSum(left) ? this.#tree(left) : this.#leaf(left, changes);
    const b = isSum(right) ? this.#tree(right) : this.#leaf(right, false);
    return { a, b };
  }

  #leaf(node: Expression, changes: boolean): Tree {
    const code = this.expression(node);
    const plain = node.kind === "literal" || (!changes && node.kind === "variable" && /^[$t]\w*$/.test(code));
    const use = plain ? code : this.temp();
    return {
      first: plain ? "" : `${use}=${code},`,
      checks: staticType(node, this.numbers) === "number" ? [] : [`typeof ${use}==="number"`],
      fast: use,
      slow: use,
    };
  }
}

function join({ operator, at }: Operation, a: Tree, b: Tree): Tree {
  return {
    first: a.first + b.first,
    checks: [...a.checks, ...b.checks],
    fast: `(${a.fast}${operator}${b.fast})`,
    slow: `${mark(at)}rt.${operators[operator]}(${a.slow},${b.slow})`,
  };
}

function isSum(node: Expression): node is Extract<Expression, { kind: "binary" }> {
  return node.kind === "binary" && sums.has(node.operator);
}

/** What is read before it must be kept: `$i + $i++`. */
export function changesThings(node: Expression): boolean {
  const kinds = ["assign", "step", "call", "cache", "yield"];
  return kinds.includes(node.kind) || expressionsOf(node).some(changesThings);
}
