/**
 * How many pods may be evicted at once. The budget is a number of pods that must stay, which holds for pods that
 * leave too; for a cluster of one it is 0, so that a node with its only pod can be drained: the pod is made again
 * with the same volume.
 *
 * While pods hand their mail over because their nodes are being emptied, none is evicted: whoever drains the node tries
 * again until they have left by themselves, or until the time for a drain is over.
 */
import type { PodDisruptionBudget } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { metadata, selectorLabels } from "./labels.ts";
import { disruptionBudgetName } from "./names.ts";

/** Null: none is wanted. */
export function disruptionBudget(context: Context): PodDisruptionBudget | null {
  const { cluster, spec, size, isDeleting } = context;
  if (spec.podDisruptionBudget.mode === "None" || isDeleting || size === 0) return null;
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadata(cluster, { name: disruptionBudgetName(cluster.name), ownedBy: "cluster" }),
    spec: { ...bound(context), selector: { matchLabels: selectorLabels(cluster.name) } },
  };
}

function bound({ spec, size, isMoving }: Context): Omit<PodDisruptionBudget["spec"], "selector"> {
  // A pod that hands over is not ready, and must stay all the same.
  if (isMoving) return { maxUnavailable: 0, unhealthyPodEvictionPolicy: "IfHealthyBudget" };
  return {
    minAvailable: Math.max(0, size - spec.podDisruptionBudget.maxUnavailable),
    // A broken pod must not keep a node from being drained.
    unhealthyPodEvictionPolicy: "AlwaysAllow",
  };
}
