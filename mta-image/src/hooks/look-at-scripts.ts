/**
 * What is wrong with the scripts of a configuration, found outside an engine: by the operator before a roll-out and by the web
 * administration while somebody edits. Only translated, never run: no code of a script enters the process.
 */
import type { AppConfig } from "#contract/config.ts";

import { makeHost, nameAlone } from "../script/host.ts";
import { libraryHost } from "../script/library/library.ts";
import type { TextBudget } from "../script/limits.ts";
import { fileBytes, pluginConfigs, scriptTexts } from "./configured.ts";
import { makeScriptHost } from "./script-host.ts";
import { type ScriptProblem, checkScripts } from "./scripts.ts";

/** Null: they are larger than the budget, which an engine judges. Of configurations that `canBeJudged` says yes to. */
export function lookAtScripts(app: AppConfig, most: TextBudget): readonly ScriptProblem[] | null {
  // What rooms of the engine give to scripts beside the library: names are all that counts here.
  const fromEngine = [nameAlone("spamhaus", "Of the engine.")];
  const files = new Map(
    app.scripting.files.map(({ id, data = "", binary }) => [id, fileBytes(data, binary)] as const),
  );
  const scriptHost = makeScriptHost({
    libraryHost,
    pluginHosts: [makeHost(fromEngine)],
    pluginConfigs: pluginConfigs("smtpd-app.yaml", app.plugins),
  });
  const budget = { ...most };
  const problems = checkScripts(scriptTexts(app, files), scriptHost, budget);
  return budget.code < 0 || budget.data < 0 ? null : problems;
}
