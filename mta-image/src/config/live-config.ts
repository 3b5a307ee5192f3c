/**
 * The configuration in force and its change. One that is broken never replaces one that works: `reload` and
 * `push` answer with the problems and everything goes on as it was. smtpd.yaml needs a restart: a reload that
 * finds it changed says so as a problem.
 */
import { Failure } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { ConfigPush, Problem } from "#contract/admin-api.ts";
import {
  type EngineConfig,
  appFile,
  parseEngineConfig,
  policyFile,
  startupFile,
  suspendFile,
} from "#contract/config.ts";

import { ConfigFailure } from "./config-failure.ts";
import { type ConfigPlaces, type ConfigTexts, readFiles, readPushed, writePushed } from "./files.ts";

const pushable = new Set([appFile, policyFile, suspendFile]);

export type ConfigChange =
  | { readonly ok: true; readonly revision: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export class LiveConfig {
  readonly #places: ConfigPlaces;
  /** As they are in force. */
  #texts: ConfigTexts;
  #config: EngineConfig;
  #problems: readonly Problem[] = [];
  /** Makes what the new configuration needs (TLS contexts …) before the swap; throws Failure when it cannot. */
  #prepare: (config: EngineConfig) => Promise<() => void> = async () => () => {};
  /** The change under way: one ends before the next begins, so what is kept on disk is what is in force. */
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(places: ConfigPlaces, texts: ConfigTexts, config: EngineConfig) {
    this.#places = places;
    this.#texts = texts;
    this.#config = config;
  }

  /** Reads everything at start. Throws Failure; resolves with problems when the files are wrong. */
  static async open(places: ConfigPlaces, log: Log): Promise<LiveConfig | readonly Problem[]> {
    const files = await readFiles(places);
    const pushed = await readPushed(places);
    if (pushed !== null) {
      const texts = { ...files, ...pushed };
      const parsed = parseEngineConfig(texts);
      if (parsed.ok) return new LiveConfig(places, texts, parsed.value);
      log.error({ revision: pushed.revision, problems: parsed.problems }, "pushed-config-ignored");
    }
    const parsed = parseEngineConfig(files);
    return parsed.ok ? new LiveConfig(places, files, parsed.value) : parsed.problems;
  }

  get current(): EngineConfig {
    return this.#config;
  }

  /** "" when what it started with is in force only in part: who pushes finds it behind, pushes again and hears why. */
  get revision(): string {
    return this.#problems.length > 0 ? "" : this.#texts.revision;
  }

  /** What is wrong with the configuration in force; only one from the start can have mistakes. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** The engine starts all the same. */
  startBroken(problems: readonly Problem[]): void {
    this.#problems = problems;
  }

  /** The text of each file, for whoever looks at it. */
  get texts(): Readonly<ConfigTexts> {
    return this.#texts;
  }

  /** Where pushed files are kept; null: nothing can be pushed, this engine belongs to no cluster. */
  get pushedFolder(): string | null {
    return this.#places.pushedFolder;
  }

  onChange(prepare: (config: EngineConfig) => Promise<() => void>): void {
    this.#prepare = prepare;
  }

  /** Reads the files again. What was pushed before is superseded. */
  reload(): Promise<ConfigChange> {
    return this.#inTurn(() => this.#reload());
  }

  push(request: ConfigPush): Promise<ConfigChange> {
    return this.#inTurn(() => this.#push(request));
  }

  /** Makes what is in force once more, where that depends on more than its text. Nothing is kept on disk. */
  again(): Promise<ConfigChange> {
    return this.#inTurn(async () => {
      const problems = await this.#swap(this.#config, async () => {});
      return problems.length > 0 ? { ok: false, problems } : { ok: true, revision: this.revision };
    });
  }

  #inTurn(change: () => Promise<ConfigChange>): Promise<ConfigChange> {
    const result = this.#changing.then(change);
    this.#changing = result.catch(() => {});
    return result;
  }

  async #reload(): Promise<ConfigChange> {
    const texts = await readFiles(this.#places).catch(asProblem);
    if ("file" in texts) return { ok: false, problems: [texts] };
    if (texts.startup !== this.#texts.startup) {
      const reason = "has changed; it is read at start only, so restart to use it";
      return { ok: false, problems: [{ file: startupFile, path: "", reason }] };
    }
    return this.#change(texts);
  }

  async #push(request: ConfigPush): Promise<ConfigChange> {
    const app = request.files[appFile];
    if (app === undefined)
      return { ok: false, problems: [{ file: appFile, path: "", reason: "is missing" }] };
    const extra = Object.keys(request.files).find((name) => !pushable.has(name));
    if (extra !== undefined) {
      return {
        ok: false,
        problems: [{ file: extra, path: "", reason: "cannot be pushed; only reloadable files can" }],
      };
    }
    // A push is all that can be reloaded: a file that it does not bring is empty from now on.
    const { [policyFile]: policy = "", [suspendFile]: suspend = "" } = request.files;
    return this.#change({ startup: this.#texts.startup, app, policy, suspend, revision: request.revision });
  }

  async #change(texts: ConfigTexts): Promise<ConfigChange> {
    const parsed = parseEngineConfig(texts);
    if (!parsed.ok) return parsed;
    const problems = await this.#swap(parsed.value, async () => {
      const folder = this.#places.pushedFolder;
      const { startup: _, ...pushed } = texts;
      if (folder !== null) await writePushed(folder, pushed);
    });
    if (problems.length > 0) return { ok: false, problems };
    this.#config = parsed.value;
    this.#texts = texts;
    this.#problems = [];
    return { ok: true, revision: texts.revision };
  }

  /** `keep` comes when everything is prepared and before it is in force. */
  async #swap(config: EngineConfig, keep: () => Promise<void>): Promise<readonly Problem[]> {
    try {
      const swap = await this.#prepare(config);
      await keep();
      swap();
      return [];
    } catch (error) {
      if (error instanceof ConfigFailure) return error.problems;
      if (!(error instanceof Failure)) throw error;
      return [{ file: appFile, path: "", reason: error.message }];
    }
  }
}

function asProblem(error: unknown): Problem {
  if (!(error instanceof Failure)) throw error;
  return { file: startupFile, path: "", reason: error.message };
}
