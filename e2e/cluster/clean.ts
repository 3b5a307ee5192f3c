/**
 * Removes all traces of a test cluster, whatever state it was left in: processes, mounts, network, cgroups, files.
 * Used before every start and at the end. Throws only when something cannot be removed at all.
 */
import { readFile, readdir, rm, rmdir } from "node:fs/promises";

import { tryRun } from "../peers/shell.ts";
import { removeNetwork } from "./network.ts";
import { state } from "./places.ts";
import { killLeftovers, stopDaemons } from "./processes.ts";

/** Those that start others go first. */
const stopOrder = [
  "kubelet",
  "kube-proxy",
  "kube-scheduler",
  "storage",
  "kube-controller-manager",
  "coredns",
  "kube-apiserver",
  "etcd",
  "containerd",
] as const;

export async function clean(): Promise<void> {
  await stopDaemons(state, stopOrder);
  await killLeftovers(state);
  await unmountAll();
  await removeNetwork();
  await removeCgroups("/sys/fs/cgroup");
  await rm(state, { recursive: true, force: true, maxRetries: 5 });
  await rm("/var/lib/cni/results", { recursive: true, force: true });
}

/** Deepest first; a second round takes what was mounted twice. */
async function unmountAll(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const mounts = await readFile("/proc/self/mountinfo", "utf8");
    const points = mounts
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((point) => point.startsWith(`${state}/`));
    if (points.length === 0) return;
    for (const point of points.reverse()) await tryRun("umount", ["--lazy", point]);
  }
}

/** containerd makes one group a pod under its namespace's name; empty ones stay behind when it is killed. */
async function removeCgroups(root: string): Promise<void> {
  const controllers = await readdir(root, { withFileTypes: true }).catch(() => []);
  for (const controller of controllers.filter((entry) => entry.isDirectory())) {
    await removeTree(`${root}/${controller.name}/k8s.io`);
  }
}

async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(`${folder}/${entry.name}`);
  await rmdir(folder).catch(() => {});
}
