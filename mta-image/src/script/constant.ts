/** Expressions that are values without running: options of imports. Pure. */
import { type Value, HslArray } from "./value.ts";
import type { Expression } from "./ast.ts";

export function constantOf(node: Expression): Value | undefined {
  if (node.kind === "literal") return node.value;
  if (node.kind === "unary" && node.operator === "-") {
    const value = constantOf(node.operand);
    return typeof value === "number" ? -value : undefined;
  }
  if (node.kind !== "array") return undefined;
  const result = new HslArray();
  for (const { key, value, spread } of node.items) {
    const [k, v] = [key === null ? null : constantOf(key), constantOf(value)];
    if (k === undefined || v === undefined || spread) return undefined;
    if (key === null) result.push(v);
    else result.set(k, v);
  }
  return result;
}
