/**
 * The scripts of a configuration, read and compiled: what the engine does before a configuration comes into force, and what
 * `smtpd --check` does without one. Rejects with a ConfigFailure that names every mistake with file, line and column.
 */
import { readFile } from "node:fs/promises";

import { describe } from "#base/error.ts";
import type { Problem } from "#contract/admin-api.ts";
import { type AppConfig, appFile } from "#contract/config.ts";

import { ConfigFailure } from "../config/config-failure.ts";
import { fileBytes, scriptTexts } from "../hooks/configured.ts";
import { type ScriptHostParts, makeScriptHost } from "../hooks/script-host.ts";
import { type Scripts, compileScripts } from "../hooks/scripts.ts";
import { libraryHost } from "../script/library/library.ts";

/** Rejects with a ConfigFailure. */
export async function compileConfig(
  app: AppConfig,
  offers: Omit<ScriptHostParts, "libraryHost">,
): Promise<Scripts> {
  const texts = scriptTexts(app, await readFiles(app.scripting.files));
  const scripts = compileScripts(texts, makeScriptHost({ libraryHost, ...offers }));
  if (!("servers" in scripts))
    throw new ConfigFailure(
      "script-broken",
      scripts.map(({ path, reason }) => ({ file: appFile, path, reason })),
    );
  return scripts;
}

type Files = AppConfig["scripting"]["files"];

/** Texts are bytes: one character each. */
async function readFiles(files: Files): Promise<ReadonlyMap<string, string>> {
  const problems: Problem[] = [];
  const read = await Promise.all(
    files.map(async ({ id, data, path, binary }, at): Promise<[string, string]> => {
      if (data !== undefined) return [id, fileBytes(data, binary)];
      try {
        return [id, await readFile(path ?? "", "latin1")];
      } catch (error) {
        problems.push({ file: appFile, path: `scripting.files[${at}].path`, reason: describe(error) });
        return [id, ""];
      }
    }),
  );
  if (problems.length > 0) throw new ConfigFailure("script-broken", problems);
  return new Map(read);
}
