/**
 * Every kind the operator keeps a copy of, by name, and which of them are its own objects. The manager fills
 * them through watch/list-watch.ts; reconcilers get the read-only view. User-made ConfigMaps and Secrets that a
 * spec refers to are not in here: they are read with kube.get when needed.
 */
import type { KubeObject, Resource } from "#operator/kube/kube.ts";
import type { KubeNode } from "#operator/kube/node-object.ts";
import {
  type ConfigMap,
  type CustomObject,
  type Deployment,
  type HttpRoute,
  type Ingress,
  type NetworkPolicy,
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  resources,
  type Role,
  type RoleBinding,
  type Secret,
  type Service,
  type ServiceAccount,
} from "#operator/kube/objects.ts";

import { addressesOfNode } from "./node-addresses.ts";
import { ScopedStore } from "./scoped-store.ts";
import type { Store } from "./store.ts";

/** Reading view handed to reconcilers. Owned kinds have the index "cluster" with values "namespace/name". */
export interface Caches {
  readonly mailClusters: Store<CustomObject>;
  readonly nativePlugins: Store<CustomObject>;
  readonly pods: Store<Pod>;
  readonly claims: Store<PersistentVolumeClaim>;
  readonly services: Store<Service>;
  readonly configMaps: Store<ConfigMap>;
  readonly secrets: Store<Secret>;
  readonly serviceAccounts: Store<ServiceAccount>;
  readonly disruptionBudgets: Store<PodDisruptionBudget>;
  readonly networkPolicies: Store<NetworkPolicy>;
  readonly deployments: Store<Deployment>;
  readonly ingresses: Store<Ingress>;
  /** Not synced: the API server serves none, or the operator may not read them. */
  readonly httpRoutes: Store<HttpRoute>;
  readonly roles: Store<Role>;
  readonly roleBindings: Store<RoleBinding>;
  /** Not synced: the operator may not read nodes, or has not yet. */
  readonly nodes: Store<KubeNode>;
  /** Those that the label selector picks. Not synced: there is no selector. */
  readonly namespaces: Store<KubeObject>;
}

/** Label whose value is the name of the MailCluster an object belongs to. */
export const CLUSTER_LABEL = "mailfleet.io/cluster";

/** Name of the index of owned kinds. */
export const BY_CLUSTER = "cluster";

/** Name of the index of pods by the node that they run on. */
export const BY_NODE = "node";

/** Name of the index of nodes by the addresses that connections through them have. */
export const BY_ADDRESS = "address";

/** The kinds the operator makes; only objects with CLUSTER_LABEL are watched. */
export const ownedResources = {
  pods: resources.pods,
  claims: resources.claims,
  services: resources.services,
  configMaps: resources.configMaps,
  secrets: resources.secrets,
  serviceAccounts: resources.serviceAccounts,
  disruptionBudgets: resources.disruptionBudgets,
  networkPolicies: resources.networkPolicies,
  deployments: resources.deployments,
  ingresses: resources.ingresses,
  httpRoutes: resources.httpRoutes,
  roles: resources.roles,
  roleBindings: resources.roleBindings,
} as const satisfies Record<string, Resource>;

export type WritableCaches = {
  readonly [K in keyof Caches]: Caches[K] extends Store<infer T> ? ScopedStore<T> : never;
};

/** No namespaces: all, or those that a selector picks. */
export function makeCaches(namespaces: readonly string[], hasSelector = false): WritableCaches {
  const picked = new ScopedStore<KubeObject>([]);
  const isPicked = (namespace: string): boolean => !hasSelector || picked.get("", namespace) !== null;
  const owned = <T extends KubeObject>(): ScopedStore<T> =>
    new ScopedStore<T>(namespaces, { [BY_CLUSTER]: clusterKeys });
  return {
    mailClusters: new ScopedStore<CustomObject>(namespaces, {}, isPicked),
    nativePlugins: new ScopedStore<CustomObject>(namespaces, {}, isPicked),
    pods: new ScopedStore<Pod>(namespaces, { [BY_CLUSTER]: clusterKeys, [BY_NODE]: nodeNames }),
    claims: owned<PersistentVolumeClaim>(),
    services: owned<Service>(),
    configMaps: owned<ConfigMap>(),
    secrets: owned<Secret>(),
    serviceAccounts: owned<ServiceAccount>(),
    disruptionBudgets: owned<PodDisruptionBudget>(),
    networkPolicies: owned<NetworkPolicy>(),
    deployments: owned<Deployment>(),
    ingresses: owned<Ingress>(),
    httpRoutes: owned<HttpRoute>(),
    roles: owned<Role>(),
    roleBindings: owned<RoleBinding>(),
    nodes: new ScopedStore<KubeNode>([], { [BY_ADDRESS]: addressesOfNode }),
    namespaces: picked,
  };
}

/** The stores by plural name, as expectations.ts wants them. */
export function storesByPlural(caches: Caches): ReadonlyMap<string, Store<KubeObject>> {
  return new Map(
    (Object.keys(caches) as (keyof Caches)[]).map((kind) => [resources[kind].plural, caches[kind]] as const),
  );
}

/** Not every operator may read these, or finds them served. */
const OPTIONAL: ReadonlySet<string> = new Set(["nodes", "httpRoutes", "namespaces"]);

/** True when every kind that must be there has been listed once. */
export function allSynced(caches: Caches): boolean {
  const stores = Object.entries(caches as unknown as Record<string, Store<KubeObject>>);
  return stores.every(([kind, store]) => OPTIONAL.has(kind) || store.synced);
}

function nodeNames(pod: KubeObject): readonly string[] {
  const { nodeName } = (pod as Pod).spec;
  return nodeName === undefined ? [] : [nodeName];
}

function clusterKeys(object: KubeObject): readonly string[] {
  const name = object.metadata.labels?.[CLUSTER_LABEL];
  return name === undefined ? [] : [`${object.metadata.namespace ?? ""}/${name}`];
}
