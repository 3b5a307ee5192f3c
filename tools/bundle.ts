/**
 * Packs each program into one file under build/bundle, as the images carry it, and writes the licences of the packages
 * inside beside it, and which packages each program has, for the images' bill of materials. Of those that run for long, what is loaded with its first use stands in files of its own: V8 keeps
 * about eight times the size of a file in memory from reading it. A program whose entry is not there is left out and named. Throws when esbuild finds an error.
 */
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { type Metafile, build } from "esbuild";

import { PCRE_BINARY, PCRE_READER, pcreBeside, pluginsFor } from "./bundle-plugins.ts";
import type { Part } from "./image/sbom.ts";
import { root } from "./tree.ts";

interface Program {
  readonly name: string;
  readonly entry: string;
  readonly runsForLong?: boolean;
  /** The one argument that the kernel passes to Node from a first line. */
  readonly flag?: string;
}

/**
 * The engine's heap may grow to this many MiB before V8 collects all of it again and again: each message brings some garbage that
 * has become old, and from a small heap that made a tenth of the processor time. `mta-image/bin/smtpd` and its package say the same.
 */
export const ENGINE_FLAG = "--initial-old-space-size=256";

export const programs: readonly Program[] = [
  { name: "smtpd", entry: "mta-image/src/main.ts", runsForLong: true, flag: ENGINE_FLAG },
  { name: "mtactl", entry: "mta-image/src/programs/mtactl.ts" },
  { name: "hsh", entry: "mta-image/src/programs/hsh.ts" },
  { name: "hsl-lint", entry: "mta-image/src/programs/hsl-lint.ts" },
  { name: "hsl-format", entry: "mta-image/src/programs/hsl-format.ts" },
  { name: "hsl-language-server", entry: "mta-image/src/programs/hsl-language-server.ts" },
  { name: "plugin-check", entry: "mta-image/src/programs/plugin-check.ts" },
  { name: "mailfleet-egress", entry: "mta-image/src/programs/mailfleet-egress.ts" },
  { name: "mailfleet-web", entry: "mta-image/web/server/main.ts" },
  { name: "mailfleet-web-lint", entry: "mta-image/web/server/lint-worker.ts" },
  { name: "operator", entry: "operator/src/main.ts", runsForLong: true },
  { name: "kubectl-mailfleet", entry: "operator/src/kubectl-mailfleet.ts" },
];

/** The kernel starts a bundle through its first line; packages in CommonJS form want a `require`. */
const banner = (flag = "--disable-warning=ExperimentalWarning") => `#!/usr/local/bin/node ${flag}
import { createRequire as bundleRequire } from "node:module";
const require = bundleRequire(import.meta.url);`;

/** Names of the programs that were packed. */
export async function bundle(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  for (const { name } of programs) await removeParts(folder, name);
  const present = programs.filter(({ entry }) => existsSync(`${root}${entry}`));
  const metafiles: Metafile[] = [];
  for (const program of present) {
    const metafile = await pack(program, folder);
    metafiles.push(metafile);
    await writeFile(partsFile(folder, program.name), JSON.stringify(await packagesIn([metafile])));
  }
  await writeFile(`${folder}/THIRD-PARTY-NOTICES.txt`, await notices(metafiles));
  return present.map(({ name }) => name);
}

/** A program's own file and those that it loads when it needs them, without the folder. */
export async function filesOf(folder: string, name: string): Promise<readonly string[]> {
  return [`${name}.mjs`, ...(await partsOf(folder, name))];
}

async function partsOf(folder: string, name: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((file) => file.startsWith(`${name}-part-`)).sort();
}

/** Their names are hashes: those of older code would stay for ever. */
async function removeParts(folder: string, name: string): Promise<void> {
  for (const part of await partsOf(folder, name)) await rm(`${folder}/${part}`);
}

async function pack({ name, entry, runsForLong = false, flag }: Program, folder: string): Promise<Metafile> {
  const outfile = `${folder}/${name}.mjs`;
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { [name]: entry },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    splitting: runsForLong,
    chunkNames: `${name}-part-[hash]`,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node26",
    external: ["*.node"],
    plugins: pluginsFor(name),
    banner: { js: banner(flag) },
    legalComments: "none",
    // Source text is kept in memory by the engine: without this the operator needs about 12 MB more.
    minify: true,
    keepNames: true,
    metafile: true,
    logLevel: "warning",
  });
  await chmod(outfile, 0o755);
  if (PCRE_READER in metafile.inputs)
    await copyFile(`${root}${PCRE_BINARY}`, `${folder}/${pcreBeside(name)}`);
  return metafile;
}

/** The npm packages in a program that was packed into the folder. */
export async function packagesOf(folder: string, name: string): Promise<readonly Part[]> {
  return JSON.parse(await readFile(partsFile(folder, name), "utf8")) as Part[];
}

const partsFile = (folder: string, name: string) => `${folder}/${name}.packages.json`;

function packagesIn(metafiles: readonly Metafile[]): Promise<readonly Part[]> {
  return Promise.all(foldersIn(metafiles).map(manifestOf));
}

function foldersIn(metafiles: readonly Metafile[]): readonly string[] {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  return [...new Set(inputs.flatMap((input) => packageFolder(input) ?? []))].sort();
}

async function notices(metafiles: readonly Metafile[]): Promise<string> {
  const parts = await Promise.all(foldersIn(metafiles).map(notice));
  return `Mailfleet contains the following packages.\n\n${parts.join("\n")}`;
}

function packageFolder(input: string): string | null {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? null;
}

async function manifestOf(folder: string): Promise<Part> {
  const text = await readFile(`${root}${folder}/package.json`, "utf8");
  const { name, version, license } = JSON.parse(text) as Part;
  return { name, version, ...(license !== undefined && { license }) };
}

async function notice(folder: string): Promise<string> {
  const manifest = await manifestOf(folder);
  const names = (await readdir(`${root}${folder}`)).filter((name) =>
    /^(licen[cs]e|notice|copying)/i.test(name),
  );
  const texts = await Promise.all(names.sort().map((name) => readFile(`${root}${folder}/${name}`, "utf8")));
  const head = `${manifest.name} ${manifest.version} (${manifest.license ?? "see below"})`;
  return [head, "=".repeat(head.length), ...texts.map((text) => text.trim()), ""].join("\n");
}

if (import.meta.main) {
  const names = await bundle(`${root}build/bundle`);
  process.stdout.write(`[bundle] build/bundle: ${names.join(", ")}\n`);
}
