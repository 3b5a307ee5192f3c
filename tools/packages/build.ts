/**
 * Builds the Linux packages into a folder: `apt/` and `yum/`, each a repository with its packages. Prints nothing but
 * what `say` gets. Rejects when a program is missing or fails.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";

import { run } from "../../e2e/peers/shell.ts";
import { bundle } from "../bundle.ts";
import { root } from "../tree.ts";
import { buildPages } from "../web.ts";
import { makeDeb } from "./deb.ts";
import { packagePlans } from "./plan.ts";
import { indexApt, indexYum } from "./repository.ts";
import { makeRpm } from "./rpm.ts";
import type { Signer } from "./signing.ts";
import { stage } from "./stage.ts";

export interface BuiltPackages {
  readonly debs: readonly string[];
  readonly rpms: readonly string[];
}

const debianNames: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

export async function buildPackages(options: {
  readonly folder: string;
  /** More than one lie side by side, as after an update of a repository. */
  readonly versions: readonly string[];
  /** Null: nothing is signed. */
  readonly signer: Signer | null;
  readonly say: (line: string) => void;
}): Promise<BuiltPackages> {
  const { say } = options;
  const scratch = await mkdtemp(`${tmpdir()}/mailfleet-packages-`);
  try {
    say("native addon, compiled when it is not current");
    await run("make", ["-C", `${root}mta-image/native`, "all"], { timeoutMs: 600_000 });
    say("bundles and pages");
    await bundle(`${scratch}/bundles`);
    await buildPages(`${scratch}/bundles/web`);
    return await packAll({ ...options, scratch });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function packAll(task: {
  readonly folder: string;
  /** More than one lie side by side, as after an update of a repository. */
  readonly versions: readonly string[];
  readonly signer: Signer | null;
  readonly say: (line: string) => void;
  readonly scratch: string;
}): Promise<BuiltPackages> {
  const { folder, versions, signer, say, scratch } = task;
  await rm(folder, { recursive: true, force: true });
  const [pool, yum] = [`${folder}/apt/pool`, `${folder}/yum`];
  await mkdir(pool, { recursive: true });
  await mkdir(yum, { recursive: true });
  const debs: string[] = [];
  const rpms: string[] = [];
  for (const version of versions) {
    for (const plan of packagePlans) {
      say(`${plan.name} ${version}`);
      const staging = {
        version,
        bundles: `${scratch}/bundles`,
        folder: `${scratch}/${version}/${plan.name}`,
      };
      const staged = await stage(plan, staging);
      rpms.push(await makeRpm(staged, yum));
      debs.push(await makeDeb(staged, pool));
    }
  }
  say(signer === null ? "repositories, not signed" : "signatures and repositories");
  await signer?.rpms(rpms);
  await signer?.publish(`${folder}/mailfleet.asc`);
  await indexApt(`${folder}/apt`, debianNames[process.arch] ?? process.arch, signer);
  await indexYum(yum, signer);
  return { debs, rpms };
}
