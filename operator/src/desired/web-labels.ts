/**
 * Names and labels of the web administration's objects. Its pods carry neither the cluster's label nor our mark: they are
 * the Deployment's, no slots of the cluster, and no Service of the engines may find them.
 */
import type { ObjectMeta } from "#operator/kube/kube.ts";

import type { ClusterIdentity } from "./context.ts";
import { metadata, objectLabels } from "./labels.ts";
import { webName } from "./names.ts";

/** What Service, Deployment and policies find its pods by; must never change for a living cluster. */
export function webSelector(cluster: string): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": "mailfleet-web", "app.kubernetes.io/instance": cluster };
}

export function webMetadata(
  cluster: ClusterIdentity,
  annotations: Readonly<Record<string, string>> = {},
): ObjectMeta {
  const labels = {
    ...objectLabels(cluster.name),
    ...webSelector(cluster.name),
    "app.kubernetes.io/component": "web",
  };
  return metadata(cluster, { name: webName(cluster.name), labels, annotations, ownedBy: "cluster" });
}
