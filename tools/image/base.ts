/**
 * The file system that both images start from: a few Debian packages unpacked without running anything, so there is no
 * shell and no package manager in it. Kept in the cache by its list of packages; delete the file to take newer ones.
 * Throws with what mmdebstrap said.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";

import { run } from "../../e2e/peers/shell.ts";

const SUITE = "bookworm";
const PACKAGES = [
  "base-files",
  "libc6",
  "libstdc++6",
  "libgcc-s1",
  "libatomic1",
  "libssl3",
  "ca-certificates",
  "tzdata",
];
/** What the packages bring that a program in a container never reads. */
const LEFT_OUT = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/locale/*",
  "/usr/share/lintian/*",
  "/var/log/*",
];

/** ca-certificates makes this file when it is configured, which does not happen here. Programs look for it. */
const CERTIFICATES = `mkdir -p "$1/etc/ssl/certs" && cat "$1"/usr/share/ca-certificates/mozilla/*.crt > "$1/etc/ssl/certs/ca-certificates.crt"`;

/** Nothing is installed here, so dpkg notes nothing; scanners for vulnerabilities look in this folder too. */
const NOTES = `mkdir -p "$1/var/lib/dpkg/status.d" && for deb in "$1"/var/cache/apt/archives/*.deb; do dpkg-deb --field "$deb" > "$1/var/lib/dpkg/status.d/$(dpkg-deb --field "$deb" Package)"; done`;

const HOOKS = [CERTIFICATES, NOTES];

/** All files carry this time, so that the same input gives the same digest. */
export const TIMESTAMP = 1_750_000_000;

/** Path of the archive. */
export async function baseArchive(cache: string): Promise<string> {
  const key = createHash("sha256")
    .update(JSON.stringify([SUITE, PACKAGES, LEFT_OUT, HOOKS]))
    .digest("hex");
  const path = `${cache}/base-${key.slice(0, 16)}.tar`;
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  const part = `${path}.part.tar`;
  const hooks = HOOKS.map((hook) => `--extract-hook=${hook}`);
  const options = ["--variant=extract", `--include=${PACKAGES.join(",")}`, ...hooks];
  const excludes = LEFT_OUT.map((pattern) => `--dpkgopt=path-exclude=${pattern}`);
  await run("mmdebstrap", [...options, ...excludes, SUITE, part], {
    env: { SOURCE_DATE_EPOCH: String(TIMESTAMP) },
    timeoutMs: 300_000,
  });
  await rename(part, path);
  return path;
}
