/**
 * The cgroup of a container, in the hierarchies of version 1 as in the one of version 2. A shim that is killed leaves
 * its container to init, so the group is the only place that still names its processes. Nothing here fails: a process
 * or a group that is gone is what was wanted.
 */
import { readFile, readdir, rmdir } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

const ROOT = "/sys/fs/cgroup";

/** Kills until the group is empty; a container may fork while the list is read. */
export async function killGroup(name: string): Promise<void> {
  for (let round = 0; round < 50; round++) {
    const pids = new Set((await Promise.all((await placesOf(name)).map(pidsBelow))).flat());
    if (pids.size === 0) return;
    for (const pid of pids) kill(pid);
    await wait(20);
  }
}

export async function removeGroup(name: string): Promise<void> {
  for (const place of await placesOf(name)) await removeTree(place);
}

/** Version 1 has one hierarchy a controller, version 2 the one at the root. */
async function placesOf(name: string): Promise<string[]> {
  const controllers = await foldersIn(ROOT);
  return [`${ROOT}/${name}`, ...controllers.map((controller) => `${ROOT}/${controller}/${name}`)];
}

async function pidsBelow(folder: string): Promise<number[]> {
  const own = await readFile(`${folder}/cgroup.procs`, "utf8").catch(() => "");
  const below = await Promise.all((await foldersIn(folder)).map((name) => pidsBelow(`${folder}/${name}`)));
  return [...own.split("\n").filter(Boolean).map(Number), ...below.flat()];
}

async function removeTree(folder: string): Promise<void> {
  for (const name of await foldersIn(folder)) await removeTree(`${folder}/${name}`);
  await rmdir(folder).catch(() => {});
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It went by itself.
  }
}
