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
  /** `id` is what `moduleId` made; null when there is nothing of that name. Throws a Refusal for what is there and cannot be read. */
  load(id: string): Loaded | null;
  /** Identities of the files that stand in a folder ("" or "lists/") itself; without it there are none to be found. */
  readonly list?: (folder: string) => Iterable<string>;
}

export const noFiles: Loader = { load: () => null };

/** A loader over texts that are there already, for configurations and tests. */
export function loadFrom(files: ReadonlyMap<string, string>): Loader {
  return {
    load: (id) => {
      const text = files.get(id);
      return text === undefined ? null : { id, text };
    },
    list: (folder) => within(files.keys(), folder),
  };
}

export function within(ids: Iterable<string>, folder: string): readonly string[] {
  return [...ids].filter((id) => id.startsWith(folder) && !id.includes("/", folder.length));
}

/** The files of a pattern such as "lists/*.txt", whose last part has a * for any letters; sorted. */
export function filesLike(pattern: string, loader: Loader): readonly string[] {
  const cut = pattern.lastIndexOf("/") + 1;
  const pieces = pattern.slice(cut).split("*");
  const found = loader.list?.(pattern.slice(0, cut)) ?? [];
  return [...new Set(found)].filter((id) => fits(id.slice(cut), pieces)).toSorted();
}

/** Each piece where it is found first: that leaves the most room for those behind it. */
function fits(name: string, pieces: readonly string[]): boolean {
  const [head = "", tail = ""] = [pieces[0], pieces.at(-1)];
  const end = name.length - tail.length;
  if (!name.startsWith(head) || !name.endsWith(tail) || end < head.length) return false;
  let at = head.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found === -1 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
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
