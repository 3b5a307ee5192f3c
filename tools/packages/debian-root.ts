/**
 * A small Debian of its own, to install packages into: a folder made from an archive in the cache, with apt in it and no
 * network needed. Rejects with what mmdebstrap, apt or the command said.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";

import { type RunResult, run, tryRun } from "../../e2e/peers/shell.ts";
import { cacheFolder } from "../setup/programs.ts";

const SUITE = "bookworm";
/** What the packages depend on, so that nothing has to be fetched. */
const INCLUDED = ["apt", "passwd", "procps", "libstdc++6", "libatomic1"];

export class DebianRoot {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<DebianRoot> {
    const archive = await ensureArchive();
    const folder = await mkdtemp(`${tmpdir()}/mailfleet-root-`);
    await run("tar", ["-xf", archive, "-C", folder], { timeoutMs: 120_000 });
    return new DebianRoot(folder);
  }

  /** A shell command inside; in a network of its own, so that ports are free and nothing leaves. */
  sh(script: string): Promise<RunResult> {
    const inside = `ip link set lo up && exec chroot '${this.folder}' /bin/sh -ec "$SCRIPT"`;
    const env = { SCRIPT: script, DEBIAN_FRONTEND: "noninteractive", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };
    return tryRun(
      "unshare",
      ["--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", inside],
      {
        env,
        timeoutMs: 180_000,
      },
    );
  }

  /** Resolves with standard output without the last line end; rejects when the command fails. */
  async must(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.sh(script);
    if (code !== 0) throw new Error(`${script}\nended with ${code}: ${stderr || stdout}`);
    return stdout.replace(/\n$/, "");
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

async function ensureArchive(): Promise<string> {
  const folder = `${cacheFolder()}/images`;
  const path = `${folder}/debian-for-packages-3.tar`;
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  const options = ["--variant=essential", `--include=${INCLUDED.join(",")}`];
  await run("mmdebstrap", [...options, SUITE, `${path}.part.tar`], { timeoutMs: 600_000 });
  await rename(`${path}.part.tar`, path);
  return path;
}
