/**
 * Files for scripts from a folder, for the command line tools and for engines that have a root path: identities are paths below the root, and nothing above it
 * can be reached, not by links either. "extras://p" is the file extras/p, or extras/p/main.hsl. A path that cannot be read is a
 * file that is not there, and a folder has no files. Throws a Refusal for what is there and is no file to be read.
 */
import { type Stats, readFileSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

import { Refusal } from "../script/error.ts";
import { wholeBudget } from "../script/limits.ts";
import { type Loader, mainOf } from "../script/module.ts";
import { belowRoot } from "./below-root.ts";

export function folderLoader(root: string): Loader {
  const pathOf = (id: string): string => resolve(root, id.replace(/^extras:\/\//, "extras/"));
  return {
    load(id) {
      const path = pathOf(id);
      if (mainOf(id) !== id && statOf(path)?.isDirectory() === true) return this.load(mainOf(id));
      try {
        const real = belowRoot(root, path);
        if (real === null) return null;
        checkFile(id, statSync(real));
        return { id, text: readFileSync(real, "latin1") };
      } catch (error) {
        if (error instanceof Refusal) throw error;
        return null;
      }
    },
    list(folder) {
      try {
        const real = belowRoot(root, pathOf(folder));
        const names = real === null ? [] : readdirSync(real);
        return names.filter((name) => isListed(root, join(real ?? "", name))).map((name) => folder + name);
      } catch {
        return [];
      }
    },
  };
}

/** A pipe waits for who writes into it, a device may have no end, and no more is read than scripts may import. */
function checkFile(id: string, stat: Stats): void {
  const isOther = !stat.isFile() && !stat.isDirectory();
  const kind = stat.isFIFO() ? "a pipe" : stat.isSocket() ? "a socket" : "a device";
  if (isOther) throw new Refusal(`${id} is ${kind}: scripts read regular files alone`);
  if (stat.size > wholeBudget().data) throw new Refusal(`${id} is too large`);
}

/** What is no folder, whatever else it may be. Links to nowhere, which editors leave behind, and out of the root are passed over. */
function isListed(root: string, path: string): boolean {
  return statOf(path)?.isDirectory() === false && belowRoot(root, path) !== null;
}

/** Undefined for what nobody can look at: nothing, links in a circle, what another user has, a name that is too long. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
