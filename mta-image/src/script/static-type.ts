/** What can be said of an expression's type without running it. Pure; "any" is always right. */
import type { Expression } from "./ast.ts";

export type StaticType = "number" | "boolean" | "string" | "none" | "any";

const booleans = new Set(["==", "!=", "===", "!==", "<", ">", "<=", ">=", "=~", "!~"]);
const numbers = new Set(["/", "**", "&", "|", "^", "<<", ">>", ">>>"]);

const none: ReadonlySet<string> = new Set();

/** `numberNames` are variables that are known to be numbers. */
export function staticType(node: Expression, numberNames = none): StaticType {
  switch (node.kind) {
    case "variable":
      return numberNames.has(node.name) ? "number" : "any";
    case "literal":
      return node.value === null ? "none" : (typeof node.value as StaticType);
    case "interpolated":
      return "string";
    case "unary":
      return node.operator === "not" ? "boolean" : "number";
    case "step":
      return "number";
    case "logical":
      return node.operator === "and" || node.operator === "or" ? "boolean" : "any";
    case "binary":
      return binaryType(node, numberNames);
    case "call":
      return node.callee.kind === "name" && node.callee.name === "isset" ? "boolean" : "any";
    default:
      return "any";
  }
}

function binaryType(
  { operator, left, right }: Extract<Expression, { kind: "binary" }>,
  numberNames: ReadonlySet<string>,
): StaticType {
  if (booleans.has(operator)) return "boolean";
  if (numbers.has(operator)) return "number";
  if (operator === ".") return "string";
  const isSum = staticType(left, numberNames) === "number" && staticType(right, numberNames) === "number";
  return isSum ? "number" : "any";
}

export function isScalar(node: Expression, numberNames = none): boolean {
  return staticType(node, numberNames) !== "any";
}
