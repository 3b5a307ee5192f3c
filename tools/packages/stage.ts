/**
 * Lays the files of one package out as they will be installed, compresses manual pages, and reads the scripts that run
 * around it. Rejects when a file of the plan is not there.
 */
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { filesOf } from "../bundle.ts";
import { root } from "../tree.ts";
import type { PackagePlan } from "./plan.ts";

export interface Staged {
  readonly plan: PackagePlan;
  readonly version: string;
  readonly folder: string;
  /** Paths from the root of the file system; those below /etc are configuration. */
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<ScriptName, string>>;
}

const scriptNames = ["after-install", "before-remove", "purge"] as const;
type ScriptName = (typeof scriptNames)[number];

export async function stage(
  plan: PackagePlan,
  options: { readonly version: string; readonly bundles: string; readonly folder: string },
): Promise<Staged> {
  const { bundles, folder, version } = options;
  await mkdir(folder, { recursive: true });
  const source = `${root}mta-image/packages/${plan.name}`;
  if (existsSync(`${source}/root`)) await cp(`${source}/root`, folder, { recursive: true });
  for (const [from, to] of Object.entries(plan.files)) await copy(`${root}${from}`, `${folder}/${to}`);
  for (const program of plan.programs) {
    for (const file of await filesOf(bundles, program))
      await copy(`${bundles}/${file}`, `${folder}/${plan.home}/${file}`);
  }
  if (plan.hasPages) await cp(`${bundles}/web`, `${folder}/${plan.home}/web`, { recursive: true });
  await addPapers(plan, bundles, folder);
  await compressManuals(`${folder}/usr/share/man`);
  const files = await settleModes(folder);
  return { plan, version, folder, files, scripts: await readScripts(`${source}/scripts`) };
}

async function addPapers({ name, programs }: PackagePlan, bundles: string, folder: string): Promise<void> {
  const place = `${folder}/usr/share/doc/${name}`;
  await copy(`${root}LICENSE`, `${place}/copyright`);
  if (name === "mailfleet-runtime") await copy(await nodeLicence(), `${place}/LICENSE.node`);
  if (programs.length > 0)
    await copy(`${bundles}/THIRD-PARTY-NOTICES.txt`, `${place}/THIRD-PARTY-NOTICES.txt`);
}

/** Beside the pinned binary, whatever the machine. */
async function nodeLicence(): Promise<string> {
  const names = await readdir(`${root}node_modules`);
  const name = names.find((each) => /^node-linux-/.test(each));
  if (name === undefined) throw new Error("the pinned Node is not installed: make install");
  return `${root}node_modules/${name}/LICENSE`;
}

/** The same bytes each time: gzip would keep the time. */
async function compressManuals(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = `${entry.parentPath}/${entry.name}`;
    await writeFile(`${path}.gz`, await promisify(gzip)(await readFile(path), { level: 9 }));
    await rm(path);
  }
}

/** Programs may be run, everything may be read, whatever the checkout's own modes are. */
async function settleModes(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries) {
    const path = `${entry.parentPath}/${entry.name}`;
    const isProgram = /\/(?:s?bin)\/[^/]+$/.test(path);
    await chmod(path, entry.isDirectory() || isProgram ? 0o755 : 0o644);
    if ((await stat(path)).isFile()) files.push(path.slice(folder.length));
  }
  return files.sort();
}

async function readScripts(folder: string): Promise<Staged["scripts"]> {
  const read = (name: ScriptName): Promise<string> => readFile(`${folder}/${name}`, "utf8").catch(() => "");
  const [afterInstall, beforeRemove, purge] = await Promise.all(scriptNames.map(read));
  return {
    "after-install": afterInstall ?? "",
    "before-remove": beforeRemove ?? "",
    purge: purge ?? "",
  };
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { dereference: true });
}
