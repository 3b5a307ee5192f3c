/**
 * Looks at the scripts of a configuration before it reaches a pod: what does not compile makes the configuration invalid, with
 * file, line and column, and nothing is rolled out. Only translated, never run: no code of a script enters this process.
 * Scripts that need what only an engine has (functions of plugins and of C, files on its disk), and very large ones, are left to the
 * engine, which refuses them in the same words. The compiler is loaded when the first script is seen. Answers are remembered by revision.
 */
import type { Problem } from "#contract/admin-api.ts";
import { type AppConfig, appFile, parseEngineConfig } from "#contract/config.ts";
import type { Rendering } from "#operator/desired/engine-config.ts";

const MAX_REMEMBERED = 200;
/** Bytes of scripts and data, with repeats: some half a second in which no other cluster is served. */
const MOST = { code: 262_144, data: 1_048_576 };

export class ScriptCheck {
  readonly #problems = new Map<string, readonly Problem[]>();

  async judge(rendering: Rendering): Promise<Rendering> {
    if (!rendering.ok) return rendering;
    const { revision } = rendering.config;
    const problems = this.#problems.get(revision) ?? (await problemsOf(rendering.config));
    this.#remember(revision, problems);
    return problems.length === 0 ? rendering : { ok: false, reason: "Invalid", problems };
  }

  #remember(revision: string, problems: readonly Problem[]): void {
    this.#problems.delete(revision);
    this.#problems.set(revision, problems);
    for (const oldest of this.#problems.keys()) {
      if (this.#problems.size <= MAX_REMEMBERED) break;
      this.#problems.delete(oldest);
    }
  }
}

async function problemsOf(files: Parameters<typeof parseEngineConfig>[0]): Promise<readonly Problem[]> {
  const parsed = parseEngineConfig(files);
  if (!parsed.ok) return [];
  const { plugins, scripting } = parsed.value.startup;
  if (plugins.length > 0 || scripting.ffi || !canBeJudged(parsed.value.app)) return [];
  return check(parsed.value.app);
}

/** There are scripts, and all that they import is here. */
function canBeJudged({ scripting }: AppConfig): boolean {
  const { predelivery, postdelivery, ...named } = scripting.hooks;
  const isThere = predelivery !== undefined || postdelivery !== undefined;
  const hasScripts = isThere || Object.values(named).some((scripts) => scripts.length > 0);
  return hasScripts && scripting.files.every(({ data }) => data !== undefined);
}

async function check(app: AppConfig): Promise<readonly Problem[]> {
  const [{ fileBytes, scriptTexts }, { makeScriptHost }, { checkScripts }, { libraryHost }, host] =
    await Promise.all([
      import("#mta/hooks/configured.ts"),
      import("#mta/hooks/script-host.ts"),
      import("#mta/hooks/scripts.ts"),
      import("#mta/script/library/library.ts"),
      import("#mta/script/host.ts"),
    ]);
  const { declare, makeHost, parameter } = host;
  // What rooms of the engine give to scripts beside the library: names are all that counts here.
  const fromEngine = ["spamhaus"].map((name) =>
    declare({
      name,
      parameters: [parameter.rest("arguments")],
      returns: "any",
      docs: "Of the engine.",
      way: "promise",
      run: () => null,
    }),
  );
  const files = new Map(
    app.scripting.files.map(({ id, data = "", binary }) => [id, fileBytes(data, binary)] as const),
  );
  const scriptHost = makeScriptHost({ libraryHost, pluginHosts: [makeHost(fromEngine)] });
  const budget = { ...MOST };
  const problems = checkScripts(scriptTexts(app, files), scriptHost, budget);
  if (budget.code < 0 || budget.data < 0) return [];
  return problems.map((problem) => ({ file: appFile, ...problem }));
}
