/**
 * Scripts in the life of the engine: compiled when a configuration is read, with the functions that plugins and other rooms
 * offer at that moment, and in force when it is. `prepare` rejects with a ConfigFailure that names every mistake with file,
 * line and column; until `use` is called, the scripts before go on. Sessions keep what they began with.
 */
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";

import { describe } from "#base/error.ts";
import { appFile, type AppConfig, type EngineConfig } from "#contract/config.ts";
import type { Problem } from "#contract/admin-api.ts";

import type { Settings } from "./config/settings.ts";
import { ConfigFailure } from "./config/config-failure.ts";
import { type HookFigures, makeHookFigures } from "./hooks/figures.ts";
import { HookRunner, type HookWorldOptions } from "./hooks/runner.ts";
import { type ScriptHostParts, makeScriptHost } from "./hooks/script-host.ts";
import { type ScriptTexts, type Scripts, compileScripts, noScripts } from "./hooks/scripts.ts";
import { HookedCourier } from "./delivery/hooked-courier.ts";
import { QueueHooks } from "./hooks/queue-hooks.ts";
import type { Intake } from "./intake/intake.ts";
import type { Wire } from "./plugins/native.ts";
import { pluginResources } from "./plugin-resources.ts";
import { decode, encode } from "./plugins/values.ts";
import type { Courier } from "./queue/courier.ts";
import { makeMailPort } from "./script-mail.ts";
import { type PortParts, makeScriptPorts } from "./script-ports/ports.ts";
import type { Content } from "./spool/spool.ts";
import { libraryHost } from "./script/library/library.ts";

export interface ScriptLifeOptions extends Pick<HookWorldOptions, "clock" | "random" | "log"> {
  readonly resolver: PortParts["resolver"];
  /** Where mail goes that scripts make. */
  readonly intake: Intake;
  readonly settings: () => Settings;
  /** What others offer to scripts; asked whenever scripts are compiled. */
  readonly offers: () => Omit<ScriptHostParts, "libraryHost">;
}

export class ScriptLife {
  readonly figures: HookFigures = makeHookFigures();
  readonly runner: HookRunner;
  readonly #offers: ScriptLifeOptions["offers"];
  readonly #settings: () => Settings;
  #scripts: Scripts = noScripts;

  constructor({ offers, settings, resolver, intake, ...surroundings }: ScriptLifeOptions) {
    const { clock } = surroundings;
    const hostname = (): string => settings().hostname;
    const servers = (): readonly string[] => settings().resolver.servers;
    this.#offers = offers;
    this.#settings = settings;
    this.runner = new HookRunner({
      ...surroundings,
      figures: this.figures,
      hostname,
      ports: {
        ...makeScriptPorts({ clock, resolver, servers, hostname }),
        mail: makeMailPort(intake, clock),
      },
      hasTransport: (id) => settings().transports.has(id),
    });
  }

  /** Those in force. */
  get scripts(): Scripts {
    return this.#scripts;
  }

  /** The courier with scripts around its attempts. */
  courierBefore(inner: Courier, read: (id: string) => Promise<Content>): Courier {
    const settings = this.#settings;
    return new HookedCourier({
      inner,
      read,
      hooks: new QueueHooks(() => this.#scripts, this.runner),
      clock: this.runner.clock,
      sourceAddress: (name) => settings().addresses.get(name) ?? (isIP(name) === 0 ? null : name),
      retriesOf: (id) => (settings().schedules.get(id) ?? settings().defaultSchedule).count,
      plugins: {
        order: (id, args) => ({ id, args: encode(args, pluginResources), timeoutMs: PLUGIN_MS }),
        value: (wire) =>
          decode(wire as Wire, { resources: pluginResources, makeObject: () => null, self: null }),
      },
    });
  }

  async prepare({ app }: EngineConfig): Promise<{ readonly scripts: Scripts; readonly use: () => void }> {
    const scripts = await compileConfig(app, this.#offers());
    return {
      scripts,
      use: () => {
        this.#scripts = scripts;
      },
    };
  }
}

/** After it the outcome of a plugin that a script chose is unclear: the same as for transports. */
const PLUGIN_MS = 600_000;

/** Rejects with a ConfigFailure. */
export async function compileConfig(
  app: AppConfig,
  offers: Omit<ScriptHostParts, "libraryHost">,
): Promise<Scripts> {
  const texts = textsOf(app, await readFiles(app.scripting.files));
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
      if (data !== undefined) return [id, bytesOf(data, binary)];
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

function bytesOf(data: string, isBinary: boolean): string {
  return Buffer.from(data, isBinary ? "base64" : "utf8").toString("latin1");
}

function textsOf({ scripting, servers }: AppConfig, files: ReadonlyMap<string, string>): ScriptTexts {
  const { predelivery, postdelivery, ...named } = scripting.hooks;
  const { steps, computing, time, memory } = scripting.limits;
  return {
    files,
    hooks: new Map(
      Object.entries(named).flatMap(([hook, scripts]) =>
        scripts.map(({ id, data }): [string, string] => [`${hook}/${id}`, bytesOf(data, false)]),
      ),
    ),
    predelivery: predelivery === undefined ? null : bytesOf(predelivery, false),
    postdelivery: postdelivery === undefined ? null : bytesOf(postdelivery, false),
    servers: servers.map((server) => ({ id: server.id, ...choicesOf(server.phases) })),
    limits: { steps, cpuMs: computing, wallMs: time, bytes: memory },
    onError: scripting.onerror,
  };
}

function choicesOf(
  phases: AppConfig["servers"][number]["phases"],
): Pick<ScriptTexts["servers"][number], "hooks" | "rcptto"> {
  const { rcptto, data: _, ...others } = phases;
  const hooks = Object.fromEntries(
    Object.entries(others).flatMap(([phase, { hook }]) => (hook === undefined ? [] : [[phase, hook]])),
  );
  const chosen = typeof rcptto.hook === "string" ? [{ id: rcptto.hook }] : (rcptto.hook ?? []);
  return {
    hooks,
    rcptto: chosen.map(({ id, ...rest }) => ({
      id,
      domains: ("recipientdomains" in rest ? rest.recipientdomains : undefined) ?? null,
    })),
  };
}
