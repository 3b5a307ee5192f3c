/**
 * Daemons of a cluster as processes: started detached with a log and a pid file in the cluster's folder, found and
 * ended again by whoever comes later, also after an unclean stop. A pid file counts only while the process it names
 * still runs the program that it was started for.
 */
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, readFile, readdir, readlink, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

import type { Daemon } from "./daemons.ts";

export interface Home {
  readonly folder: string;
  /** Network namespace to start in; null: this one. */
  readonly namespace: string | null;
  /** Whether daemons go with the process that started them, however it ends. */
  readonly isBoundToStarter: boolean;
  /** Folder of the executables. */
  readonly bin: string;
}

/** Programs that are executables of their own; the others are parts of kubelab. */
const alone = new Set(["containerd", "coredns", "kwok"]);

export async function startDaemon(home: Home, daemon: Daemon): Promise<void> {
  await mkdir(`${home.folder}/log`, { recursive: true });
  await mkdir(`${home.folder}/pids`, { recursive: true });
  const log = openSync(`${home.folder}/log/${daemon.name}.log`, "w");
  const program = alone.has(daemon.name)
    ? [`${home.bin}/${daemon.name}`]
    : [`${home.bin}/kubelab`, daemon.name];
  const enter = home.namespace === null ? [] : ["nsenter", `--net=/run/netns/${home.namespace}`];
  const bind = home.isBoundToStarter ? ["setpriv", "--pdeathsig", "KILL"] : [];
  const [first = "", ...rest] = [...enter, ...bind, ...program, ...daemon.args];
  const path = `${home.bin}:/usr/sbin:/usr/bin:/sbin:/bin`;
  const child = spawn(first, rest, {
    cwd: home.folder,
    detached: true,
    stdio: ["ignore", log, log],
    env: { PATH: path, HOME: home.folder, TMPDIR: "/tmp" },
  });
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  child.unref();
  await writeFile(`${home.folder}/pids/${daemon.name}`, String(child.pid));
}

/** Names of the daemons whose process is there. */
export async function runningDaemons(folder: string): Promise<readonly string[]> {
  const names = await readdir(`${folder}/pids`).catch(() => []);
  const running: string[] = [];
  for (const name of names) if ((await pidOf(folder, name)) !== null) running.push(name);
  return running;
}

/**
 * Ends every process of ours whose command line names this folder, with its children: daemons, shims, containers. They
 * get no time to tidy up, for the folder goes next. Resolves when none is left, rejects when one stays for 10 s.
 */
export async function killAll(folder: string): Promise<void> {
  for (let round = 0; round < 500; round++) {
    const pids = await processesOf(folder);
    if (pids.length === 0) return;
    for (const pid of pids) {
      for (const child of await descendants(pid)) kill(child, "SIGKILL");
      kill(pid, "SIGKILL");
    }
    await wait(20);
  }
  throw new Error(`processes of ${folder} do not go, even when killed`);
}

async function pidOf(folder: string, name: string): Promise<number | null> {
  const text = await readFile(`${folder}/pids/${name}`, "utf8").catch(() => "");
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid <= 1) return null;
  return (await commandLine(pid)).includes(`${folder}/`) ? pid : null;
}

async function processesOf(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await allPids()) {
    if (pid !== process.pid && pid !== process.ppid && (await isPartOf(pid, folder))) found.push(pid);
  }
  return found;
}

/** Only programs of ours: an editor or a shell that happens to name the folder stays. */
async function isPartOf(pid: number, folder: string): Promise<boolean> {
  if (!(await commandLine(pid)).includes(`${folder}/`)) return false;
  const program = await readlink(`/proc/${pid}/exe`).catch(() => "");
  return /\/(?:kubelab|containerd|containerd-shim-runc-v2|coredns|kwok)(?: \(deleted\))?$/.test(program);
}

async function descendants(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const direct = children.split(" ").filter(Boolean).map(Number);
  const deeper = await Promise.all(direct.map(descendants));
  return [...direct, ...deeper.flat()];
}

async function allPids(): Promise<number[]> {
  return (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function commandLine(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
