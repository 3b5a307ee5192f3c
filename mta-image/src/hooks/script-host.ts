/**
 * What scripts of the mail path may call: the seam where rooms put their functions. `mta.ts` makes one with the script
 * room's library, and hands in the hosts of plugins (`offer.global` of plugins/functions.ts), of Spamhaus and of whoever
 * else has functions for scripts; later hosts win over earlier ones. `modules` are what `import … from "extras://<id>"`
 * finds first; then a package of scripts, the file "extras://<id>/main.hsl". `pluginConfigs` are what `import … from
 * "plugin-config://<file>"` finds in one, by "<id>/<file>". Each hook adds its own actions and variables to it (actions.ts). A new one is made whenever plugins come and go, and the
 * scripts are compiled again with it. Pure; nothing here fails.
 */
import { type Host, makeHost, mergeHosts } from "../script/host.ts";
import { type Loader, mainOf, noFiles, within } from "../script/module.ts";
import { actionsOf } from "./actions.ts";
import { type HookName, hookNames } from "./stages.ts";

export interface ScriptHost {
  hostFor(hook: HookName): Host;
  /** Files of the configuration by id, "extras://<id>", and what stands behind them. */
  loader(files: ReadonlyMap<string, string>): Loader;
}

export interface ScriptHostParts {
  readonly libraryHost: Host;
  /** Functions and classes that every script sees. */
  readonly pluginHosts?: readonly Host[];
  /** By what stands behind "extras://". */
  readonly modules?: ReadonlyMap<string, Host>;
  readonly pluginConfigs?: ReadonlyMap<string, string>;
  /** Has what the configuration has not. */
  readonly behind?: Loader;
}

const EXTRAS = "extras://";
const CONFIG = "plugin-config://";

export function makeScriptHost({
  libraryHost,
  pluginHosts = [],
  modules,
  pluginConfigs,
  behind = noFiles,
}: ScriptHostParts): ScriptHost {
  const common = mergeHosts(libraryHost, ...pluginHosts);
  const hosts = new Map(
    hookNames.map((hook) => {
      const { functions, classes, variables } = actionsOf(hook);
      return [hook, mergeHosts(common, makeHost(functions, classes, variables))];
    }),
  );
  return {
    hostFor: (hook) => hosts.get(hook) ?? common,
    loader: (files) => ({
      load(id) {
        const host = id.startsWith(EXTRAS) ? modules?.get(id.slice(EXTRAS.length)) : undefined;
        if (host !== undefined) return { id, host };
        const file = mainOf(id);
        const text = id.startsWith(CONFIG) ? pluginConfigs?.get(id.slice(CONFIG.length)) : files.get(file);
        return text === undefined ? behind.load(id) : { id: file, text };
      },
      list: (folder) => [...within(files.keys(), folder), ...(behind.list?.(folder) ?? [])],
    }),
  };
}
