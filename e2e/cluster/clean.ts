/**
 * Removes all traces of a test cluster, whatever state it was left in: processes, mounts, network, cgroups, files.
 * Used before every start and at the end. Throws only when something cannot be removed at all.
 */
import { readFile, readdir, readlink, rm } from "node:fs/promises";

import { tryRun } from "../peers/shell.ts";
import { killGroup, removeGroup } from "./groups.ts";
import { removeNetwork } from "./network.ts";
import { type NodePlace, firstNode, imageNamespace, networkNamespace, secondNode, state } from "./places.ts";
import { killAll } from "./processes.ts";

export async function clean(): Promise<void> {
  await cleanNode(secondNode);
  await cleanNode(firstNode);
}

/** One node with all that runs on it. */
export async function cleanNode({ folder, namespace }: NodePlace): Promise<void> {
  const groups = await containerGroups(folder);
  await killAll(folder);
  for (const group of groups) await killGroup(group);
  await unmountAll(folder);
  await removeNetwork(namespace);
  for (const group of groups) await removeGroup(group);
  await removeTraces(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Ends all that runs on a node, as a power cut does; its disk stays. */
export async function cutPower({ folder }: NodePlace): Promise<void> {
  const groups = await containerGroups(folder);
  await killAll(folder);
  for (const group of groups) await killGroup(group);
  await unmountAll(folder);
}

/** containerd names the cgroup of a container after its own namespace and the container. */
async function containerGroups(folder: string): Promise<string[]> {
  const tasks = `${folder}/containerd-state/io.containerd.runtime.v2.task/${imageNamespace}`;
  return (await namesIn(tasks)).map((id) => `${imageNamespace}/${id}`);
}

/** Deepest first; a second round takes what was mounted twice. */
async function unmountAll(folder: string): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const mounts = await readFile("/proc/self/mountinfo", "utf8");
    const points = mounts
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "")
      .filter((point) => point.startsWith(`${folder}/`));
    if (points.length === 0) return;
    for (const point of points.reverse()) await tryRun("umount", ["--lazy", point]);
  }
}

/** What the programs write into folders of the machine that they share with other clusters. */
async function removeTraces(folder: string): Promise<void> {
  if (folder === state) await removeResults("/var/lib/cni/results");
  await removeLogLinks("/var/log/containers", folder);
  await removeDeadSockets("/run/containerd/s");
}

/** The plugins keep one file a container for its interface and one for its loopback. */
async function removeResults(folder: string): Promise<void> {
  const names = await namesIn(folder);
  const ours = new RegExp(`^${networkNamespace}-([0-9a-f]{64})-eth0$`);
  for (const id of names.flatMap((name) => ours.exec(name)?.[1] ?? [])) {
    for (const name of names) if (name.includes(id)) await rm(`${folder}/${name}`, { force: true });
  }
}

/** The kubelet links from here into its own folder for logs. */
async function removeLogLinks(links: string, folder: string): Promise<void> {
  for (const name of await namesIn(links)) {
    const target = await readlink(`${links}/${name}`).catch(() => "");
    if (target.startsWith(`${folder}/`)) await rm(`${links}/${name}`, { force: true });
  }
}

/** Sockets of shims have nothing but a hash for a name: the dead ones are those that nobody listens on. */
async function removeDeadSockets(folder: string): Promise<void> {
  const listening = await liveSockets();
  for (const name of await namesIn(folder)) {
    if (!listening.has(`${folder}/${name}`)) await rm(`${folder}/${name}`, { force: true });
  }
}

/** Each network namespace lists its own sockets only, so every process is asked once for its namespace's. */
async function liveSockets(): Promise<ReadonlySet<string>> {
  const paths = new Set<string>();
  const seen = new Set<string>();
  for (const pid of (await namesIn("/proc")).filter((name) => /^\d+$/.test(name))) {
    const namespace = await readlink(`/proc/${pid}/ns/net`).catch(() => null);
    if (namespace === null || seen.has(namespace)) continue;
    seen.add(namespace);
    const table = await readFile(`/proc/${pid}/net/unix`, "utf8").catch(() => "");
    for (const line of table.split("\n")) paths.add(line.split(/\s+/)[7] ?? "");
  }
  return paths;
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
