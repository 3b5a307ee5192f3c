/**
 * Definitions (CRDs) of other projects, to see that our examples for them are taken: out of the Go modules in which those
 * projects publish themselves, kept in the cache by version. Rejects when a module cannot be had.
 */
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, rename, rm } from "node:fs/promises";

import { run } from "../e2e/peers/shell.ts";
import { cacheFolder } from "./setup/programs.ts";

interface Source {
  readonly module: string;
  readonly version: string;
  readonly folder: string;
  readonly files: RegExp;
}

/** Versions whose modules ask for no newer Go than the one that builds the test cluster. */
const sources = {
  flux: [
    {
      module: "github.com/fluxcd/source-controller",
      version: "v1.8.0",
      folder: "config/crd/bases",
      files: /gitrepositories/,
    },
    {
      module: "github.com/fluxcd/kustomize-controller",
      version: "v1.7.3",
      folder: "config/crd/bases",
      files: /kustomizations/,
    },
  ],
  argocd: [
    {
      module: "github.com/argoproj/argo-cd/v3",
      version: "v3.3.0",
      folder: "manifests/crds",
      files: /^application-crd/,
    },
  ],
  keda: [
    {
      module: "github.com/kedacore/keda/v2",
      version: "v2.20.0",
      folder: "config/crd/bases",
      files: /_(?:scaledobjects|triggerauthentications)\.yaml/,
    },
  ],
  olm: [
    {
      module: "github.com/operator-framework/api",
      version: "v0.36.0",
      folder: "crds",
      files: /_clusterserviceversions\.yaml/,
    },
  ],
  /** Not a definition: the protocol between KEDA and scalers like ours. */
  scaler: [
    {
      module: "github.com/kedacore/keda/v2",
      version: "v2.20.0",
      folder: "pkg/scalers/externalscaler",
      files: /\.proto$/,
    },
  ],
} as const satisfies Record<string, readonly Source[]>;

/** Paths of files, one definition each. */
export async function foreignDefinitions(project: keyof typeof sources): Promise<readonly string[]> {
  const found = await Promise.all(sources[project].map(filesOf));
  return found.flat();
}

async function filesOf({ module, version, folder, files }: Source): Promise<readonly string[]> {
  const kept = `${cacheFolder()}/definitions/${`${module}/${folder}`.replaceAll("/", "-")}-${version}`;
  if (!existsSync(kept)) {
    const env = { GOFLAGS: "-mod=mod" };
    const download = ["mod", "download", "-json", `${module}@${version}`];
    const printed = await run("go", download, { cwd: "/", env, timeoutMs: 300_000 });
    const { Dir } = JSON.parse(printed) as { readonly Dir: string };
    const part = `${kept}.part-${process.pid}`;
    await mkdir(part, { recursive: true });
    for (const name of (await readdir(`${Dir}/${folder}`)).filter((each) => files.test(each)))
      await cp(`${Dir}/${folder}/${name}`, `${part}/${name}`);
    await rename(part, kept).catch(() => rm(part, { recursive: true, force: true }));
  }
  return (await readdir(kept)).map((name) => `${kept}/${name}`);
}
