/**
 * Builds the images `localhost/mailfleet-mta:dev`, `…-operator:dev` and `…-web:dev` as archives in the cache, named by a hash of all that goes in: a second run with the same input does nothing. Prints each step with its
 * time. Throws when a program is missing or a build fails; then no archive is left half written.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { promisify } from "node:util";

import { run } from "../e2e/peers/shell.ts";
import { ENGINE_FLAG, bundle, filesOf, packagesOf } from "./bundle.ts";
import { TIMESTAMP, baseArchive } from "./image/base.ts";
import { buildImage } from "./image/buildah.ts";
import { type Part, debianPackages, sbomOf } from "./image/sbom.ts";
import { root } from "./tree.ts";
import { buildPages } from "./web.ts";

interface Image {
  readonly name: string;
  readonly dockerfile: string;
  readonly programs: readonly string[];
  /** Files beside the programs, left out when they were not built. */
  readonly extras: readonly string[];
  /** With the built pages. */
  readonly hasPages?: boolean;
  /** How Node is run once, so that V8's compiled form of the program goes along: with the flags that the image has. */
  readonly compiledBy?: readonly string[];
}

/** Beside the programs; the Dockerfiles name it. */
const COMPILE_CACHE = "compile-cache";

const images: readonly Image[] = [
  {
    name: "localhost/mailfleet-mta:dev",
    dockerfile: "mta-image/Dockerfile",
    programs: ["smtpd", "mtactl", "hsh", "hsl-lint", "hsl-format", "plugin-check", "mailfleet-egress"],
    extras: ["build/native/plugin-host.node", "build/native/sockets.node", "build/native/plugin-copy"],
    compiledBy: [ENGINE_FLAG, "smtpd.mjs", "--version"],
  },
  {
    name: "localhost/mailfleet-operator:dev",
    dockerfile: "operator/Dockerfile",
    programs: ["operator"],
    extras: [],
    compiledBy: ["--max-semi-space-size=2", "--optimize-for-size", "operator.mjs", "--help"],
  },
  {
    name: "localhost/mailfleet-web:dev",
    dockerfile: "mta-image/web/Dockerfile",
    programs: ["mailfleet-web", "mailfleet-web-lint"],
    extras: [],
    hasPages: true,
  },
];

export interface BuiltImage {
  readonly name: string;
  /** Archive in docker form; `ctr images import` takes it. */
  readonly archive: string;
}

/** What `say` gets is one line a step. */
export async function buildImages(say: (line: string) => void): Promise<readonly BuiltImage[]> {
  const cache = `${process.env["MAILFLEET_CACHE"] ?? `${homedir()}/.cache/mailfleet`}/images`;
  await mkdir(cache, { recursive: true });
  const base = await step(say, "base file system, about 5 s when not cached", () => baseArchive(cache));
  await step(say, "native addons, compiled when they are not current", () =>
    run("make", ["-C", `${root}mta-image/native`, "all"], { timeoutMs: 300_000 }),
  );
  await step(say, "plugin-copy, about 1 s", compilePluginCopy);
  const bundles = await mkdtemp(`${tmpdir()}/mailfleet-bundle-`);
  try {
    const present = await step(say, "bundles, about 1 s", () => bundle(bundles));
    await step(say, "pages, about 1 s", () => buildPages(`${bundles}/web`));
    const built: BuiltImage[] = [];
    for (const image of images) {
      const programs = image.programs.filter((name) => present.includes(name));
      if (programs.length > 0) built.push(await ensure(say, { image, programs, base, bundles, cache }));
    }
    return built;
  } finally {
    await rm(bundles, { recursive: true, force: true });
  }
}

/** Runs inside images of plugins, which hold no libraries: so it is static. */
async function compilePluginCopy(): Promise<void> {
  const source = `${root}mta-image/plugin-copy/plugin-copy.c`;
  await run("gcc", ["-static", "-Os", "-s", "-o", `${root}build/native/plugin-copy`, source]);
}

interface Parts {
  readonly image: Image;
  readonly programs: readonly string[];
  readonly base: string;
  readonly bundles: string;
  readonly cache: string;
}

async function ensure(say: (line: string) => void, parts: Parts): Promise<BuiltImage> {
  const { cache } = parts;
  const { name, dockerfile } = parts.image;
  const context = await mkdtemp(`${tmpdir()}/mailfleet-context-`);
  try {
    await fill(context, parts);
    const short = name.replace(/^.*\//, "").replace(/:.*$/, "");
    const archive = `${cache}/${short}-${(await digestOf(context, dockerfile)).slice(0, 16)}.tar`;
    if (existsSync(archive)) say(`${name}: as in the cache`);
    else
      await step(say, `${name}, about 15 s`, () =>
        buildImage({ name, dockerfile: `${root}${dockerfile}`, context, archive }),
      );
    await forgetOlder(cache, short, archive);
    return { name, archive };
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** Each archive takes 180 MB, and only the newest of an image is of use. */
async function forgetOlder(cache: string, short: string, archive: string): Promise<void> {
  const old = (await readdir(cache)).filter(
    (name) => name.startsWith(`${short}-`) && !archive.endsWith(`/${name}`),
  );
  await Promise.all(old.map((name) => rm(`${cache}/${name}`, { force: true })));
}

async function fill(context: string, { image, programs, base, bundles }: Parts): Promise<void> {
  await mkdir(`${context}/programs`);
  await mkdir(`${context}/links`);
  await copyFile(base, `${context}/base.tar`);
  await copyFile(process.execPath, `${context}/node`);
  await copyFile(`${bundles}/THIRD-PARTY-NOTICES.txt`, `${context}/programs/THIRD-PARTY-NOTICES.txt`);
  for (const program of programs) {
    for (const file of await filesOf(bundles, program))
      await cp(`${bundles}/${file}`, `${context}/programs/${file}`);
    await symlink(`/opt/mailfleet/${program}.mjs`, `${context}/links/${program}`);
  }
  await writeFile(`${context}/programs/sbom.cdx.json`, await sbom({ image, programs, base, bundles }));
  if (image.compiledBy !== undefined) await compile(`${context}/programs`, image.compiledBy);
  if (image.hasPages === true) await cp(`${bundles}/web`, `${context}/programs/web`, { recursive: true });
  for (const extra of image.extras) {
    if (existsSync(`${root}${extra}`))
      await copyFile(`${root}${extra}`, `${context}/programs/${extra.replace(/^.*\//, "")}`);
  }
}

async function sbom({ image, programs, base, bundles }: Omit<Parts, "cache">): Promise<string> {
  const inside = await Promise.all(programs.map((program) => packagesOf(bundles, program)));
  const npm = new Map<string, Part>(inside.flat().map((part) => [`${part.name}@${part.version}`, part]));
  const { version } = JSON.parse(await readFile(`${root}package.json`, "utf8")) as { version: string };
  const debian = await debianPackages(base);
  const name = image.name.replace(/^.*\//, "").replace(/:.*$/, "");
  return sbomOf({ image: name, version, node: process.versions.node, npm: [...npm.values()], debian });
}

/** Reading a program costs memory that the process keeps: some 15 MB less with it. Without it all goes on as well. */
async function compile(programs: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE, NODE_COMPILE_CACHE_PORTABLE: "1" };
  await promisify(execFile)(process.execPath, args, { cwd: programs, env });
  // Node writes them for its own user only.
  const compiled = await readdir(`${programs}/${COMPILE_CACHE}`, { recursive: true, withFileTypes: true });
  for (const file of compiled)
    await chmod(`${file.parentPath}/${file.name}`, file.isDirectory() ? 0o755 : 0o644);
}

async function digestOf(context: string, dockerfile: string): Promise<string> {
  const hash = createHash("sha256").update(String(TIMESTAMP));
  hash.update(await readFile(`${root}${dockerfile}`));
  const files = await readdir(context, { recursive: true, withFileTypes: true });
  // V8 does not write the same bytes twice, and they follow from the rest.
  const paths = files
    .filter((file) => file.isFile() && !file.parentPath.includes(`/${COMPILE_CACHE}`))
    .map((file) => `${file.parentPath}/${file.name}`);
  for (const path of paths.sort()) hash.update(path.slice(context.length)).update(await readFile(path));
  return hash.digest("hex");
}

async function step<T>(say: (line: string) => void, what: string, act: () => Promise<T>): Promise<T> {
  const started = performance.now();
  say(`${what} …`);
  const result = await act();
  say(`${what.replace(/,.*$/, "")}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
}

if (import.meta.main) {
  const built = await buildImages((line) => process.stdout.write(`[images] ${line}\n`));
  for (const { name, archive } of built) process.stdout.write(`[images] ${name} ${archive}\n`);
}
