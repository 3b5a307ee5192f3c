/**
 * Builds one image from a folder with buildah and writes it as an archive that containerd imports. Nothing is pulled
 * and no daemon is needed; storage is a throw-away folder. The same folder gives the same digest. Throws with what
 * buildah said, after the storage is gone.
 */
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";

import { run } from "../../e2e/peers/shell.ts";
import { TIMESTAMP } from "./base.ts";

export interface ImageBuild {
  readonly name: string;
  readonly dockerfile: string;
  readonly context: string;
  readonly archive: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export async function buildImage({
  name,
  dockerfile,
  context,
  archive,
  labels = {},
}: ImageBuild): Promise<void> {
  const storage = await mkdtemp(`${tmpdir()}/mailfleet-image-`);
  const buildah = (...args: readonly string[]) =>
    run(
      "buildah",
      ["--root", `${storage}/root`, "--runroot", `${storage}/run`, "--storage-driver", "vfs", ...args],
      {
        timeoutMs: 300_000,
      },
    );
  try {
    const labelled = Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
    const how = ["--isolation=chroot", "--pull-never", "--format=oci", `--timestamp=${TIMESTAMP}`];
    await buildah("build", ...how, ...labelled, "--tag", name, "--file", dockerfile, context);
    await rm(`${archive}.part`, { force: true });
    await buildah("push", "--quiet", name, `docker-archive:${archive}.part:${name}`);
    await rename(`${archive}.part`, archive);
  } finally {
    await rm(storage, { recursive: true, force: true });
  }
}
