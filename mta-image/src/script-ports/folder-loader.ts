/**
 * Files for scripts from a folder, for the command line tools and for engines that have a root path: identities are paths below the root, and nothing above it
 * can be reached, not by links either. "extras://p" is the file extras/p, or extras/p/main.hsl. A path that cannot be read is a
 * file that is not there, and a folder has no files.
 */
import { readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { resolve, sep } from "node:path";

import { type Loader, mainOf } from "../script/module.ts";

export function folderLoader(root: string): Loader {
  return {
    load(id) {
      const path = resolve(root, id.replace(/^extras:\/\//, "extras/"));
      if (mainOf(id) !== id && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
        return this.load(mainOf(id));
      try {
        const real = inside(root, path);
        return real === null ? null : { id, text: readFileSync(real, "latin1") };
      } catch {
        return null;
      }
    },
    list(folder) {
      try {
        const real = inside(root, resolve(root, folder.replace(/^extras:\/\//, "extras/")));
        if (real === null) return [];
        const found = readdirSync(real, { withFileTypes: true });
        return found.flatMap((entry) => (entry.isFile() ? [folder + entry.name] : []));
      } catch {
        return [];
      }
    },
  };
}

/** Where it really is; null above the root. Throws when it is not there. */
function inside(root: string, path: string): string | null {
  const [real, base] = [realpathSync(path), realpathSync(root)];
  return real === base || real.startsWith(base.endsWith(sep) ? base : base + sep) ? real : null;
}
