/**
 * The chart as a repository for helm: archive, index, and, with a key, the provenance that `helm verify` asks for. Helm would
 * sign only with a secret key in a file of its own; so the text that it signs is made here and signed by gpg, where the key
 * stays. Rejects with what helm or gpg said.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";

import { run } from "../../e2e/peers/shell.ts";
import { chart, findProgram } from "../../helm/helm.ts";
import type { Signer } from "./signing.ts";

/** Resolves with the path of the archive. */
export async function packChart(folder: string, signer: Signer | null): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const helm = findProgram("helm");
  await run(helm, ["package", chart, "--destination", folder]);
  const [name = ""] = await readdir(folder);
  const archive = `${folder}/${name}`;
  if (signer !== null) {
    const about = await readFile(`${chart}/Chart.yaml`, "utf8");
    const text = provenance(about, name, await readFile(archive));
    await writeFile(`${archive}.prov`, await signer.clearly(text));
    await signer.publish(`${folder}/mailfleet.asc`);
  }
  await run(helm, ["repo", "index", folder]);
  return archive;
}

/** What a chart says of itself, and the digests of its files: https://helm.sh/docs/topics/provenance/ */
export function provenance(about: string, name: string, archive: Buffer): string {
  const digest = createHash("sha256").update(archive).digest("hex");
  return `${about.trimEnd()}\n\n...\nfiles:\n  ${name}: sha256:${digest}\n`;
}
