/**
 * What is known of the slots of a cluster: pods, claims and what the engines say, narrowed to what is judged.
 * Pure. A slot is a number with a pod and a claim of the same name; it lives as long as one of them does.
 *
 * `engine` is null when the pod does not answer: nothing is known then, least of all that its queue is empty.
 */
import type { EngineStatus } from "#contract/admin-api.ts";
import { annotations, labels } from "#crds/group.ts";
import type { KubeObject } from "#operator/kube/kube.ts";
import type { ContainerStatus, PersistentVolumeClaim, Pod } from "#operator/kube/objects.ts";
import { type Blame, blameOf } from "#operator/plugins/crashes.ts";

import { type NodeView, type ObservedNode, unknownNodes } from "./node.ts";
import { mayWaitFor } from "./sleep.ts";

export interface ObservedPod {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly ip: string | null;
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** Hash of what only a restart can change, as recorded when the pod was made. */
  readonly hash: string | null;
  /** What it was made of, as recorded (desired/pod-parts.ts). */
  readonly parts: string | null;
  /** Revision of the configuration that the pod was made with. */
  readonly revision: string | null;
  /** How often its containers were started anew. */
  readonly restarts: number;
  /** Why it does not run, as the node or the scheduler says: "ImagePullBackOff", "Unschedulable". */
  readonly reason: string | null;
  /** The plugin that has ended its engine last; null: none that it named. */
  readonly blame: Blame | null;
  /** Where it was put; null: nowhere yet. */
  readonly node: ObservedNode | null;
  /** The identity that it was made with; null: none. */
  readonly identity: string | null;
  readonly engine: EngineStatus | null;
}

export interface ObservedClaim {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly phase: "Pending" | "Bound" | "Lost";
  readonly isTerminating: boolean;
  /** The size that was asked for. */
  readonly size: string;
  /** Somebody gave the mail up with the annotation mailfleet.io/discard-mail. */
  readonly isDiscarded: boolean;
  /** The size that it has; null while it has none. */
  readonly capacity: string | null;
  /** The node whose pod had it last; null: not noted. */
  readonly lastNode: ObservedNode | null;
  /** Wall-clock milliseconds, when its slot was put to sleep: the first message in it is due then. */
  readonly wakeAt: number | null;
  /** The identity that the slot holds; null: none. */
  readonly identity: string | null;
}

export interface ObservedSlot {
  readonly slot: number;
  readonly pod: ObservedPod | null;
  readonly claim: ObservedClaim | null;
}

/** Pods and claims by slot, in order. `engines` is keyed by the uid of the pod that answered. */
export function observeSlots(
  pods: readonly Pod[],
  claims: readonly PersistentVolumeClaim[],
  engines: ReadonlyMap<string, EngineStatus>,
  nodes: NodeView = unknownNodes,
): readonly ObservedSlot[] {
  const podOf = bySlot(pods);
  const claimOf = bySlot(claims);
  const numbers = [...new Set([...podOf.keys(), ...claimOf.keys()])].sort((a, b) => a - b);
  return numbers.map((slot) => {
    const pod = podOf.get(slot);
    const claim = claimOf.get(slot);
    return {
      slot,
      pod: pod === undefined ? null : observePod(pod, engines.get(pod.metadata.uid ?? "") ?? null, nodes),
      claim: claim === undefined ? null : observeClaim(claim, nodes),
    };
  });
}

export function observePod(
  pod: Pod,
  engine: EngineStatus | null,
  nodes: NodeView = unknownNodes,
): ObservedPod {
  const { metadata, spec, status } = pod;
  const isReady = status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True");
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    ip: status?.podIP ?? null,
    phase: status?.phase ?? "Pending",
    isReady: isReady ?? false,
    isTerminating: metadata.deletionTimestamp !== undefined,
    hash: metadata.annotations?.[annotations.podHash] ?? null,
    parts: metadata.annotations?.[annotations.podParts] ?? null,
    revision: metadata.annotations?.[annotations.revision] ?? null,
    restarts: (status?.containerStatuses ?? []).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
    reason: reasonOf(pod),
    blame: blameOf(pod),
    node: nodeOf(spec.nodeName, nodes),
    identity: metadata.annotations?.[annotations.identity] ?? null,
    engine,
  };
}

export function observeClaim(claim: PersistentVolumeClaim, nodes: NodeView = unknownNodes): ObservedClaim {
  const { metadata, spec, status } = claim;
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    phase: status?.phase ?? "Pending",
    isTerminating: metadata.deletionTimestamp !== undefined,
    size: spec.resources?.requests?.["storage"] ?? "0",
    isDiscarded: metadata.annotations?.[annotations.discardMail] === "true",
    capacity: status?.capacity?.["storage"] ?? null,
    lastNode: nodeOf(metadata.annotations?.[annotations.lastNode], nodes),
    identity: metadata.annotations?.[annotations.identity] ?? null,
    wakeAt: timeOf(metadata.annotations?.[annotations.wakeAt]),
  };
}

/** Ended: the pod will never run again and only stands in the way of its successor. */
export function hasEnded(pod: ObservedPod): boolean {
  return pod.phase === "Failed" || pod.phase === "Succeeded";
}

/** It was told to take no new mail, and says so: it can be told otherwise. */
export function isTurnedAway({ engine }: ObservedPod): boolean {
  return engine !== null && engine.state !== "Serving" && engine.state !== "Stopping";
}

/** Its mail was given up by somebody: on the claim, or by naming the slot. */
export function isGivenUp({ slot, claim }: ObservedSlot, forced: ReadonlySet<number>): boolean {
  return claim?.isDiscarded === true || forced.has(slot);
}

/** It takes mail, as far as is known. */
export function isServing(pod: ObservedPod | null): boolean {
  return pod?.isReady === true && !pod.isTerminating && !isTurnedAway(pod);
}

/**
 * Its spool is where nobody can reach it, and may be written to there: the pod is being deleted, or its object is gone, and
 * the node does not answer.
 */
export function isOutOfReach({ pod, claim }: ObservedSlot): boolean {
  if (pod === null) return claim?.lastNode?.state === "Lost";
  return pod.isTerminating && pod.node?.state === "Lost";
}

/** It has no pod because nothing in its spool is due yet. */
export function isAsleep({ pod, claim }: ObservedSlot, wallMs: number): boolean {
  return pod === null && claim?.wakeAt != null && mayWaitFor(claim.wakeAt, wallMs) && !claim.isTerminating;
}

function timeOf(text: string | undefined): number | null {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : at;
}

/** Its pod runs on a node that is being emptied. */
export function isOnLeavingNode({ pod }: ObservedSlot): boolean {
  return pod?.node?.state === "Leaving" && !pod.isTerminating;
}

function nodeOf(name: string | undefined, nodes: NodeView): ObservedNode | null {
  return name === undefined || name === "" ? null : { name, state: nodes.stateOf(name) };
}

function bySlot<T extends KubeObject>(objects: readonly T[]): ReadonlyMap<number, T> {
  return new Map(
    objects.flatMap((object): [number, T][] => {
      const text = object.metadata.labels?.[labels.slot] ?? "";
      return /^\d{1,6}$/.test(text) ? [[Number(text), object]] : [];
    }),
  );
}

/** The most telling reason: a container's, then the pod's, then the scheduler's. */
function reasonOf(pod: Pod): string | null {
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const container = containers.map(containerReason).find((reason) => reason !== null);
  if (container !== undefined && container !== null) return container;
  if (pod.status?.reason !== undefined) return pod.status.reason;
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  return scheduled?.status === "False" ? (scheduled.reason ?? "Unschedulable") : null;
}

/** Waiting for something that does not come by itself, or the end of the last run. */
function containerReason({ state, lastState }: ContainerStatus): string | null {
  const waiting = state?.waiting?.reason ?? null;
  if (waiting !== null && waiting !== "PodInitializing" && waiting !== "ContainerCreating") {
    const code = lastState?.terminated?.exitCode;
    return waiting === "CrashLoopBackOff" && code !== undefined ? `${waiting} (exit ${code})` : waiting;
  }
  const ended = state?.terminated;
  return ended === undefined || ended.exitCode === 0
    ? null
    : `${ended.reason ?? "Error"} (exit ${ended.exitCode})`;
}
