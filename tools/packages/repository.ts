/**
 * Makes folders of packages into repositories that apt and dnf can read from any web server or from a disk, signed
 * where whoever publishes them gives a key. Rejects with what the programs said.
 */
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { run } from "../../e2e/peers/shell.ts";
import type { Signer } from "./signing.ts";

export const suite = "stable";

/** `folder` holds the packages below pool/; the index comes beside. */
export async function indexApt(folder: string, architecture: string, signer: Signer | null): Promise<void> {
  const place = `dists/${suite}/main/binary-${architecture}`;
  const inside = { cwd: folder };
  await run("mkdir", ["-p", place], inside);
  const packages = await run("apt-ftparchive", ["packages", "pool"], inside);
  await writeFile(`${folder}/${place}/Packages`, packages);
  await writeFile(`${folder}/${place}/Packages.gz`, await promisify(gzip)(packages));
  const facts = {
    Origin: "Mailfleet",
    Suite: suite,
    Codename: suite,
    Components: "main",
    Architectures: architecture,
  };
  const options = Object.entries(facts).flatMap(([name, value]) => [
    "-o",
    `APT::FTPArchive::Release::${name}=${value}`,
  ]);
  const release = await run("apt-ftparchive", [...options, "release", `dists/${suite}`], inside);
  await writeFile(`${folder}/dists/${suite}/Release`, release);
  await signer?.release(`${folder}/dists/${suite}`);
}

export async function indexYum(folder: string, signer: Signer | null): Promise<void> {
  await run("createrepo_c", ["--quiet", folder]);
  if (!(await readFile(`${folder}/repodata/repomd.xml`, "utf8")).includes("primary"))
    throw new Error(`createrepo_c left no index in ${folder}`);
  await signer?.index(folder);
}
