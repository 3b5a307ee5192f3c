/**
 * What Argo CD would say of an object: our script, run by a real Lua of the dialect that Argo CD has (5.1), with the object
 * as its global `obj`. Rejects with what Lua said.
 */
import { readFile } from "node:fs/promises";

import { run } from "../../e2e/peers/shell.ts";

const script = new URL("../../docs/examples/argocd/health/health.lua", import.meta.url);

export interface Health {
  readonly status: string;
  readonly message: string;
}

export async function healthOf(object: unknown): Promise<Health> {
  const body = await readFile(script, "utf8");
  const program = `obj = ${literal(object)}
local health = (function()
${body}
end)()
io.write(health.status, "\\n", health.message)
`;
  const printed = await run("lua5.1", ["-"], { input: program });
  const [status = "", ...message] = printed.split("\n");
  return { status, message: message.join("\n") };
}

/** A value of JSON as Lua writes it. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return "nil";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `{${value.map(literal).join(", ")}}`;
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([key, inner]) => `[${quoted(key)}] = ${literal(inner)}`)
      .join(", ")}}`;
  return String(value);
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"\n\r\0]/g, (char) => `\\${String(char.charCodeAt(0)).padStart(3, "0")}`)}"`;
}
