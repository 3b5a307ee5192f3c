/** What people are told of a name: its signature and its sentence, as Markdown. Functions of a script by the comment above them. */
import type { FunctionNode } from "../script/ast.ts";
import { type HostClass, type HostFunction, signature } from "../script/host.ts";
import type { Named } from "../script/program.ts";
import type { Analysis, Meaning } from "./analysis.ts";

export function describe(analysis: Analysis, meaning: Meaning): string | null {
  switch (meaning.kind) {
    case "named":
      return describeNamed(meaning.named);
    case "member":
      return describeMember(analysis, meaning.name);
    case "variable":
      return analysis.host.variables.has(meaning.name) ? "Given by the hook that runs the script." : null;
    default:
      return null;
  }
}

function describeNamed(named: Named): string | null {
  if (named.kind === "host") return code(signature(named.fn), named.fn.docs, named.fn.way);
  if (named.kind === "function") return code(ownSignature(named.fn.name, named.fn.node), "");
  if (named.kind === "class") {
    const { construct } = named.cls;
    return code(
      construct === null ? `class ${named.cls.node.name}` : ownSignature(named.cls.node.name, construct.node),
      "",
    );
  }
  return classText(named.cls);
}

function classText({ name, docs, construct }: HostClass): string {
  if (construct === null) return code(`class ${name}`, docs);
  return code(signature(construct), `${docs} ${construct.docs}`);
}

/** A method of that name in each class that has one. */
function describeMember({ host, program }: Analysis, name: string): string | null {
  const known = [...host.classes.values()].flatMap((cls) => {
    const method = cls.methods.get(name);
    return method === undefined
      ? []
      : [code(`${cls.name}->${methodSignature(method)}`, method.docs, method.way)];
  });
  const own = program.classes.flatMap((cls) => {
    const fn = cls.methods.get(name);
    return fn === undefined ? [] : [code(`${cls.node.name}->${ownSignature(name, fn.node)}`, "")];
  });
  const all = [...new Set([...own, ...known])];
  return all.length === 0 ? null : all.join("\n\n---\n\n");
}

/** Without the object itself. */
export function methodSignature(method: HostFunction): string {
  return signature({ ...method, parameters: method.parameters.slice(1) });
}

export function ownSignature(name: string, { parameters }: FunctionNode): string {
  const list = parameters.map(
    (one) => `${one.rest ? "..." : ""}$${one.name}${one.fallback === null ? "" : " = …"}`,
  );
  return `${name}(${list.join(", ")})`;
}

function code(head: string, docs: string, way = "plain"): string {
  const waits = way === "promise" ? " *May wait.*" : "";
  return `\`\`\`hsl\n${head}\n\`\`\`${docs === "" && waits === "" ? "" : `\n${docs}${waits}`}`;
}
