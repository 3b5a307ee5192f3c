/**
 * Follows HTTPRoutes of the Gateway API, which many clusters do not have. Where none are served, or the operator may not read
 * them, their store is not synced, nobody makes any, and it is looked again after a while: definitions may come later, and
 * may go.
 */
import { type Clock, sleep } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";
import { CLUSTER_LABEL, type WritableCaches } from "#operator/cache/caches.ts";
import type { Key } from "#operator/cache/key.ts";
import type { ObjectStore } from "#operator/cache/store.ts";
import type { Kube } from "#operator/kube/kube.ts";
import { type HttpRoute, resources } from "#operator/kube/objects.ts";

import { listWatch } from "./list-watch.ts";
import { clusterOf, keyOf } from "./mapping.ts";
import { changesContent } from "./predicates.ts";

export interface RouteWatchTools {
  readonly kube: Kube;
  readonly caches: Pick<WritableCaches, "httpRoutes" | "mailClusters">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onDrift: (kind: string, count: number) => void;
  /** None are served, or none may be read, now. */
  readonly onRoutesAbsent: () => void;
  /** Where keys go. */
  readonly clusters: { add(key: Key): void };
}

const LOOK_AGAIN_MS = 30_000;

/** Resolves when `signal` has aborted. */
export async function watchRoutes(tools: RouteWatchTools, signal: AbortSignal): Promise<void> {
  const parts = [...tools.caches.httpRoutes.parts];
  await Promise.all(parts.map(([namespace, store]) => follow(tools, namespace, store, signal)));
}

async function follow(
  tools: RouteWatchTools,
  namespace: string,
  store: ObjectStore<HttpRoute>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await untilAbsent(tools, namespace, store, signal);
    if (signal.aborted) return;
    const wereServed = store.synced;
    store.forget();
    tools.onRoutesAbsent();
    if (wereServed) wakeAll(tools, namespace);
    await sleep(tools.clock, LOOK_AGAIN_MS, signal);
  }
}

function untilAbsent(
  tools: RouteWatchTools,
  namespace: string,
  store: ObjectStore<HttpRoute>,
  signal: AbortSignal,
): Promise<void> {
  const { kube, clock, random, log } = tools;
  const resource = resources.httpRoutes;
  return listWatch<HttpRoute>(
    {
      ...{ kube, resource, namespace, store, clock, random, log },
      labelSelector: CLUSTER_LABEL,
      mayBeAbsent: true,
      onListed: () => wakeAll(tools, namespace),
      onDrift: (count) => tools.onDrift(resource.plural, count),
      onChange: (change) => {
        if (!changesContent(change)) return;
        for (const key of clusterOf(change.object)) tools.clusters.add(key);
      },
    },
    signal,
  );
}

/** What a cluster may have has changed; one that wants no route writes nothing for it. */
function wakeAll({ caches, clusters }: RouteWatchTools, namespace: string): void {
  const all = caches.mailClusters.list(namespace === "" ? undefined : namespace);
  for (const cluster of all) clusters.add(keyOf(cluster));
}
