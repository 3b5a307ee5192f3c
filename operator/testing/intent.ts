/**
 * What an operator has made of a cluster, without what differs between two that mean the same: names of namespaces, numbers
 * of slots, uids, times, addresses, keys, and what the API server and its controllers fill in. Two clusters with the same
 * intent compare equal.
 */
import type { Kube, KubeObject } from "#operator/kube/kube.ts";
import { resources } from "#operator/kube/objects.ts";

const kinds = [
  resources.pods,
  resources.claims,
  resources.services,
  resources.configMaps,
  resources.secrets,
  resources.serviceAccounts,
  resources.disruptionBudgets,
  resources.networkPolicies,
];

/** Set by others than the operator. */
const FOREIGN = new Set([
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "managedFields",
  "generation",
  "status",
  "clusterIP",
  "clusterIPs",
  "nodePort",
  "healthCheckNodePort",
  "volumeName",
  "finalizers",
  "mailfleet.io/applied-hash", // It covers the uid of the owner.
  "pv.kubernetes.io/bind-completed",
  "pv.kubernetes.io/bound-by-controller",
]);
/** Random for each cluster. */
const SECRET = new Set(["token", "tls.crt", "tls.key", "ca.crt"]);

export async function intentOf(kube: Kube, namespace: string, cluster: string): Promise<readonly unknown[]> {
  const labelSelector = `mailfleet.io/cluster=${cluster}`;
  const lists = await Promise.all(kinds.map((kind) => kube.list(kind, { namespace, labelSelector })));
  const made = lists.flatMap(({ items }) => items).filter(isLeft);
  const texts = made.map((object) =>
    JSON.stringify(meant(object))
      .replaceAll(namespace, "<namespace>")
      .replaceAll(new RegExp(`"${cluster}-\\d+"`, "g"), `"${cluster}-<slot>"`)
      .replaceAll(/("mailfleet\.io\/slot":)"\d+"/g, '$1"<slot>"'),
  );
  return texts.sort().map((text) => JSON.parse(text) as unknown);
}

function isLeft({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp === undefined;
}

/** Keys in order, so that equal objects are equal texts. */
function meant(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(meant);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => !FOREIGN.has(key))
    .map(([key, inner]) => [key, SECRET.has(key) ? "<random>" : meant(inner)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
