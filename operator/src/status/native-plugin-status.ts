/**
 * The status of a NativePlugin from the pods of all clusters that refer to it (pure): which file they have, and
 * which image the nodes resolved it to where they tell.
 */
import type { PluginState } from "#contract/plugins-api.ts";
import type { NativePluginStatus } from "#crds/native-plugin.ts";
import type { ContainerStatus, Pod } from "#operator/kube/objects.ts";
import { volumeName } from "#operator/desired/plugin-volumes.ts";
import { type Verdict, conditions } from "./conditions.ts";

/** A pod of a cluster that refers to the plugin, and what its engine says of it; null: nothing. */
export interface PluginUse {
  readonly cluster: string;
  readonly pod: Pod;
  readonly report: PluginState | null;
}

export function nativePluginStatus(input: {
  readonly name: string;
  readonly generation: number;
  readonly now: Date;
  /** What is wrong with the spec, or null. */
  readonly invalid: string | null;
  /** Clusters that refer to it, with or without pods. */
  readonly clusters: readonly string[];
  readonly uses: readonly PluginUse[];
  readonly previous: Partial<NativePluginStatus>;
}): NativePluginStatus {
  const sha256 = onlyOne(input.uses.map(({ report }) => report?.sha256 ?? ""));
  const digest = onlyOne(input.uses.map(({ pod }) => resolvedDigest(pod, input.name)));
  const verdict = judge(input);
  return {
    observedGeneration: input.generation,
    conditions: conditions(
      { Ready: verdict },
      {
        previous: input.previous.conditions ?? [],
        generation: input.generation,
        now: input.now.toISOString().replace(/\.\d+Z$/, "Z"),
      },
    ),
    ...(digest === null ? {} : { digest }),
    ...(sha256 === null ? {} : { sha256 }),
    clusters: [...input.clusters].sort().map((name) => ({ name })),
  };
}

/**
 * What the node resolved the image to: of the copying container, or of the image volume (KEP-5365, where the
 * cluster has it). "" when it does not tell.
 */
export function resolvedDigest({ status }: Pod, plugin: string): string {
  const named = volumeName(plugin);
  const copied = status?.initContainerStatuses?.find(({ name }) => name === named)?.imageID ?? "";
  if (copied !== "") return digestOf(copied);
  const containers: readonly MountingStatus[] = status?.containerStatuses ?? [];
  const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  return digestOf(mounts.find(({ name }) => name === named)?.volumeStatus?.image?.imageRef ?? "");
}

/** core/v1 VolumeMountStatus; the image is there where the feature gate ImageVolumeWithDigest is on. */
interface MountingStatus extends ContainerStatus {
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly volumeStatus?: { readonly image?: { readonly imageRef?: string } };
  }[];
}

function digestOf(imageId: string): string {
  return /sha256:[0-9a-f]{64}/.exec(imageId)?.[0] ?? "";
}

function judge(input: {
  readonly invalid: string | null;
  readonly clusters: readonly string[];
  readonly uses: readonly PluginUse[];
}): Verdict {
  if (input.invalid !== null) return { status: "False", reason: "Invalid", message: input.invalid };
  if (input.clusters.length === 0)
    return { status: "Unknown", reason: "NotUsed", message: "no MailCluster refers to it" };
  const first = input.uses.find(({ report }) => report?.state === "missing");
  if (first !== undefined) {
    const message = `${first.pod.metadata.name} has no file at ${first.report?.path}`;
    return { status: "False", reason: "FileMissing", message };
  }
  const silent = input.uses.filter(({ report }) => report === null).length;
  if (silent > 0 || input.uses.length === 0)
    return {
      status: "Unknown",
      reason: "Pending",
      message: `${silent} of ${input.uses.length} pods have not told yet`,
    };
  if (new Set(input.uses.map(({ report }) => report?.sha256)).size > 1)
    return { status: "False", reason: "DigestsDiffer", message: "pods hold different files" };
  return { status: "True", reason: "Present", message: `in place in ${input.uses.length} pods` };
}

/** The one value that all give; null when some give none or they differ. */
function onlyOne(values: readonly string[]): string | null {
  const [only = "", ...more] = new Set(values);
  return only === "" || more.length > 0 ? null : only;
}
