/**
 * A native plugin as clusters find it: an image in the node that holds one file, and the NativePlugin that names it.
 * Rejects with what buildah, containerd or the API server said.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { buildPluginImage } from "../../tools/plugin-image.ts";
import type { Stage } from "./stage.ts";

/** `file` is the path of the shared object. */
export async function offerPlugin(stage: Stage, name: string, file: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "plugin-image-"));
  const archive = join(folder, `${name}.tar`);
  const image = `localhost/plugin-${name}:1`;
  try {
    await buildPluginImage({ file, name: image, archive });
    await stage.lab.cluster.importImage(archive);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await stage.apply({
    apiVersion: "mailfleet.io/v1alpha1",
    kind: "NativePlugin",
    metadata: { name },
    spec: { source: { image: { reference: image, path: basename(file), pullPolicy: "IfNotPresent" } } },
  });
}
