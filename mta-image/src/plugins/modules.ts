/**
 * The loader of scripts with plugins in it: "extras://<plugin id>" is what that plugin registered for import, or, for a
 * plugin written in HSL, its main.hsl, which the loader behind may know; all else is asked there.
 */
import type { Host } from "../script/host.ts";
import type { Loader } from "../script/module.ts";

const SCHEME = "extras://";

export function withPluginModules(modules: ReadonlyMap<string, Host>, behind: Loader): Loader {
  return {
    ...behind,
    load(id) {
      const host = id.startsWith(SCHEME) ? modules.get(id.slice(SCHEME.length)) : undefined;
      return host === undefined ? behind.load(id) : { id, host };
    },
  };
}
