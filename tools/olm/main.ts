/** Writes the bundle for the Operator Lifecycle Manager into build/olm. Arguments are settings of the chart: image.tag=1.2.3. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { ensureProgram } from "../setup/programs.ts";
import { root } from "../tree.ts";
import { bundleFiles } from "./bundle.ts";

const folder = `${root}build/olm`;
await ensureProgram("helm", (line) => process.stdout.write(`${line}\n`));
await rm(folder, { recursive: true, force: true });
for (const [name, text] of await bundleFiles(process.argv.slice(2))) {
  await mkdir(dirname(`${folder}/${name}`), { recursive: true });
  await writeFile(`${folder}/${name}`, text);
}
process.stdout.write("build/olm: manifests, metadata and bundle.Dockerfile\n");
