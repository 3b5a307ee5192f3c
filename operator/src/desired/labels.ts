/** Labels of what is made for a cluster, and the selector that finds its pods. Pure. */
import { labels as keys } from "#crds/group.ts";
import type { ObjectMeta } from "#operator/kube/kube.ts";

import type { ClusterIdentity } from "./context.ts";

/** What a selector matches; it must never change for a living cluster. */
export function selectorLabels(cluster: string): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": "mailfleet-mta", [keys.cluster]: cluster };
}

/** The selector as text, for the scale subresource. */
export function selectorText(cluster: string): string {
  return Object.entries(selectorLabels(cluster))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

export function objectLabels(cluster: string): Readonly<Record<string, string>> {
  return {
    ...selectorLabels(cluster),
    "app.kubernetes.io/instance": cluster,
    "app.kubernetes.io/component": "mta",
    "app.kubernetes.io/part-of": "mailfleet",
    "app.kubernetes.io/managed-by": "mailfleet-operator",
  };
}

export function slotLabels(cluster: string, slot: number): Readonly<Record<string, string>> {
  return { ...objectLabels(cluster), [keys.slot]: String(slot) };
}

/**
 * `ownedBy: cluster` lets the garbage collector remove the object with the cluster. What a draining pod needs
 * (claim, Secret, ConfigMap, ServiceAccount) is owned by nobody: a foreground deletion would take it away while
 * mail is still on its way. The operator removes those itself, last.
 */
export function metadata(
  cluster: ClusterIdentity,
  parts: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownedBy: "cluster" | "nobody";
  },
): ObjectMeta {
  const { annotations = {} } = parts;
  return {
    name: parts.name,
    namespace: cluster.namespace,
    labels: parts.labels ?? objectLabels(cluster.name),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(parts.ownedBy === "cluster" ? { ownerReferences: [ownerReference(cluster)] } : {}),
  };
}

function ownerReference(cluster: ClusterIdentity) {
  const { apiVersion, kind, name, uid } = cluster;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: false } as const;
}
