/** What can stand left of an assignment, and its signs: the operator of each, null for `=`. Pure. */
import type { BinaryOperator, Expression } from "./ast.ts";

export const assignments: ReadonlyMap<string, BinaryOperator | "??" | null> = new Map<
  string,
  BinaryOperator | "??" | null
>([
  ["=", null],
  ["+=", "+"],
  ["-=", "-"],
  ["*=", "*"],
  ["/=", "/"],
  ["%=", "%"],
  [".=", "."],
  ["**=", "**"],
  ["??=", "??"],
  ["&=", "&"],
  ["|=", "|"],
  ["^=", "^"],
  ["<<=", "<<"],
  [">>=", ">>"],
]);

/** `isPattern` lets an array of places in, too. */
export function isPlace(node: Expression, isPattern: boolean): boolean {
  if (node.kind === "scoped") return node.variable;
  return ["variable", "index", "member", "path", "slice", ...(isPattern ? ["array"] : [])].includes(
    node.kind,
  );
}
