/** Whose object it is (pure): ours carry the cluster's label and say who manages them. */
import { CLUSTER_LABEL } from "#operator/cache/caches.ts";
import type { KubeObject } from "#operator/kube/kube.ts";

export function isOurs(object: KubeObject, cluster: string): boolean {
  const labels = object.metadata.labels ?? {};
  return labels[CLUSTER_LABEL] === cluster && labels["app.kubernetes.io/managed-by"] === "mailfleet-operator";
}
