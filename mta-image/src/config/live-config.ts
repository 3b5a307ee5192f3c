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

import { type FileNames, underNames } from "#contract/file-names.ts";

import { ConfigFailure } from "./config-failure.ts";
import {
  type ConfigPlaces,
  type ConfigTexts,
  namesOfPushed,
  namesOnDisk,
  readFiles,
  readPushed,
  writePushed,
} from "./files.ts";

const pushable = new Set([appFile, policyFile, suspendFile]);

export type ConfigChange =
  | { readonly ok: true; readonly revision: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export class LiveConfig {
  readonly #places: ConfigPlaces;
  /** As they are in force. */
  #texts: ConfigTexts;
  #config: EngineConfig;
  /** What its files are called where they came from. */
  #names: FileNames;
  #problems: readonly Problem[] = [];
  /** Makes what the new configuration needs (TLS contexts …) before the swap; throws Failure when it cannot. */
  #prepare: (config: EngineConfig) => Promise<() => void> = async () => () => {};
  /** The change under way: one ends before the next begins, so what is kept on disk is what is in force. */
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(places: ConfigPlaces, made: Made) {
    const { texts, config, names } = made;
    this.#places = places;
    this.#names = names;
    this.#texts = texts;
    this.#config = config;
  }

  /** Reads everything at start. Throws Failure; resolves with problems when the files are wrong. */
  static async open(places: ConfigPlaces, log: Log): Promise<LiveConfig | readonly Problem[]> {
    const files = await readFiles(places);
    const pushed = await readPushed(places);
    if (pushed !== null) {
      const texts = { ...files, ...pushed };
      const made = parse(texts, namesOfPushed(places));
      if (made.ok) return new LiveConfig(places, made);
      log.error({ revision: pushed.revision, problems: made.problems }, "pushed-config-ignored");
    }
    const made = parse(files, namesOnDisk(places, files));
    return made.ok ? new LiveConfig(places, made) : made.problems;
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
    this.#problems = this.named(problems);
  }

  /** Problems of the configuration in force under the names that its files have. */
  named(problems: readonly Problem[]): readonly Problem[] {
    return underNames(problems, this.#names);
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
      const made = { config: this.#config, names: this.#names };
      const problems = await this.#swap(made, async () => {});
      return problems.length > 0 ? { ok: false, problems } : { ok: true, revision: this.revision };
    });
  }

  #inTurn(change: () => Promise<ConfigChange>): Promise<ConfigChange> {
    const result = this.#changing.then(change);
    this.#changing = result.catch(() => {});
    return result;
  }

  async #reload(): Promise<ConfigChange> {
    const texts = await readFiles(this.#places).catch(messageOf);
    if (typeof texts === "string") return { ok: false, problems: this.#ofStartup(texts) };
    if (texts.startup !== this.#texts.startup) {
      const reason = "has changed; it is read at start only, so restart to use it";
      return { ok: false, problems: this.#ofStartup(reason) };
    }
    return this.#change(texts, namesOnDisk(this.#places, texts));
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
    const texts = { startup: this.#texts.startup, app, policy, suspend, revision: request.revision };
    return this.#change(texts, namesOfPushed(this.#places));
  }

  #ofStartup(reason: string): readonly Problem[] {
    return this.named([{ file: startupFile, path: "", reason }]);
  }

  async #change(texts: ConfigTexts, names: FileNames): Promise<ConfigChange> {
    const made = parse(texts, names);
    if (!made.ok) return made;
    const problems = await this.#swap(made, async () => {
      const folder = this.#places.pushedFolder;
      const { startup: _, ...pushed } = texts;
      if (folder !== null) await writePushed(folder, pushed);
    });
    if (problems.length > 0) return { ok: false, problems };
    this.#config = made.config;
    this.#names = names;
    this.#texts = texts;
    this.#problems = [];
    return { ok: true, revision: texts.revision };
  }

  /** `keep` comes when everything is prepared and before it is in force. */
  async #swap(
    { config, names }: Pick<Made, "config" | "names">,
    keep: () => Promise<void>,
  ): Promise<readonly Problem[]> {
    try {
      const swap = await this.#prepare(config);
      await keep();
      swap();
      return [];
    } catch (error) {
      if (error instanceof ConfigFailure) return underNames(error.problems, names);
      return underNames([{ file: appFile, path: "", reason: messageOf(error) }], names);
    }
  }
}

interface Made {
  readonly texts: ConfigTexts;
  readonly config: EngineConfig;
  readonly names: FileNames;
}

function parse(
  texts: ConfigTexts,
  names: FileNames,
): ({ readonly ok: true } & Made) | { readonly ok: false; readonly problems: readonly Problem[] } {
  const parsed = parseEngineConfig(texts);
  return parsed.ok
    ? { ok: true, texts, config: parsed.value, names }
    : { ok: false, problems: underNames(parsed.problems, names) };
}

/** Of what is wrong outside; a bug is thrown on. */
function messageOf(error: unknown): string {
  if (!(error instanceof Failure)) throw error;
  return error.message;
}
