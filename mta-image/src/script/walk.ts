/** Visits every node of a tree once, parents first. A visitor that gives false keeps the walk out of that node. */
import type { Node } from "./ast.ts";

export type Visited = Node & { readonly kind?: string };

export function walk(node: unknown, visit: (node: Visited) => boolean | undefined): void {
  if (Array.isArray(node)) {
    for (const item of node) walk(item, visit);
    return;
  }
  if (typeof node !== "object" || node === null) return;
  if ("at" in node && visit(node as Visited) === false) return;
  for (const part of Object.values(node)) if (typeof part === "object") walk(part, visit);
}
