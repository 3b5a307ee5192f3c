/**
 * The scripts of a configuration, read and compiled: what the engine does before a configuration comes into force, and what
 * `smtpd --check` does without one. Rejects with a ConfigFailure that names every mistake with file, line and column.
 */
import { readFile, stat } from "node:fs/promises";

import { describe } from "#base/error.ts";
import type { Problem } from "#contract/admin-api.ts";
import { type AppConfig, type StartupConfig, appFile } from "#contract/config.ts";

import { ConfigFailure } from "../config/config-failure.ts";
import { fileBytes, pluginConfigs, scriptTexts } from "../hooks/configured.ts";
import { type ScriptHost, type ScriptHostParts, makeScriptHost } from "../hooks/script-host.ts";
import { type Scripts, compileWhatCan } from "../hooks/scripts.ts";
import type { ProbeMaker } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";
import { folderLoader } from "../script-ports/folder-loader.ts";

type Offers = Omit<ScriptHostParts, "libraryHost"> & {
  /** Only while somebody looks at scripts as they run. */
  readonly probe?: ProbeMaker | undefined;
};

/** What scripts have beyond the configuration: the files below scripting.rootpath, if there is one. */
export function diskBehind({ scripting: { rootpath } }: StartupConfig): Pick<Offers, "behind"> {
  return rootpath === undefined ? {} : { behind: folderLoader(rootpath) };
}

/** Rejects with a ConfigFailure. */
export async function compileConfig(app: AppConfig, offers: Offers): Promise<Scripts> {
  const { scripts, problems } = await compileWhatCanOf(app, offers);
  if (problems.length > 0) throw new ConfigFailure("script-broken", problems);
  return scripts;
}

/** With stand-ins that defer mail for scripts that do not compile. Never rejects for what is written in a configuration. */
export async function compileWhatCanOf(
  app: AppConfig,
  offers: Offers,
): Promise<{ readonly scripts: Scripts; readonly problems: readonly Problem[] }> {
  const files = await readFiles(app.scripting.files);
  const { probe, ...parts } = offers;
  const settings = [...(parts.pluginConfigs ?? []), ...pluginConfigs("smtpd-app.yaml", app.plugins)];
  const made = makeScriptHost({ libraryHost, ...parts, pluginConfigs: new Map(settings) });
  const host: ScriptHost =
    probe === undefined ? made : { ...made, hostFor: (hook) => ({ ...made.hostFor(hook), probe }) };
  const { scripts, problems } = compileWhatCan(scriptTexts(app, files.texts), host);
  const mistakes = problems.map(({ path, reason }) => ({ file: appFile, path, reason }));
  return { scripts, problems: [...files.problems, ...mistakes] };
}

type Files = AppConfig["scripting"]["files"];

/** Texts are bytes: one character each. A file that cannot be read is missing. */
async function readFiles(
  files: Files,
): Promise<{ readonly texts: ReadonlyMap<string, string>; readonly problems: readonly Problem[] }> {
  const problems: Problem[] = [];
  const texts = new Map<string, string>();
  for (const [at, { id, data, path, binary }] of files.entries()) {
    try {
      texts.set(id, data === undefined ? await textOf(path ?? "") : fileBytes(data, binary));
    } catch (error) {
      problems.push({ file: appFile, path: `scripting.files[${at}].path`, reason: describe(error) });
    }
  }
  return { texts, problems };
}

/** A pipe would be waited for, and a device might have no end. */
async function textOf(path: string): Promise<string> {
  if (!(await stat(path)).isFile()) throw new Error(`${path} is no regular file`);
  return readFile(path, "latin1");
}
