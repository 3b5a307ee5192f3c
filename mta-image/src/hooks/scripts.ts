/**
 * The scripts of one configuration, compiled: made when a configuration is read, before it is in force, and replaced as
 * a whole by the next one. A session keeps those it began with. `compileScripts` gives the scripts or everything that is
 * wrong, with the place in the configuration and file, line and column in the script; it never throws for a bad script.
 */
import { CompileError } from "../script/error.ts";
import type { Host } from "../script/host.ts";
import { type Limits, type TextBudget, wholeBudget } from "../script/limits.ts";
import { type Compiled, check, compile } from "../script/machine.ts";
import type { Loader } from "../script/module.ts";
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
  const budget = wholeBudget();
  const compiler = new Compiler(texts, host, (...source) => compile(...source, budget));
  const scripts = compiler.scripts();
  return compiler.problems.length > 0 ? compiler.problems : scripts;
}

type Make = (id: string, text: string, host: Host, loader: Loader) => Compiled | null;

class Compiler {
  readonly problems: ScriptProblem[] = [];
  readonly #texts: ScriptTexts;
  readonly #host: ScriptHost;
  readonly #make: Make;
  /** By "hook/id": servers that choose the same script share it. */
  readonly #made = new Map<string, HookScript | null>();

  constructor(texts: ScriptTexts, host: ScriptHost, make: Make) {
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
    return byHook.size === 0 && rcptto.length === 0 ? [] : [[server.id, { byHook, rcptto }]];
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
    let script: HookScript | null = null;
    if (text === undefined) this.problems.push({ path, reason: `there is no script "${id}"` });
    else script = this.#compile({ hook, name, text, path: `${path}.${id}` });
    this.#made.set(name, script);
    return script;
  }

  #compile(source: { hook: HookName; name: string; text: string; path: string }): HookScript | null {
    const { hook, name, text, path } = source;
    const { files, limits, onError } = this.#texts;
    try {
      const compiled = this.#make(name, text, this.#host.hostFor(hook), this.#host.loader(files));
      return compiled === null ? null : { hook, name, compiled, limits, onError };
    } catch (error) {
      if (!(error instanceof CompileError)) throw error;
      for (const { file, line, column, message } of error.diagnostics)
        this.problems.push({ path, reason: `${file}:${line}:${column}: ${message}` });
      return null;
    }
  }
}
