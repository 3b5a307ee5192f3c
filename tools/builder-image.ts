/**
 * The image in which native plugins are built, `mailfleet-plugin-builder`: Debian with gcc, clang, cmake, make, Go and
 * Rust, and the header at /opt/halon/include, where public plugins look for it. Built from Debian's packages; no image is
 * pulled. Prints the path of the archive; ends with 1 and what mmdebstrap or buildah said when it cannot be had.
 *
 *   node tools/builder-image.ts
 */
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";

import { run } from "../e2e/peers/shell.ts";
import { TIMESTAMP } from "./image/base.ts";
import { buildImage } from "./image/buildah.ts";
import { cacheFolder } from "./setup/programs.ts";
import { root } from "./tree.ts";

const SUITE = "bookworm";
const PACKAGES = ["gcc", "g++", "clang", "cmake", "make", "golang-go", "rustc", "cargo", "git", "pkg-config"];
const NAME = "localhost/mailfleet-plugin-builder:dev";
const HEADER = "mta-image/native/include/HalonMTA.h";

const DOCKERFILE = `FROM scratch
ADD system.tar /
COPY HalonMTA.h /opt/halon/include/HalonMTA.h
WORKDIR /src
CMD ["/bin/bash"]
`;

/** Debian with the compilers; kept in the cache by its list of packages. */
async function systemArchive(folder: string): Promise<string> {
  const key = createHash("sha256")
    .update(JSON.stringify([SUITE, PACKAGES]))
    .digest("hex")
    .slice(0, 16);
  const path = `${folder}/builder-${key}.tar`;
  if (existsSync(path)) return path;
  const options = ["--variant=minbase", `--include=${PACKAGES.join(",")}`];
  const excludes = ["/usr/share/doc/*", "/usr/share/man/*"].map(
    (pattern) => `--dpkgopt=path-exclude=${pattern}`,
  );
  await run("mmdebstrap", [...options, ...excludes, SUITE, `${path}.part.tar`], {
    env: { SOURCE_DATE_EPOCH: String(TIMESTAMP), DEBIAN_FRONTEND: "noninteractive" },
    timeoutMs: 900_000,
  });
  await rename(`${path}.part.tar`, path);
  return path;
}

export async function buildBuilderImage(): Promise<string> {
  const folder = `${cacheFolder()}/images`;
  await mkdir(folder, { recursive: true });
  const archive = `${folder}/mailfleet-plugin-builder.tar`;
  const context = await mkdtemp(`${tmpdir()}/mailfleet-builder-`);
  try {
    await copyFile(await systemArchive(folder), `${context}/system.tar`);
    await copyFile(`${root}${HEADER}`, `${context}/HalonMTA.h`);
    await writeFile(`${context}/Dockerfile`, DOCKERFILE);
    await buildImage({ name: NAME, dockerfile: `${context}/Dockerfile`, context, archive });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
  return archive;
}

if (import.meta.main) {
  process.stdout.write("[builder] Debian with compilers, about 3 minutes when not cached …\n");
  process.stdout.write(`[builder] ${NAME}: ${await buildBuilderImage()}\n`);
}
