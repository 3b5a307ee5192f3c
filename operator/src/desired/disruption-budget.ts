/**
 * How many pods may be evicted at once. The budget is a number of pods that must stay, which holds for pods that
 * leave too; for a cluster of one it is 0, so that a node with its only pod can be drained: the pod is made again
 * with the same volume.
 */
import type { PodDisruptionBudget } from "#operator/kube/objects.ts";

import type { Context } from "./context.ts";
import { metadata, selectorLabels } from "./labels.ts";
import { disruptionBudgetName } from "./names.ts";

/** Null: none is wanted. */
export function disruptionBudget({ cluster, spec, size, isDeleting }: Context): PodDisruptionBudget | null {
  const { mode, maxUnavailable } = spec.podDisruptionBudget;
  if (mode === "None" || isDeleting || size === 0) return null;
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadata(cluster, { name: disruptionBudgetName(cluster.name), ownedBy: "cluster" }),
    spec: {
      minAvailable: Math.max(0, size - maxUnavailable),
      selector: { matchLabels: selectorLabels(cluster.name) },
      // A broken pod must not keep a node from being drained.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  };
}
