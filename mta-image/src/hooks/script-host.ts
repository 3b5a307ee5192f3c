/**
 * What scripts of the mail path may call: the seam where rooms put their functions. `mta.ts` makes one with the script
 * room's library, and hands in the hosts of plugins (`offer.global` of plugins/functions.ts), of Spamhaus and of whoever
 * else has functions for scripts; later hosts win over earlier ones. `modules` are what `import … from "extras://<id>"`
 * finds. Each hook adds its own actions and variables to it (actions.ts). A new one is made whenever plugins come and go, and the
 * scripts are compiled again with it. Pure; nothing here fails.
 */
import { type Host, makeHost, mergeHosts } from "../script/host.ts";
import type { Loader } from "../script/module.ts";
import { actionsOf } from "./actions.ts";
import { type HookName, hookNames } from "./stages.ts";

export interface ScriptHost {
  hostFor(hook: HookName): Host;
  /** Files of the configuration by id, and "extras://<id>". */
  loader(files: ReadonlyMap<string, string>): Loader;
}

export interface ScriptHostParts {
  readonly libraryHost: Host;
  /** Functions and classes that every script sees. */
  readonly pluginHosts?: readonly Host[];
  /** By what stands behind "extras://". */
  readonly modules?: ReadonlyMap<string, Host>;
}

const EXTRAS = "extras://";

export function makeScriptHost({ libraryHost, pluginHosts = [], modules }: ScriptHostParts): ScriptHost {
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
        if (id.startsWith(EXTRAS)) {
          const host = modules?.get(id.slice(EXTRAS.length));
          return host === undefined ? null : { id, host };
        }
        const text = files.get(id);
        return text === undefined ? null : { id, text };
      },
    }),
  };
}
