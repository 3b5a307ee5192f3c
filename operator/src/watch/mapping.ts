/**
 * From a changed object to the keys that should be looked at (pure). What happened to it does not matter: the pass
 * looks at the world as it is then.
 */
import { CLUSTER_LABEL } from "#operator/cache/caches.ts";
import type { Key } from "#operator/cache/key.ts";
import type { KubeObject } from "#operator/kube/kube.ts";
import type { CustomObject } from "#operator/kube/objects.ts";

export function keyOf(object: KubeObject): Key {
  return { namespace: object.metadata.namespace ?? "", name: object.metadata.name };
}

/** The MailCluster that an owned object belongs to. */
export function clusterOf(object: KubeObject): readonly Key[] {
  const name = object.metadata.labels?.[CLUSTER_LABEL];
  return name === undefined ? [] : [{ namespace: object.metadata.namespace ?? "", name }];
}

/** The MailClusters that refer to a NativePlugin. Specs are read loosely: a broken one is the pass's business. */
export function clustersUsing(plugin: KubeObject, clusters: readonly CustomObject[]): readonly Key[] {
  return clusters.filter((cluster) => pluginNames(cluster).includes(plugin.metadata.name)).map(keyOf);
}

/** The NativePlugins that a MailCluster refers to. */
export function pluginsOf(cluster: CustomObject): readonly Key[] {
  return pluginNames(cluster).map((name) => ({ namespace: cluster.metadata.namespace ?? "", name }));
}

function pluginNames(cluster: CustomObject): readonly string[] {
  const plugins = (cluster.spec as { plugins?: unknown } | undefined)?.plugins;
  if (!Array.isArray(plugins)) return [];
  return plugins.flatMap((plugin: { name?: unknown } | null) =>
    typeof plugin?.name === "string" ? [plugin.name] : [],
  );
}
