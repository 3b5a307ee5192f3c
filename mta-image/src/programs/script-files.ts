/**
 * Files for scripts from a folder, for the command line tools: identities are paths below the root, and nothing above it
 * can be reached, not by links either. "extras://p" is the file extras/p, or extras/p/main.hsl. A path that cannot be read is a
 * file that is not there.
 */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { resolve, sep } from "node:path";

import { type Loader, mainOf } from "../script/module.ts";

export function folderLoader(root: string): Loader {
  return {
    load(id) {
      const path = resolve(root, id.replace(/^extras:\/\//, "extras/"));
      if (mainOf(id) !== id && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
        return this.load(mainOf(id));
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
