/**
 * Carries out one command of the plugin. Everything that it touches is handed in. Resolves with the text for the screen;
 * rejects with a Failure whose words are for people.
 */
import { gzipSync } from "node:zlib";

import type { Clock } from "#base/clock.ts";
import { describe, Failure } from "#base/error.ts";
import { annotations } from "#crds/group.ts";
import { containerPort } from "#crds/mail-cluster-traffic.ts";
import { CLUSTER_LABEL } from "#operator/cache/caches.ts";
import type { CustomObject, Pod } from "#operator/kube/objects.ts";

import type { Command } from "./arguments.ts";
import { type EngineDoor, openDoor } from "./engine-door.ts";
import type { Kubectl } from "./kubectl.ts";
import { type PodQueue, queueScreen } from "./queue-screen.ts";
import { gather } from "./report.ts";
import { sendMail } from "./send-mail.ts";
import { listScreen, type SeenEvent, statusScreen } from "./status-screen.ts";
import { fenceTo, nameToLeave, scaleTo, steer } from "./steer.ts";
import { tar } from "./tar.ts";

export interface Surroundings {
  readonly kubectl: Kubectl;
  readonly clock: Clock;
  /** A short text that nobody can guess. */
  readonly nonce: () => string;
  readonly writeFile: (path: string, bytes: Buffer) => Promise<void>;
}

export async function run(command: Command, around: Surroundings): Promise<string> {
  const { kubectl } = around;
  switch (command.kind) {
    case "list": {
      const { items } = await kubectl.json<{ items: CustomObject[] }>("get", "mailclusters");
      return listScreen(items);
    }
    case "status":
      return showStatus(command.name, kubectl);
    case "queue":
      return showQueue(command, kubectl);
    case "drain":
      return drain(command, kubectl);
    case "fence":
    case "unfence":
      return fence(command, kubectl);
    case "scale":
      return kubectl.text(...scaleTo(command.name, command.replicas));
    case "annotate":
      return kubectl.text(...steer(command.name, command.what, new Date(around.clock.now())));
    case "send":
      return send(command, around);
    case "report":
      return report(command, around);
    default:
      throw new Failure("usage", `nothing to do for ${command.kind}`);
  }
}

function clusterOf(name: string, kubectl: Kubectl): Promise<CustomObject> {
  return kubectl.json<CustomObject>("get", "mailcluster", name);
}

async function showStatus(name: string, kubectl: Kubectl): Promise<string> {
  const cluster = await clusterOf(name, kubectl);
  return statusScreen(cluster, await eventsOf(cluster, kubectl));
}

interface RawEvent {
  readonly reason?: string;
  readonly note?: string;
  readonly eventTime?: string;
  readonly series?: { readonly lastObservedTime?: string };
  readonly regarding?: { readonly kind?: string; readonly uid?: string };
}

/** Whoever may not read events sees none. */
async function eventsOf({ metadata }: CustomObject, kubectl: Kubectl): Promise<readonly SeenEvent[]> {
  const args = ["get", "events.events.k8s.io", `--namespace=${metadata.namespace ?? ""}`] as const;
  const { items } = await kubectl.json<{ items: RawEvent[] }>(...args).catch(() => ({ items: [] }));
  return items
    .filter(({ regarding }) => regarding?.kind === "MailCluster" && regarding.uid === metadata.uid)
    .map(({ reason = "", note = "", eventTime = "", series }) => ({
      reason,
      note,
      at: (series?.lastObservedTime ?? eventTime).replace(/\.\d+Z$/, "Z"),
    }))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
}

async function podsOf({ metadata }: CustomObject, kubectl: Kubectl): Promise<readonly Pod[]> {
  const selector = `--selector=${CLUSTER_LABEL}=${metadata.name}`;
  const namespace = `--namespace=${metadata.namespace ?? ""}`;
  return (await kubectl.json<{ items: Pod[] }>("get", "pods", selector, namespace)).items;
}

async function showQueue(command: Command & { kind: "queue" }, kubectl: Kubectl): Promise<string> {
  const cluster = await clusterOf(command.name, kubectl);
  const namespace = cluster.metadata.namespace ?? "";
  const pods = await podsOf(cluster, kubectl);
  if (pods.length === 0) return "No pod is there, so nobody tells what is queued.\n";
  const door = await openDoor(kubectl, namespace, command.name);
  const found: PodQueue[] = [];
  for (const { metadata } of pods) found.push(await queueOf(metadata.name, door, command));
  return queueScreen(found);
}

async function queueOf(pod: string, door: EngineDoor, query: Command & { kind: "queue" }): Promise<PodQueue> {
  try {
    return { pod, status: await door.status(pod), page: await door.queue(pod, query), reason: "" };
  } catch (error) {
    return { pod, status: null, page: null, reason: describe(error) };
  }
}

/** Named first: whoever chooses must know before the size changes. */
async function drain({ name, slots }: Command & { kind: "drain" }, kubectl: Kubectl): Promise<string> {
  const { spec } = (await clusterOf(name, kubectl)) as {
    spec?: { replicas?: number; autoscaling?: { mode?: string } };
  };
  const said = await kubectl.text(...nameToLeave(name, slots));
  const { replicas, autoscaling } = spec ?? {};
  if (replicas === undefined || autoscaling?.mode === "Internal")
    return `${said}They leave first when the number of pods, which is not yours here, goes down.\n`;
  return said + (await kubectl.text(...scaleTo(name, Math.max(0, replicas - slots.length))));
}

async function fence(command: Command & { kind: "fence" | "unfence" }, kubectl: Kubectl): Promise<string> {
  const { metadata, status } = (await clusterOf(command.name, kubectl)) as CustomObject & {
    status?: { pods?: { slot: number }[] };
  };
  const text = metadata.annotations?.[annotations.fenced];
  const slots = (status?.pods ?? []).map(({ slot }) => slot);
  return kubectl.text(...fenceTo(command, { text, slots }));
}

async function send(
  command: Command & { kind: "send" },
  { kubectl, clock, nonce }: Surroundings,
): Promise<string> {
  const cluster = await clusterOf(command.name, kubectl);
  const ready = (await podsOf(cluster, kubectl)).find(({ status }) =>
    status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True"),
  );
  if (ready === undefined) throw new Failure("no-pod", "no pod is ready to take mail");
  const { name, namespace = "" } = ready.metadata;
  const forward = await kubectl.forward(namespace, name, containerPort(command.port));
  try {
    const { from, to, subject } = command;
    const isProxied = isProxiedAt(cluster, command.port);
    const mail = { from, to, subject, isProxied, id: nonce(), date: new Date(clock.now()) };
    return `${name}: ${await sendMail(forward.port, mail, clock)}\n`;
  } finally {
    forward.close();
  }
}

function isProxiedAt({ spec }: CustomObject, port: number): boolean {
  const { listeners = [] } = spec as { listeners?: readonly { port: number; proxyProtocol?: boolean }[] };
  return listeners.some((each) => each.port === port && each.proxyProtocol === true);
}

async function report(command: Command & { kind: "report" }, around: Surroundings): Promise<string> {
  const { kubectl, clock, nonce } = around;
  const { name, operatorNamespace } = command;
  const cluster = await clusterOf(name, kubectl);
  const namespace = cluster.metadata.namespace ?? "";
  const pods = (await podsOf(cluster, kubectl)).map(({ metadata }) => metadata.name);
  const door = await openDoor(kubectl, namespace, name).catch(() => null);
  const files = await gather({
    kubectl,
    namespace,
    cluster: name,
    operatorNamespace,
    pods,
    door,
    salt: nonce(),
  });
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[:.]/g, "-");
  const file = command.file ?? `mailfleet-report-${name}-${stamp}.tar.gz`;
  await around.writeFile(file, gzipSync(tar(files, clock.now() / 1000)));
  return `${file}: ${files.length} files, redacted; look through it before you hand it on\n`;
}
