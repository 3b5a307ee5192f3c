/**
 * hsl-lint: compiles without running. On standard input a YAML (or JSON) request with `data` (the script), `phase` (a hook,
 * whose actions and variables the script then has) and `files` ([{id, data}], what it may include and import). Ends with 0 when all is well; otherwise with 1 and a YAML object
 * on standard error: file, line, column, message and path of the first error, and all of them under `errors`.
 */
import { readFileSync } from "node:fs";

import { dump, load } from "js-yaml";
import { z } from "zod";

import { makeScriptHost } from "../hooks/script-host.ts";
import { hookNames } from "../hooks/stages.ts";
import { CompileError, type Diagnostic } from "../script/error.ts";
import type { Host } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";
import { compile } from "../script/machine.ts";
import { loadFrom } from "../script/module.ts";

const requestSchema = z.looseObject({
  data: z.string(),
  phase: z.string().default(""),
  files: z.array(z.looseObject({ id: z.string(), data: z.string() })).default([]),
});

process.exitCode = main(readFileSync(0, "utf8"));

function main(input: string): number {
  const request = requestSchema.safeParse(parseYaml(input));
  if (!request.success)
    return report([{ file: "", line: 1, column: 1, message: "the request wants data and files" }]);
  const { data, phase, files } = request.data;
  const texts = new Map(files.map((file) => [file.id, bytes(file.data)]));
  try {
    compile(phase, bytes(data), hostOf(phase), loadFrom(texts));
    return 0;
  } catch (error) {
    if (error instanceof CompileError) return report(error.diagnostics);
    throw error;
  }
}

/** A hook's script has its actions and variables; what is no hook has the library alone. */
function hostOf(phase: string): Host {
  const hook = hookNames.find((name) => name === phase.toLowerCase());
  return hook === undefined ? libraryHost : makeScriptHost({ libraryHost }).hostFor(hook);
}

function parseYaml(text: string): unknown {
  try {
    return load(text);
  } catch {
    return null;
  }
}

function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function report(diagnostics: readonly Diagnostic[]): number {
  const errors = diagnostics.map(({ file, line, column, message }) => ({
    file,
    line,
    column,
    message,
    path: [],
  }));
  process.stderr.write(dump({ ...errors[0], errors }, { noRefs: true }));
  return 1;
}
