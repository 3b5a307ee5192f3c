/**
 * Which plugins an engine loads: those of plugins[] in smtpd.yaml, in that order, then what stands in the autoload
 * folder of its program, by name. A plugin that is in both is loaded once, as configured. Packages of plugins put
 * links into the folder; one that points nowhere is kept, so that loading it says so. A folder that is not there
 * holds nothing; one that cannot be read is a Failure.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { Failure, describe } from "#base/error.ts";

import type { PluginConfig } from "./host.ts";
import type { Program } from "./native.ts";

export interface ConfiguredPlugin {
  readonly id: string;
  /** null: <folder>/<id>.so. */
  readonly path: string | null;
  readonly config: unknown;
}

export interface Choice {
  /** /opt/halon/plugins, where <id>.so and autoload/<program>/ are. */
  readonly folder: string;
  readonly program: Program;
  readonly configured: readonly ConfiguredPlugin[];
  /** plugins[].config of smtpd-app.yaml by id. */
  readonly appConfigs: ReadonlyMap<string, unknown>;
}

export async function choosePlugins(choice: Choice): Promise<PluginConfig[]> {
  const autoload = join(choice.folder, "autoload", choice.program);
  const found = (await filesIn(autoload)).map((file) => ({
    id: file.slice(0, -SUFFIX.length),
    path: join(autoload, file),
    config: null,
  }));
  const known = new Set(choice.configured.map(({ id }) => id));
  return [...choice.configured, ...found.filter(({ id }) => !known.has(id))].map(({ id, path, config }) => ({
    id,
    path: path ?? join(choice.folder, `${id}${SUFFIX}`),
    config: config ?? null,
    appConfig: choice.appConfigs.get(id) ?? null,
  }));
}

const SUFFIX = ".so";

async function filesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(SUFFIX) && name !== SUFFIX).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Failure("plugin-folder", `the folder ${folder} cannot be read: ${describe(error)}`, {
      transient: false,
      cause: error,
    });
  }
}
