/**
 * Signs an image as containers/image verifies it ("simple signing"): beside its manifest lies the name that it is published under
 * and the manifest's digest, in a signature by gpg. podman, CRI-O, skopeo and buildah refuse an image without a good one
 * where policy.json asks for it; `skopeo copy dir:FOLDER docker://NAME` publishes both. Rejects with what buildah or gpg said.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { run } from "../../e2e/peers/shell.ts";
import type { Signer } from "../packages/signing.ts";

export interface ImageToSign {
  /** A docker archive, as buildImage makes. */
  readonly archive: string;
  /** What it is called in there. */
  readonly name: string;
  /** Name with tag under which it is to be published. */
  readonly published: string;
  /** Gets the image with its signature; what was there goes. */
  readonly folder: string;
}

/** Resolves with the digest of the manifest, by which the image can be pinned. */
export async function signImage(
  { archive, name, published, folder }: ImageToSign,
  signer: Signer,
): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await copyOut(`docker-archive:${archive}:${name}`, name, folder);
  const manifest = await readFile(join(folder, "manifest.json"));
  const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
  const critical = {
    type: "atomic container signature",
    image: { "docker-manifest-digest": digest },
    identity: { "docker-reference": published },
  };
  await signer.within(
    JSON.stringify({ critical, optional: { creator: "mailfleet" } }),
    join(folder, "signature-1"),
  );
  return digest;
}

/** By way of a throw-away storage, since buildah copies into and out of it only. */
async function copyOut(source: string, name: string, folder: string): Promise<void> {
  const storage = await mkdtemp(`${tmpdir()}/mailfleet-sign-`);
  const policy = join(storage, "policy.json");
  const where = ["--root", `${storage}/root`, "--runroot", `${storage}/run`, "--storage-driver", "vfs"];
  try {
    await writeFile(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
    const buildah = (verb: string, ...args: readonly string[]): Promise<string> =>
      run("buildah", [...where, verb, "--quiet", "--signature-policy", policy, ...args], {
        timeoutMs: 300_000,
      });
    await buildah("pull", source);
    await buildah("push", "--format", "oci", name, `dir:${folder}`);
  } finally {
    await rm(storage, { recursive: true, force: true });
  }
}
