/**
 * The scripts of one configuration, compiled: made when a configuration is read, before it is in force, and replaced as
 * a whole by the next one. A session keeps those it began with. `compileScripts` gives the scripts or everything that is
 * wrong, with the place in the configuration and file, line and column in the script; it never throws for a bad script.
 */
import { CompileError } from "../script/error.ts";
import type { Host } from "../script/host.ts";
import { type Limits, type TextBudget, wholeBudget } from "../script/limits.ts";
import { libraryHost } from "../script/library/library.ts";
import { type Compiled, check, compile } from "../script/machine.ts";
import { type Loader, noFiles } from "../script/module.ts";
import type { ScriptHost } from "./script-host.ts";
import { type HookName, type QueueHook, type SessionHook, sessionHooks } from "./stages.ts";

/** What is done when a script fails. */
export type OnError = "defer" | "reject" | "accept";

export interface HookScript {
  readonly hook: HookName;
  /** As logs show it, such as "mailfrom/strict". */
  readonly name: string;
  readonly compiled: Compiled;
  readonly limits: Limits;
  readonly onError: OnError;
}

/** A script that is asked about some recipients only; null for all. */
export interface RecipientScript {
  readonly script: HookScript;
  readonly domains: ReadonlySet<string> | null;
}

export interface ServerScripts {
  readonly byHook: ReadonlyMap<Exclude<SessionHook, "rcptto">, HookScript>;
  /** The first whose domains fit is asked. */
  readonly rcptto: readonly RecipientScript[];
  /** One of them, or a file that they import, names what the client's address is called: it is looked up. */
  readonly wantsRemoteName: boolean;
  /** The same of whose process is at the other end of a UNIX socket. */
  readonly wantsRemoteUid: boolean;
}

export interface Scripts {
  /** By server; none where no hook is chosen. */
  readonly servers: ReadonlyMap<string, ServerScripts>;
  readonly predelivery: HookScript | null;
  readonly postdelivery: HookScript | null;
  /** What scripts may read while they run, by id. */
  readonly files: ReadonlyMap<string, string>;
}

export const noScripts: Scripts = {
  servers: new Map(),
  predelivery: null,
  postdelivery: null,
  files: new Map(),
};

/** What the configuration says of scripts, with the text of files that it only names. */
export interface ScriptTexts {
  readonly files: ReadonlyMap<string, string>;
  /** Key is "hook/id". */
  readonly hooks: ReadonlyMap<string, string>;
  readonly predelivery: string | null;
  readonly postdelivery: string | null;
  readonly servers: readonly {
    readonly id: string;
    readonly hooks: Partial<Record<Exclude<SessionHook, "rcptto">, string>>;
    readonly rcptto: readonly { readonly id: string; readonly domains: readonly string[] | null }[];
  }[];
  readonly limits: Limits;
  readonly onError: OnError;
}

/** `path` is a place in smtpd-app.yaml. */
export interface ScriptProblem {
  readonly path: string;
  readonly reason: string;
}

/** What is wrong, found without making code of any script: for programs that only look at them. */
export function checkScripts(
  texts: ScriptTexts,
  host: ScriptHost,
  budget: TextBudget,
): readonly ScriptProblem[] {
  const compiler = new Compiler(texts, host, (...source) => {
    check(...source, budget);
    return null;
  });
  compiler.scripts();
  return compiler.problems;
}

export function compileScripts(texts: ScriptTexts, host: ScriptHost): Scripts | readonly ScriptProblem[] {
  const { scripts, problems } = compileWhatCan(texts, host);
  return problems.length > 0 ? problems : scripts;
}

/**
 * For an engine that starts and has nothing else: in the place of a script that does not compile stands one that fails
 * with what is wrong, and whose failure always means "later".
 */
export function compileWhatCan(
  texts: ScriptTexts,
  host: ScriptHost,
): { readonly scripts: Scripts; readonly problems: readonly ScriptProblem[] } {
  const budget = wholeBudget();
  const compiler = new Compiler(texts, host, (...source) => compile(...source, budget), standIn);
  const scripts = compiler.scripts();
  return { scripts, problems: compiler.problems };
}

function standIn(name: string, reason: string): Compiled {
  const text = `throw Exception("${reason.replace(/[\\"$]/g, "\\$&")}");`;
  return compile(name, text, libraryHost, noFiles);
}

type Make = (id: string, text: string, host: Host, loader: Loader) => Compiled | null;

class Compiler {
  readonly problems: ScriptProblem[] = [];
  readonly #texts: ScriptTexts;
  readonly #host: ScriptHost;
  readonly #make: Make;
  readonly #standIn: typeof standIn | null;
  /** Texts that scripts have from beyond the configuration. */
  readonly #foreign = new Map<string, string>();
  /** By "hook/id": servers that choose the same script share it. */
  readonly #made = new Map<string, HookScript | null>();

  constructor(texts: ScriptTexts, host: ScriptHost, make: Make, ofBroken: typeof standIn | null = null) {
    this.#standIn = ofBroken;
    this.#texts = texts;
    this.#host = host;
    this.#make = make;
  }

  scripts(): Scripts {
    for (const name of this.#texts.hooks.keys()) this.#named(name);
    return {
      servers: new Map(this.#texts.servers.flatMap((server) => this.#ofServer(server))),
      predelivery: this.#ofQueue("predelivery"),
      postdelivery: this.#ofQueue("postdelivery"),
      files: this.#texts.files,
    };
  }

  #ofServer(server: ScriptTexts["servers"][number]): [string, ServerScripts][] {
    const byHook = new Map<Exclude<SessionHook, "rcptto">, HookScript>();
    for (const hook of sessionHooks) {
      const id = hook === "rcptto" ? undefined : server.hooks[hook];
      const script = id === undefined ? null : this.#named(`${hook}/${id}`);
      if (script !== null && hook !== "rcptto") byHook.set(hook, script);
    }
    const rcptto = server.rcptto.flatMap(({ id, domains }) => {
      const script = this.#named(`rcptto/${id}`);
      return script === null ? [] : [{ script, domains: domains === null ? null : new Set(domains) }];
    });
    if (byHook.size === 0 && rcptto.length === 0) return [];
    const names = [...byHook.values(), ...rcptto.map(({ script }) => script)].map(({ name }) => name);
    const [wantsRemoteName, wantsRemoteUid] = [
      this.#doName("remoteptr", names),
      this.#doName("remoteuid", names),
    ];
    return [[server.id, { byHook, rcptto, wantsRemoteName, wantsRemoteUid }]];
  }

  /** A word stands in one of the scripts, or in a file that any of them may import. */
  #doName(word: string, names: readonly string[]): boolean {
    const { hooks, files } = this.#texts;
    const has = (text: string | undefined): boolean => text?.includes(word) ?? false;
    const imported = [...files.values(), ...this.#foreign.values()];
    return names.some((name) => has(hooks.get(name))) || imported.some(has);
  }

  #ofQueue(hook: QueueHook): HookScript | null {
    const text = this.#texts[hook];
    return text === null ? null : this.#compile({ hook, name: hook, text, path: `scripting.hooks.${hook}` });
  }

  /** Null for one that is not there or does not compile; which is noted once. */
  #named(name: string): HookScript | null {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const [hook, id] = name.split("/", 2) as [HookName, string];
    const text = this.#texts.hooks.get(name);
    const path = `scripting.hooks.${hook}`;
    const script =
      text === undefined
        ? this.#broken({ hook, name, path }, [`there is no script "${id}"`])
        : this.#compile({ hook, name, text, path: `${path}.${id}` });
    this.#made.set(name, script);
    return script;
  }

  #compile(source: { hook: HookName; name: string; text: string; path: string }): HookScript | null {
    const { hook, name, text } = source;
    const { limits, onError } = this.#texts;
    try {
      const compiled = this.#make(name, text, this.#host.hostFor(hook), this.#loader());
      return compiled === null ? null : { hook, name, compiled, limits, onError };
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      const reasons = error.diagnostics.map(
        ({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`,
      );
      return this.#broken(source, reasons);
    }
  }

  #loader(): Loader {
    const { files } = this.#texts;
    const loader = this.#host.loader(files);
    return {
      ...loader,
      load: (id) => {
        const loaded = loader.load(id);
        if (loaded !== null && "text" in loaded && !files.has(loaded.id))
          this.#foreign.set(loaded.id, loaded.text);
        return loaded;
      },
    };
  }

  #broken(
    { hook, name, path }: { hook: HookName; name: string; path: string },
    reasons: readonly string[],
  ): HookScript | null {
    for (const reason of reasons) this.problems.push({ path, reason });
    const compiled = this.#standIn?.(name, reasons[0] ?? "") ?? null;
    return compiled === null ? null : { hook, name, compiled, limits: this.#texts.limits, onError: "defer" };
  }
}
