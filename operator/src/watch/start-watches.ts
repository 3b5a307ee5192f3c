/** Starts a list-watch for each kind and namespace, and routes what they hear to the queues. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";
import { type Caches, CLUSTER_LABEL, ownedResources, type WritableCaches } from "#operator/cache/caches.ts";
import type { Key } from "#operator/cache/key.ts";
import type { ScopedStore } from "#operator/cache/scoped-store.ts";
import type { Change } from "#operator/cache/store.ts";
import type { Kube, KubeObject, Resource } from "#operator/kube/kube.ts";
import { type CustomObject, type Pod, resources } from "#operator/kube/objects.ts";
import { hasEndedAgain } from "#operator/plugins/crashes.ts";
import { changesVerdict } from "#operator/plugins/verdict.ts";

import { listWatch } from "./list-watch.ts";
import { clusterOf, clustersUsing, keyOf, pluginsOf } from "./mapping.ts";
import { changesContent, changesIntent } from "./predicates.ts";
import { watchNamespaces } from "./watch-namespaces.ts";
import { watchNodes } from "./watch-nodes.ts";
import { watchRoutes } from "./watch-routes.ts";

export interface WatchTools {
  readonly kube: Kube;
  readonly caches: WritableCaches;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of the namespaces; "": none. */
  readonly namespaceSelector: string;
  readonly onDrift: (kind: string, count: number) => void;
  /** The operator may not read nodes. */
  readonly onNodesRefused: () => void;
  /** No HTTPRoutes are served, or the operator may not read them. */
  readonly onRoutesAbsent: () => void;
  /** Where keys go. */
  readonly clusters: { add(key: Key): void };
  readonly plugins: { add(key: Key): void };
}

/** Resolves when `signal` has aborted and every watch has ended. */
export async function startWatches(tools: WatchTools, signal: AbortSignal): Promise<void> {
  const { mailClusters, nativePlugins } = tools.caches;
  const owned = Object.keys(ownedResources) as (keyof typeof ownedResources)[];
  const kinds = owned.filter((kind) => kind !== "httpRoutes");
  await Promise.all([
    watchNamespaces(tools, signal),
    watchNodes(tools, signal),
    watchRoutes(tools, signal),
    watchKind(tools, signal, resources.mailClusters, mailClusters, (change) => onCluster(tools, change)),
    watchKind(tools, signal, resources.nativePlugins, nativePlugins, (change) => onPlugin(tools, change)),
    ...kinds.map((kind) =>
      watchKind(tools, signal, ownedResources[kind], ownedStore(tools.caches, kind), (change) => {
        if (!changesContent(change)) return;
        for (const key of clusterOf(change.object)) tools.clusters.add(key);
        if (kind === "pods") onPod(tools, change as Change<Pod>);
      }),
    ),
  ]);
}

/** The clusters' own status writes wake nobody, but plugins show which clusters use them. */
function onCluster(tools: WatchTools, change: Change<CustomObject>): void {
  if (changesIntent(change)) tools.clusters.add(keyOf(change.object));
  const before = change.kind === "updated" ? pluginsOf(change.before) : [];
  for (const key of [...pluginsOf(change.object), ...before]) tools.plugins.add(key);
}

/** What the operator says of a plugin's use counts for the clusters that wait for it. */
function onPlugin(tools: WatchTools, change: Change<CustomObject>): void {
  const isSpoken = change.kind === "updated" && changesVerdict(change.object, change.before);
  if (!isSpoken && !changesIntent(change)) return;
  tools.plugins.add(keyOf(change.object));
  const neighbours = tools.caches.mailClusters.list(change.object.metadata.namespace);
  for (const key of clustersUsing(change.object, neighbours)) tools.clusters.add(key);
}

/** An engine that has ended once more may have been ended by a plugin. */
function onPod(tools: WatchTools, change: Change<Pod>): void {
  if (!hasEndedAgain(change.object, change.kind === "updated" ? change.before : null)) return;
  for (const { namespace, name } of clusterOf(change.object)) {
    const cluster = tools.caches.mailClusters.get(namespace, name);
    for (const key of cluster === null ? [] : pluginsOf(cluster)) tools.plugins.add(key);
  }
}

async function watchKind<T extends KubeObject>(
  tools: WatchTools,
  signal: AbortSignal,
  resource: Resource,
  store: ScopedStore<T>,
  onChange: (change: Change<T>) => void,
): Promise<void> {
  const isOwned = resource.apiVersion !== resources.mailClusters.apiVersion;
  const { kube, clock, random, log } = tools;
  const watches = [...store.parts].map(([namespace, part]) =>
    listWatch<T>(
      {
        kube,
        resource,
        namespace,
        store: part,
        onChange,
        clock,
        random,
        log,
        onDrift: (count) => tools.onDrift(resource.plural, count),
        ...(isOwned ? { labelSelector: CLUSTER_LABEL } : {}),
      },
      signal,
    ),
  );
  await Promise.all(watches);
}

/** Each kind's store holds its own type; the routing looks at labels only. */
function ownedStore(caches: WritableCaches, kind: keyof typeof ownedResources): ScopedStore<KubeObject> {
  return caches[kind as keyof Caches] as unknown as ScopedStore<KubeObject>;
}
