/**
 * Follows nodes, where the operator may read them: whether one is being emptied or has fallen silent decides how the pods
 * on it are treated, and by their addresses clients that are hidden behind one are known. Without the right it works on and treats every node as unknown. Of a node little is kept: the
 * whole object is large, and there may be thousands.
 */
import { isDeepStrictEqual } from "node:util";

import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";
import { BY_NODE, CLUSTER_LABEL, type WritableCaches } from "#operator/cache/caches.ts";
import type { Key } from "#operator/cache/key.ts";
import type { Change } from "#operator/cache/store.ts";
import { isKubeFailure } from "#operator/kube/errors.ts";
import type { Kube } from "#operator/kube/kube.ts";
import type { KubeNode } from "#operator/kube/node-object.ts";
import { resources } from "#operator/kube/objects.ts";

import { listWatch } from "./list-watch.ts";

export interface NodeWatchTools {
  readonly kube: Kube;
  readonly caches: Pick<WritableCaches, "nodes" | "pods">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Where keys go. */
  readonly clusters: { add(key: Key): void };
  /** The operator may not read nodes. */
  readonly onNodesRefused: () => void;
}

/** Resolves when `signal` has aborted, or at once where nodes may not be read. */
export async function watchNodes(tools: NodeWatchTools, signal: AbortSignal): Promise<void> {
  const { kube, clock, random, log, caches } = tools;
  const [store] = caches.nodes.parts.values();
  if (store === undefined || !(await mayRead(tools))) return tools.onNodesRefused();
  await listWatch<KubeNode>(
    {
      kube,
      resource: resources.nodes,
      namespace: "",
      store,
      trim,
      onChange: (change) => onNode(tools, change),
      clock,
      random,
      log,
    },
    signal,
  );
}

/** Any other trouble is the list-watch's, which goes on trying. */
async function mayRead({ kube, log }: NodeWatchTools): Promise<boolean> {
  try {
    await kube.list(resources.nodes, { namespace: "", limit: 1 });
  } catch (error) {
    if (!isKubeFailure(error, "refused")) return true;
    log.info("nodes cannot be read: pods are not moved away from nodes that are emptied");
    return false;
  }
  return true;
}

function onNode({ caches, clusters }: NodeWatchTools, change: Change<KubeNode>): void {
  if (change.kind === "updated" && isDeepStrictEqual(factsOf(change.object), factsOf(change.before))) return;
  for (const { metadata } of caches.pods.by(BY_NODE, change.object.metadata.name)) {
    const name = metadata.labels?.[CLUSTER_LABEL];
    if (name !== undefined) clusters.add({ namespace: metadata.namespace ?? "", name });
  }
}

function trim({ apiVersion, kind, metadata, ...rest }: KubeNode): KubeNode {
  const { name, uid, resourceVersion } = metadata;
  const kept = { name, ...(uid === undefined ? {} : { uid }) };
  const version = resourceVersion === undefined ? {} : { resourceVersion };
  return { apiVersion, kind, metadata: { ...kept, ...version }, ...factsOf(rest) };
}

function factsOf({ spec, status }: Pick<KubeNode, "spec" | "status">): Pick<KubeNode, "spec" | "status"> {
  const taints = (spec?.taints ?? []).map(({ key, effect }) => ({ key, effect }));
  const ready = status?.conditions?.filter(({ type }) => type === "Ready") ?? [];
  const addresses = (status?.addresses ?? []).map(({ type, address }) => ({ type, address }));
  return {
    spec: { unschedulable: spec?.unschedulable === true, taints, podCIDRs: [...(spec?.podCIDRs ?? [])] },
    status: { conditions: ready.map(({ type, status: value }) => ({ type, status: value })), addresses },
  };
}
