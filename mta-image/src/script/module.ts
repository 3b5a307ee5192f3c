/**
 * Where included and imported texts come from: turns what a script wrote into one identity per file, and the
 * interface of whoever has the files (configuration, folder, plugins), which is handed to the compiler.
 */
import type { Host } from "./host.ts";

/** A script or data file (bytes), or functions of the host to import from ("extras://<plugin>"). */
export type Loaded =
  | { readonly id: string; readonly text: string }
  | { readonly id: string; readonly host: Host };

export interface Loader {
  /** `id` is what `moduleId` made; null when there is nothing of that name. */
  load(id: string): Loaded | null;
}

export const noFiles: Loader = { load: () => null };

/** A loader over texts that are there already, for configurations and tests. */
export function loadFrom(files: ReadonlyMap<string, string>): Loader {
  return {
    load: (id) => {
      const text = files.get(id);
      return text === undefined ? null : { id, text };
    },
  };
}

/**
 * "file:1" and "file://x.hsl" are "1" and "x.hsl"; "./x.hsl" and "../x.hsl" stand beside the file that says so;
 * "plugin-config://smtpd-app.yaml" in a file of the package p is "plugin-config://p/smtpd-app.yaml"; other schemes stay as
 * they are. Null for a path that leaves the root.
 */
export function moduleId(path: string, from: string): string | null {
  if (/^\.\.?\//.test(path)) {
    const scheme = /^[a-z-]+:\/\/[^/]*\/?/.exec(from)?.[0] ?? "";
    const folder = from.slice(scheme.length).split("/").slice(0, -1);
    const inside = normalise([...folder, ...path.split("/")]);
    return inside === null ? null : scheme + inside;
  }
  const settings = /^plugin-config:\/\/([^/]+)$/.exec(path)?.[1];
  const owner = /^extras:\/\/([^/]+)/.exec(from)?.[1];
  if (settings !== undefined && owner !== undefined) return `plugin-config://${owner}/${settings}`;
  if (path.startsWith("file:")) return normalise(path.replace(/^file:(\/\/)?/, "").split("/"));
  return /^[a-z-]+:\/\//.test(path) ? path : normalise(path.split("/"));
}

/** The file that "extras://p" means where p is a package of scripts, with files of its own beside it. */
export function mainOf(id: string): string {
  return /^extras:\/\/[^/]+$/.test(id) ? `${id}/main.hsl` : id;
}

function normalise(parts: readonly string[]): string | null {
  const result: string[] = [];
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    if (part !== "..") result.push(part);
    else if (result.pop() === undefined) return null;
  }
  return result.join("/");
}
