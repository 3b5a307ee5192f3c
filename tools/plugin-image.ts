/**
 * An image that holds one file, the form in which native plugins are shipped: FROM scratch, the shared object at the
 * top. Used by scenarios and as `node tools/plugin-image.ts FILE NAME ARCHIVE`. The same file gives the same digest.
 */
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename } from "node:path";

import { buildImage } from "./image/buildah.ts";

export async function buildPluginImage(plugin: {
  file: string;
  name: string;
  archive: string;
}): Promise<void> {
  const context = await mkdtemp(`${tmpdir()}/mailfleet-plugin-`);
  const file = basename(plugin.file);
  try {
    await copyFile(plugin.file, `${context}/${file}`);
    await writeFile(`${context}/Dockerfile`, `FROM scratch\nCOPY --chmod=755 ${file} /${file}\n`);
    await buildImage({
      name: plugin.name,
      dockerfile: `${context}/Dockerfile`,
      context,
      archive: plugin.archive,
    });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const [file, name, archive] = process.argv.slice(2);
  if (file === undefined || name === undefined || archive === undefined) {
    process.stderr.write("usage: plugin-image.ts FILE NAME ARCHIVE\n");
    process.exitCode = 64;
  } else {
    await buildPluginImage({ file, name, archive });
    process.stdout.write(`[images] ${name} ${archive}\n`);
  }
}
