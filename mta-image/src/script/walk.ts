/** What stands directly within a node: its expressions, and the statements of its bodies. Pure; knows every kind. */
import type { Expression, Statement } from "./ast.ts";

type Maybe = Expression | null;

export function expressionsOf(node: Statement | Expression): readonly Expression[] {
  return direct(node).filter((item) => item !== null);
}

function direct(node: Statement | Expression): readonly Maybe[] {
  switch (node.kind) {
    case "expression":
    case "echo":
    case "throw":
    case "return":
      return [node.value];
    case "if":
    case "while":
      return [node.test];
    case "for":
      return [...node.start, node.test, ...node.step];
    case "foreach":
      return [node.subject];
    case "switch":
      return [node.subject, ...node.cases.map(({ test }) => test)];
    case "barrier":
      return [node.name];
    default:
      return within(node as Expression);
  }
}

function within(node: Expression): readonly Maybe[] {
  switch (node.kind) {
    case "array":
      return node.items.flatMap(({ key, value }) => [key, value]);
    case "unary":
      return [node.operand];
    case "binary":
    case "logical":
      return [node.left, node.right];
    case "conditional":
      return [node.test, node.chosen, node.otherwise];
    case "assign":
      return node.target.kind === "array" ? [node.value] : [node.target, node.value];
    case "step":
      return [node.target];
    case "call":
      return [node.callee, ...node.args.map(({ value }) => value)];
    case "index":
      return [node.base, node.index];
    case "path":
      return [node.base, node.path];
    case "slice":
      return [node.base, node.from, node.to, node.step];
    case "member":
      return [node.base];
    case "match":
      return [node.subject, ...node.arms.flatMap(({ values, result }) => [...(values ?? []), result])];
    case "cache":
      return [node.options, node.call];
    case "yield":
      return [node.key, node.value];
    default:
      return [];
  }
}

export function children(statement: Statement): readonly (readonly Statement[])[] {
  switch (statement.kind) {
    case "if":
      return [[statement.chosen], statement.otherwise === null ? [] : [statement.otherwise]];
    case "for":
    case "foreach":
    case "while":
      return [[statement.body]];
    case "switch":
      return statement.cases.map(({ body }) => body);
    case "try":
      return [statement.body, statement.handler];
    case "block":
    case "barrier":
      return [statement.body];
    default:
      return [];
  }
}
