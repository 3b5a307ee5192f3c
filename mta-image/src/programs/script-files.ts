/**
 * Files for scripts from a folder, for the command line tools: identities are paths below the root, and nothing above it
 * can be reached, not by links either. A path that cannot be read is a file that is not there.
 */
import { readFileSync, realpathSync } from "node:fs";
import { resolve, sep } from "node:path";

import type { Loader } from "../script/module.ts";

export function folderLoader(root: string): Loader {
  return {
    load: (id) => {
      const path = resolve(root, id.replace(/^extras:\/\//, "extras/"));
      try {
        const [real, base] = [realpathSync(path), realpathSync(root)];
        if (!real.startsWith(base.endsWith(sep) ? base : base + sep)) return null;
        return { id, text: readFileSync(real, "latin1") };
      } catch {
        return null;
      }
    },
  };
}
