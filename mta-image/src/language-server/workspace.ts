/**
 * The files of an editor's workspace: what is open there as the editor has it, the rest from disk. Paths are identities
 * below the folder that scripts name files from: `src/files` in a workspace that has it, otherwise the folder itself.
 */
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { type ScriptHost, makeScriptHost } from "../hooks/script-host.ts";
import { hookNames } from "../hooks/stages.ts";
import { unseenPlugin } from "../hooks/unseen-plugins.ts";
import type { Host } from "../script/host.ts";
import type { Loader } from "../script/module.ts";

export class Workspace {
  readonly #root: string | null;
  readonly #library: Host;
  readonly #hooks: ScriptHost;
  /** Bytes of open files by path. */
  readonly #open = new Map<string, string>();
  readonly #fromDisk: (root: string) => Loader;

  constructor(rootUri: string | null, library: Host, fromDisk: (root: string) => Loader) {
    this.#library = library;
    this.#hooks = makeScriptHost({ libraryHost: library });
    this.#root = rootUri?.startsWith("file:") === true ? fileURLToPath(rootUri) : null;
    this.#fromDisk = fromDisk;
  }

  open(uri: string, text: string): void {
    this.#open.set(pathOf(uri), bytes(text));
  }

  close(uri: string): void {
    this.#open.delete(pathOf(uri));
  }

  text(uri: string): string {
    return this.#open.get(pathOf(uri)) ?? "";
  }

  /** Scripts of a hook stand in src/hooks/<hook>/ or src/hooks/queue/<hook>.hsl. */
  hostFor(uri: string): Host {
    const parts = pathOf(uri)
      .replace(/\.hsl$/, "")
      .split("/");
    if (!parts.includes("hooks")) return this.#library;
    const [folder, name] = parts.slice(-2);
    const hook = hookNames.find((one) => one === folder) ?? hookNames.find((one) => one === name);
    return hook === undefined ? this.#library : this.#hooks.hostFor(hook);
  }

  idOf(uri: string): string {
    return relative(this.#base(uri), pathOf(uri));
  }

  uriOf(id: string, from: string): string {
    return pathToFileURL(join(this.#base(from), id)).href;
  }

  /** What is no package of scripts behind "extras://" is a plugin, which is not loaded here. */
  loader(uri: string): Loader {
    const base = this.#base(uri);
    const disk = this.#fromDisk(base);
    return {
      load: (id) => {
        const text = this.#open.get(join(base, id));
        if (text !== undefined) return { id, text };
        return disk.load(id) ?? (id.startsWith("extras://") ? { id, host: unseenPlugin } : null);
      },
      list: (folder) => disk.list?.(folder) ?? [],
    };
  }

  #base(uri: string): string {
    const root = this.#root ?? dirname(pathOf(uri));
    const files = join(root, "src/files");
    return existsSync(files) ? files : root;
  }
}

function pathOf(uri: string): string {
  return uri.startsWith("file:") ? fileURLToPath(uri) : uri.replace(/^[a-z]+:/, "");
}

export function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
