/**
 * A Go that can build the programs: the one on the PATH if it is new enough to fetch what a module asks for by itself
 * (1.21), else the one below, which Debian's older Go fetches as a module. Needs root where Go is missing altogether.
 * Rejects with what apt or go said.
 */
import { chmod, readdir, rename } from "node:fs/promises";
import { join } from "node:path";

import { run, tryRun } from "../../e2e/peers/shell.ts";

const VERSION = "1.26.8";
const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** The root of the Go to use instead of the one on the PATH; null: that one is good. */
export async function ensureGo(say: (line: string) => void): Promise<string | null> {
  if (await isNewEnough()) return null;
  if ((await installedVersion()) === null) {
    say("Go from Debian, about 60 s");
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const install = ["install", "-y", "-q", "--no-install-recommends", "golang-go"];
    await run("apt-get", install, { env, timeoutMs: 900_000 });
    if (await isNewEnough()) return null;
  }
  say(`Go ${VERSION} as a module, about 10 s`);
  const folder = await downloadToolchain();
  await makeUsable(folder);
  return folder;
}

async function isNewEnough(): Promise<boolean> {
  const [, major = "0", minor = "0"] = /go(\d+)\.(\d+)/.exec((await installedVersion()) ?? "") ?? [];
  return Number(major) > 1 || Number(minor) >= 21;
}

async function installedVersion(): Promise<string | null> {
  const result = await tryRun("go", ["env", "GOVERSION"]).catch(() => null);
  return result?.code === 0 ? result.stdout : null;
}

async function downloadToolchain(): Promise<string> {
  const wanted = `golang.org/toolchain@v0.0.1-go${VERSION}.linux-${architectures[process.arch] ?? process.arch}`;
  const printed = await run("go", ["mod", "download", "-json", wanted], { cwd: "/", timeoutMs: 900_000 });
  return (JSON.parse(printed) as { readonly Dir: string }).Dir;
}

/** An archive of a module keeps no executable bits and must not hold go.mod files, which are in it as _go.mod. */
async function makeUsable(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && /\/(?:bin|pkg\/tool\/[^/]+)\/[^/]+$/.test(path)) await chmod(path, 0o755);
    if (entry.name === "_go.mod") await rename(path, join(entry.parentPath, "go.mod"));
  }
}
