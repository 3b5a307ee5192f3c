/**
 * One pass for one NativePlugin: who uses it, and whether its file is in place and the same in every pod. It makes nothing
 * and takes nothing away; volumes belong to the pods of the clusters. A settled plugin is not written to.
 */
import type { NativePluginStatus } from "#crds/native-plugin.ts";
import { NativePlugin } from "#crds/native-plugin.ts";
import { BY_CLUSTER } from "#operator/cache/caches.ts";
import { type Key, keyText } from "#operator/cache/key.ts";
import { type CustomObject, resources } from "#operator/kube/objects.ts";
import { nativePluginStatus, type PluginUse } from "#operator/status/native-plugin-status.ts";
import { keyOf, pluginsOf } from "#operator/watch/mapping.ts";

import { again, done, type Reconciler } from "./result.ts";
import type { Tools } from "./tools.ts";
import { writeStatus } from "./write-status.ts";
import { Writer } from "./writer.ts";

export function nativePluginReconciler(tools: Tools): Reconciler {
  return async (key, signal) => {
    const object = tools.caches.nativePlugins.get(key.namespace, key.name);
    const owner = `plugin ${keyText(key)}`;
    if (object === null) {
      tools.expectations.forget(owner);
      return done;
    }
    if (tools.expectations.unseen(owner).length > 0) return again(1000, "the cache is behind");
    const writer = new Writer(tools, key, signal, owner);
    await writeStatus(writer, resources.nativePlugins, object, statusOf(tools, key, object));
    return done;
  };
}

function statusOf(tools: Tools, key: Key, object: CustomObject): NativePluginStatus {
  const parsed = NativePlugin.safeParse(object);
  const id = parsed.data?.spec.id ?? key.name;
  const clusters = tools.caches.mailClusters
    .list(key.namespace)
    .filter((cluster) => pluginsOf(cluster).some(({ name }) => name === key.name))
    .map(keyOf);
  return nativePluginStatus({
    name: key.name,
    generation: object.metadata.generation ?? 0,
    now: new Date(tools.clock.now()),
    invalid: parsed.success ? null : (parsed.error.issues[0]?.message ?? "the spec is not valid"),
    clusters: clusters.map(({ name }) => name),
    uses: clusters.flatMap((cluster) => usesIn(tools, cluster, id)),
    previous: (object.status ?? {}) as Partial<NativePluginStatus>,
  });
}

/** What every pod of a cluster says of the plugin. */
function usesIn(tools: Tools, cluster: Key, id: string): PluginUse[] {
  const recent = tools.reports.recent(cluster);
  return tools.caches.pods.by(BY_CLUSTER, keyText(cluster)).map((pod) => {
    const said = recent.get(pod.metadata.uid ?? "")?.plugins ?? [];
    return { cluster: cluster.name, pod, report: said.find((plugin) => plugin.id === id) ?? null };
  });
}
