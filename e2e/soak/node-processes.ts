/**
 * Engines and operators as processes of this machine, seen through /proc from outside their containers: who runs, who has
 * which spool open for writing, and how to end or freeze one as a power cut or a paused machine would. Needs root. A
 * process that goes while it is looked at is left out.
 */
import { readFile, readdir, readlink } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

import { state } from "../cluster/places.ts";

export interface NodeProcess {
  readonly pid: number;
  /** Name of its pod. */
  readonly host: string;
}

const MARKS = { engine: "/etc/halon/smtpd.yaml", operator: "/opt/mailfleet/operator.mjs" } as const;
const SPOOL = "/var/spool/halon";

/** `pods`: how names of their pods begin. */
export async function processesOf(what: keyof typeof MARKS, pods: string): Promise<readonly NodeProcess[]> {
  const found: NodeProcess[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = (await textOf(`/proc/${name}/cmdline`)).split("\0");
    if (!words.includes(MARKS[what])) continue;
    const host = /(?:^|\0)HOSTNAME=([^\0]*)/.exec(await textOf(`/proc/${name}/environ`))?.[1] ?? "";
    if (host.startsWith(pods)) found.push({ pid: Number(name), host });
  }
  return found;
}

export function killNow({ pid }: NodeProcess): void {
  signal(pid, "SIGKILL");
}

/** Stands still for a while, as on a machine that is paused; its sockets stay open and nobody answers. */
export async function freeze(pids: readonly number[], ms: number): Promise<void> {
  for (const pid of pids) signal(pid, "SIGSTOP");
  try {
    await wait(ms);
  } finally {
    for (const pid of pids) signal(pid, "SIGCONT");
  }
}

/** The programs that make the machine a node of the cluster. */
export async function nodePrograms(): Promise<readonly number[]> {
  const texts = ["kubelet", "containerd"].map((name) => textOf(`${state}/pids/${name}`));
  return (await Promise.all(texts)).map(Number).filter((pid) => pid > 1);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

/** By volume: the engines that have a file of its spool open for writing. */
export async function writersBySpool(
  engines: readonly NodeProcess[],
): Promise<ReadonlyMap<string, readonly NodeProcess[]>> {
  const writers = new Map<string, NodeProcess[]>();
  for (const engine of engines) {
    const volume = await volumeOf(engine);
    if (volume === null || !(await isWriting(engine))) continue;
    writers.set(volume, [...(writers.get(volume) ?? []), engine]);
  }
  return writers;
}

/** The folder behind the mount, the same for whoever mounts it. */
async function volumeOf({ pid }: NodeProcess): Promise<string | null> {
  const mounts = (await textOf(`/proc/${pid}/mountinfo`)).split("\n").map((line) => line.split(" "));
  return mounts.find((fields) => fields[4] === SPOOL)?.[3] ?? null;
}

/** The lock is opened by whoever waits for it; it is held by one. */
async function isWriting({ pid }: NodeProcess): Promise<boolean> {
  for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
    const path = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
    if (!path.startsWith(`${SPOOL}/`) || /\/lock[^/]*$/.test(path)) continue;
    const flags = /^flags:\s*(\d+)/m.exec(await textOf(`/proc/${pid}/fdinfo/${fd}`))?.[1] ?? "0";
    if ((Number.parseInt(flags, 8) & 3) !== 0) return true;
  }
  return false;
}

function textOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
