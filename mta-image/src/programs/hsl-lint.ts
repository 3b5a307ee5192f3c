/**
 * hsl-lint: compiles without running. On standard input a YAML (or JSON) request, as editors of the MTA whose scripts run here send
 * it: `data` (the script), `phase` (a hook, whose actions and variables the script then has), `files` ([{id, data, binary}], what it
 * may include and import), `scripting` and `plugins` of smtpd.yaml (with `ffi` there is the class FFI; of plugins, which are not loaded,
 * every name is taken), and `version`, which changes nothing. Ends with 0 when all is well; otherwise with 1 and a YAML object on standard
 * error: file ("" is the script itself), line, column, message and path of the first error, and all of them under `errors`. `path` has the
 * statements that brought the file in, the nearest first.
 */
import { readFileSync } from "node:fs";

import { dump, load } from "js-yaml";
import { z } from "zod";

import { fileBytes, pluginConfigs } from "../hooks/configured.ts";
import { makeScriptHost } from "../hooks/script-host.ts";
import { hookNames } from "../hooks/stages.ts";
import { unseenPlugin, withUnseen } from "../hooks/unseen-plugins.ts";
import { CompileError, type Diagnostic, type Place } from "../script/error.ts";
import { check } from "../script/machine.ts";
import { declaredHost } from "./declared-host.ts";

const requestSchema = z.looseObject({
  data: z.string(),
  phase: z.string().default(""),
  files: z
    .array(
      z.looseObject({ id: z.string(), data: z.string().default(""), binary: z.boolean().default(false) }),
    )
    .default([]),
  scripting: z.looseObject({ ffi: z.boolean().default(false) }).nullish(),
  plugins: z
    .array(z.looseObject({ id: z.string(), config: z.unknown().optional() }))
    .nullish()
    .transform((plugins) => plugins ?? []),
});
type Request = z.infer<typeof requestSchema>;

process.exitCode = await main(readFileSync(0, "utf8"));

async function main(input: string): Promise<number> {
  const request = requestSchema.safeParse(parseYaml(input));
  if (!request.success)
    return report([{ file: "", line: 1, column: 1, message: "the request wants data and files", path: [] }]);
  try {
    await lint(request.data);
    return 0;
  } catch (error) {
    if (error instanceof CompileError) return report(error.diagnostics);
    throw error;
  }
}

/** A hook's script has its actions and variables; what is no hook has the library alone. Throws a CompileError. */
async function lint({ data, phase, files, scripting, plugins }: Request): Promise<void> {
  const libraryHost = await declaredHost({ ffi: scripting?.ffi === true });
  const ids = plugins.map(({ id }) => ({ id }));
  const scripts = makeScriptHost({
    libraryHost,
    // The request has nothing of smtpd-app.yaml.
    pluginConfigs: new Map([
      ...pluginConfigs("smtpd.yaml", plugins),
      ...pluginConfigs("smtpd-app.yaml", ids),
    ]),
  });
  const texts = new Map(files.map((file) => [file.id, fileBytes(file.data, file.binary)]));
  const given = scripts.loader(texts);
  const unseen = new Set(plugins.map(({ id }) => `extras://${id}`));
  const loader = {
    ...given,
    load: (id: string) => given.load(id) ?? (unseen.has(id) ? { id, host: unseenPlugin } : null),
  };
  const hook = hookNames.find((name) => name === phase.toLowerCase());
  const host = hook === undefined ? libraryHost : scripts.hostFor(hook);
  check("", fileBytes(data, false), plugins.length === 0 ? host : withUnseen(host), loader);
}

function parseYaml(text: string): unknown {
  try {
    return load(text);
  } catch {
    return null;
  }
}

function report(diagnostics: readonly Diagnostic[]): number {
  const errors = diagnostics.map(({ message, path, ...place }) => ({
    ...placeOf(place),
    message,
    path: path.map(placeOf),
  }));
  process.stderr.write(dump({ ...errors[0], errors }, { noRefs: true }));
  return 1;
}

function placeOf({ file, line, column }: Place): Place {
  return { file, line, column };
}
