/**
 * One pass for one NativePlugin: lets it be checked, holds it while clusters refer to it, puts it into quarantine when it
 * brings engines down, and says who runs it. Volumes belong to the pods of the clusters. A settled plugin is not written
 * to.
 */
import { annotations, pluginFinalizer } from "#crds/group.ts";
import { NativePlugin, type NativePluginStatus } from "#crds/native-plugin.ts";
import { BY_CLUSTER } from "#operator/cache/caches.ts";
import { type Key, keyText } from "#operator/cache/key.ts";
import { type CustomObject, type Pod, resources } from "#operator/kube/objects.ts";
import type { EngineImage } from "#operator/desired/check-pod.ts";
import { type PodEnd, endOf, noteEnds } from "#operator/plugins/crashes.ts";
import { type Checked, nativePluginStatus, type PluginUse } from "#operator/status/native-plugin-status.ts";
import { keyOf, pluginsOf } from "#operator/watch/mapping.ts";

import { announceConditions, announceCrashes, tell } from "./announce.ts";
import { checkPlugin, recheckAskedBy } from "./check-plugin.ts";
import { again, done, type Reconciler, type Result } from "./result.ts";
import type { Tools } from "./tools.ts";
import { writeStatus } from "./write-status.ts";
import { Writer } from "./writer.ts";

/** Pods of checks are not watched. */
const LOOK_AGAIN_MS = 1000;

export function nativePluginReconciler(tools: Tools): Reconciler {
  return async (key, signal) => {
    const object = tools.caches.nativePlugins.get(key.namespace, key.name);
    const owner = `plugin ${keyText(key)}`;
    if (object === null) {
      tools.expectations.forget(owner);
      return done;
    }
    if (tools.expectations.unseen(owner).length > 0) return again(1000, "the cache is behind");
    return pass(tools, new Writer(tools, key, signal, owner), object);
  };
}

async function pass(tools: Tools, writer: Writer, object: CustomObject): Promise<Result> {
  const clusters = clustersUsing(tools, object);
  if (await keepFinalizer(writer, object, clusters)) return done;
  const parsed = NativePlugin.safeParse(object);
  const checked: Checked = parsed.success
    ? await checkPlugin(tools, writer, {
        object,
        plugin: parsed.data,
        engine: engineFor(tools, clusters),
      })
    : { kind: "off" };
  const status = statusOf(tools, object, { clusters, checked, parsed });
  const before = ((object.status ?? {}) as Partial<NativePluginStatus>).conditions ?? [];
  if (await writeStatus(writer, resources.nativePlugins, object, status)) {
    const crashes = (object.status as Partial<NativePluginStatus> | undefined)?.crashes ?? [];
    tell(tools, object, announceConditions(before, status.conditions));
    tell(tools, object, announceCrashes(crashes, status.crashes ?? []));
  }
  const isOpen = checked.kind === "no-image" || (checked.kind === "told" && checked.state.kind === "pending");
  return isOpen ? again(LOOK_AGAIN_MS, "the check is under way") : done;
}

/** True when the object may go, or was only now marked to be held: the next pass looks anew. */
async function keepFinalizer(
  writer: Writer,
  object: CustomObject,
  clusters: readonly CustomObject[],
): Promise<boolean> {
  const { finalizers = [], deletionTimestamp } = object.metadata;
  const isHeld = finalizers.includes(pluginFinalizer);
  if (deletionTimestamp === undefined) {
    if (isHeld) return false;
    await writer.patchFinalizers(resources.nativePlugins, object, [...finalizers, pluginFinalizer]);
    return true;
  }
  if (clusters.length > 0 && isHeld) return false;
  if (isHeld) {
    const others = finalizers.filter((each) => each !== pluginFinalizer);
    await writer.patchFinalizers(resources.nativePlugins, object, others);
  }
  return true;
}

function clustersUsing(tools: Tools, { metadata: { namespace, name } }: CustomObject): CustomObject[] {
  return tools.caches.mailClusters
    .list(namespace)
    .filter((cluster) => pluginsOf(cluster).some((plugin) => plugin.name === name));
}

/** The operator's own image, or that of a cluster that uses the plugin; clusters know the secrets to pull with. */
function engineFor(tools: Tools, clusters: readonly CustomObject[]): EngineImage | null {
  const engines = clusters.map(({ spec }) => (spec as { engine?: Partial<EngineImage> }).engine ?? {});
  const named = engines.find(({ image }) => typeof image === "string")?.image ?? "";
  const image = tools.facts.engineImage === "" ? named : tools.facts.engineImage;
  const names = new Set(engines.flatMap(({ pullSecrets = [] }) => pullSecrets.map(({ name }) => name)));
  return image === "" ? null : { image, pullSecrets: [...names].sort().map((name) => ({ name })) };
}

function statusOf(
  tools: Tools,
  object: CustomObject,
  found: {
    clusters: readonly CustomObject[];
    checked: Checked;
    parsed: ReturnType<typeof NativePlugin.safeParse>;
  },
): NativePluginStatus {
  const { parsed, checked } = found;
  const { name, generation = 0, annotations: notes = {} } = object.metadata;
  const clusters = found.clusters.map(keyOf);
  const id = parsed.data?.spec.id ?? name;
  const now = new Date(tools.clock.now());
  const previous = (object.status ?? {}) as Partial<NativePluginStatus>;
  const isLifted = notes[annotations.quarantine] === "off";
  // Ends of another file, or that people have forgiven, are not this one's.
  const known = previous.observedGeneration === generation && !isLifted ? (previous.crashes ?? []) : [];
  const ends = clusters.flatMap((cluster) => endsIn(tools, cluster));
  return nativePluginStatus({
    name,
    generation,
    now,
    invalid: parsed.success ? null : (parsed.error.issues[0]?.message ?? "the spec is not valid"),
    clusters: clusters.map((cluster) => cluster.name),
    uses: clusters.flatMap((cluster) => usesIn(tools, cluster, id)),
    checked,
    crashes: noteEnds(known, ends, { id, now }),
    isLifted,
    recheck: recheckAskedBy(object),
    isDeleted: object.metadata.deletionTimestamp !== undefined,
    previous,
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

/** Of pods that are there, and of those that its passes saw before they went. */
function endsIn(tools: Tools, cluster: Key): PodEnd[] {
  const pods = tools.caches.pods.by(BY_CLUSTER, keyText(cluster));
  const present = pods.flatMap((pod) => endOf(pod, cluster.name, revisionOf(pod)) ?? []);
  return [...tools.memory.of(cluster).crashed.values(), ...present];
}

function revisionOf({ metadata }: Pod): string {
  return metadata.annotations?.[annotations.revision] ?? "";
}
