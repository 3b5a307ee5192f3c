/**
 * Follows the namespaces that a label selector picks. A namespace that comes to carry the label, or carries it no more, has its
 * clusters and plugins looked at anew: what is not picked is as good as absent, and goes on as it is with nobody to
 * look after it. Of a namespace only the name is kept.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";
import type { WritableCaches } from "#operator/cache/caches.ts";
import type { Key } from "#operator/cache/key.ts";
import type { Change } from "#operator/cache/store.ts";
import type { Kube, KubeObject } from "#operator/kube/kube.ts";
import { resources } from "#operator/kube/objects.ts";

import { listWatch } from "./list-watch.ts";
import { keyOf } from "./mapping.ts";

export interface NamespaceWatchTools {
  readonly kube: Kube;
  readonly caches: Pick<WritableCaches, "namespaces" | "mailClusters" | "nativePlugins">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** "": all namespaces are looked after. */
  readonly namespaceSelector: string;
  /** Where keys go. */
  readonly clusters: { add(key: Key): void };
  readonly plugins: { add(key: Key): void };
}

/** Resolves when `signal` has aborted, or at once without a selector. */
export async function watchNamespaces(tools: NamespaceWatchTools, signal: AbortSignal): Promise<void> {
  const { kube, clock, random, log, caches, namespaceSelector } = tools;
  const [store] = caches.namespaces.parts.values();
  if (namespaceSelector === "" || store === undefined) return;
  await listWatch<KubeObject>(
    {
      kube,
      resource: resources.namespaces,
      namespace: "",
      labelSelector: namespaceSelector,
      store,
      trim,
      onChange: (change) => onNamespace(tools, change),
      clock,
      random,
      log,
    },
    signal,
  );
}

function onNamespace(
  { caches, clusters, plugins, log }: NamespaceWatchTools,
  change: Change<KubeObject>,
): void {
  if (change.kind === "updated") return;
  const { name } = change.object.metadata;
  log.info({ namespace: name }, change.kind === "added" ? "namespace-picked" : "namespace-left");
  for (const cluster of caches.mailClusters.everythingIn(name)) clusters.add(keyOf(cluster));
  for (const plugin of caches.nativePlugins.everythingIn(name)) plugins.add(keyOf(plugin));
}

function trim({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, uid, resourceVersion } = metadata;
  const id = uid === undefined ? {} : { uid };
  return {
    apiVersion,
    kind,
    metadata: { name, ...id, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
  };
}
