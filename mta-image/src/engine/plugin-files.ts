/** Plugins as files: whether each is there, and its digest. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

import type { PluginState } from "#contract/plugins-api.ts";

export function lookAtPlugins(
  plugins: readonly { readonly id: string; readonly path: string }[],
): Promise<PluginState[]> {
  return Promise.all(plugins.map(({ id, path }) => lookAt(id, path)));
}

async function lookAt(id: string, path: string): Promise<PluginState> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
    return { id, path, state: "present", sha256: hash.digest("hex") };
  } catch {
    return { id, path, state: "missing", sha256: "" };
  }
}
