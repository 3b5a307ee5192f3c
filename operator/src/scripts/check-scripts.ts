/**
 * Looks at the scripts of a configuration before it reaches a pod: what does not compile makes the configuration invalid, with
 * file, line and column, and nothing is rolled out. Only translated, never run: no code of a script enters this process.
 * Scripts that need what only an engine has (functions of plugins and of C, files on its disk), and very large ones, are left to the
 * engine, which refuses them in the same words. The compiler is loaded when the first script is seen. Answers are remembered by revision.
 */
import type { Problem } from "#contract/admin-api.ts";
import { type AppConfig, appFile, judgeOfScripts, parseEngineConfig } from "#contract/config.ts";
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
  if (judgeOfScripts(parsed.value) !== "anybody") return [];
  return check(parsed.value.app);
}

async function check(app: AppConfig): Promise<readonly Problem[]> {
  const { lookAtScripts } = await import("#mta/hooks/look-at-scripts.ts");
  const problems = lookAtScripts(app, MOST) ?? [];
  return problems.map((problem) => ({ file: appFile, ...problem }));
}
