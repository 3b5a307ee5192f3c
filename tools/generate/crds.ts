/**
 * Writes crds/generated/*.yaml from the zod schemas. With --check it writes nothing and ends with 1 when a file is
 * not current, naming it.
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { dump } from "js-yaml";

import { type Definition, definitions } from "#crds/definitions.ts";

const folder = new URL("../../crds/generated/", import.meta.url);

export function fileOf(definition: Definition): URL {
  return new URL(`${definition.metadata.name}.yaml`, folder);
}

export function textOf(definition: Definition): string {
  const head = "# Generated from crds/*.ts by tools/generate/crds.ts; do not edit.\n";
  return head + dump(definition, { noRefs: true, lineWidth: -1 });
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  const stale: string[] = [];
  for (const definition of definitions) {
    const file = fileOf(definition);
    const text = textOf(definition);
    if ((await readFile(file, "utf8").catch(() => "")) === text) continue;
    if (!values.check) await writeFile(file, text);
    stale.push(file.pathname);
  }
  for (const path of stale) process.stdout.write(`${values.check ? "not current" : "written"}: ${path}\n`);
  return values.check && stale.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main();
