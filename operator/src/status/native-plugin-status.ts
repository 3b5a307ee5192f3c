/**
 * The status of a NativePlugin from the pods of all clusters that refer to it (pure): which file they have, and
 * which image the nodes resolved it to where they tell.
 */
import type { PluginState } from "#contract/plugins-api.ts";
import type { NativePluginStatus } from "#crds/native-plugin.ts";
import type { ContainerStatus, Pod } from "#operator/kube/objects.ts";
import { wholeSeconds } from "#operator/kube/times.ts";
import type { CheckState } from "#operator/plugins/check-result.ts";
import { CRASHES_TOO_MANY, type PodCrashes, worstOf } from "#operator/plugins/crashes.ts";
import type { Pin } from "#operator/plugins/pin.ts";
import { volumeName } from "#operator/desired/plugin-volumes.ts";
import { type Verdict, conditions } from "./conditions.ts";

/** A pod of a cluster that refers to the plugin, and what its engine says of it; null: nothing. */
export interface PluginUse {
  readonly cluster: string;
  readonly pod: Pod;
  readonly report: PluginState | null;
}

/** How far the check is, as reconcile/check-plugin.ts tells. */
export type Checked =
  | { readonly kind: "off" }
  /** It was told before, for this generation. */
  | { readonly kind: "known" }
  | { readonly kind: "no-image" }
  | { readonly kind: "told"; readonly state: CheckState; readonly imageId: string; readonly pin: Pin };

interface Input {
  readonly name: string;
  readonly generation: number;
  readonly now: Date;
  /** What is wrong with the spec, or null. */
  readonly invalid: string | null;
  /** Clusters that refer to it, with or without pods. */
  readonly clusters: readonly string[];
  readonly uses: readonly PluginUse[];
  readonly checked: Checked;
  /** How often it has ended engines. */
  readonly crashes: readonly PodCrashes[];
  /** People have said that it may not be put into quarantine. */
  readonly isLifted: boolean;
  /** What the annotation that asks for another check says; "" for nothing. */
  readonly recheck: string;
  readonly isDeleted: boolean;
  readonly previous: Partial<NativePluginStatus>;
}

export function nativePluginStatus(input: Input): NativePluginStatus {
  const sha256 = onlyOne(input.uses.map(({ report }) => report?.sha256 ?? ""));
  const told = input.checked.kind === "told" ? digestOf(input.checked.imageId) : "";
  const digest =
    onlyOne(input.uses.map(({ pod }) => digestOf(resolvedImage(pod, input.name)))) ??
    (told === "" ? (input.previous.digest ?? null) : told);
  const verdicts = {
    Checked: judgeCheck(input),
    Quarantined: judgeQuarantine(input),
    DeletionBlocked: judgeDeletion(input),
  };
  const running = input.uses.flatMap(({ report }) => (report?.state === "present" ? [report] : []));
  const functions = [...new Set(running.flatMap((report) => report.functions ?? []))].sort().slice(0, 500);
  const found = foundBy(input);
  const recheck = answeredRecheck(input);
  return {
    observedGeneration: input.generation,
    conditions: conditions(
      { Ready: judge(input, verdicts), ...verdicts },
      {
        previous: input.previous.conditions ?? [],
        generation: input.generation,
        now: wholeSeconds(input.now.getTime()),
      },
    ),
    ...(digest === null ? {} : { digest }),
    ...(sha256 === null ? {} : { sha256 }),
    ...(found === null ? {} : { checked: found }),
    ...(recheck === "" ? {} : { recheck }),
    ...(input.crashes.length === 0 ? {} : { crashes: [...input.crashes] }),
    ...(functions.length === 0 ? {} : { functions }),
    pods: running.length,
    clusters: [...input.clusters].sort().map((name) => ({ name })),
  };
}

/**
 * What the node resolved the image to: of the copying container, or of the image volume (KEP-5365, where the
 * cluster has it). "" when it does not tell.
 */
export function resolvedImage({ status }: Pod, plugin: string): string {
  const named = volumeName(plugin);
  const copied = status?.initContainerStatuses?.find(({ name }) => name === named)?.imageID ?? "";
  if (copied !== "") return copied;
  const containers: readonly MountingStatus[] = status?.containerStatuses ?? [];
  const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  return mounts.find(({ name }) => name === named)?.volumeStatus?.image?.imageRef ?? "";
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

function judge(
  input: Input,
  {
    Checked: checked,
    Quarantined: quarantined,
  }: { readonly Checked: Verdict; readonly Quarantined: Verdict },
): Verdict {
  if (input.invalid !== null) return { status: "False", reason: "Invalid", message: input.invalid };
  if (quarantined.status === "True")
    return { status: "False", reason: "Quarantined", message: quarantined.message };
  if (checked.status !== "True")
    return { status: checked.status, reason: "NotChecked", message: checked.message };
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

function judgeCheck({ checked, previous }: Input): Verdict {
  switch (checked.kind) {
    case "off":
      return { status: "True", reason: "Off", message: "spec.check is Off" };
    case "no-image":
      return {
        status: "Unknown",
        reason: "NoEngineImage",
        message:
          "no engine's image is known: start the operator with --engine-image, or let a MailCluster use it",
      };
    case "known": {
      const before = previous.conditions?.find(({ type }) => type === "Checked");
      const { status = "Unknown", reason = "Pending", message = "" } = before ?? {};
      return { status, reason, message };
    }
    case "told":
      return verdictOfState(checked.state, checked.pin);
  }
}

function verdictOfState(state: CheckState, pin: Pin): Verdict {
  switch (state.kind) {
    case "passed":
      return {
        status: "True",
        reason: "Passed",
        message: `${state.check.roles.join(", ") || "no role"}${pinWords(pin)}`,
      };
    case "refused":
      return { status: "False", reason: "Refused", message: state.message };
    case "pending":
      return { status: "Unknown", reason: state.reason, message: state.message };
  }
}

function pinWords(pin: Pin): string {
  if (pin.image !== null) return `; pods get ${pin.image}`;
  return pin.why === "" ? "" : `; pods get it by its tag: ${pin.why}`;
}

/** Once in quarantine it stays there until its spec changes, for its pods may have gone back to something good. */
function judgeQuarantine({ crashes, isLifted, previous, generation }: Input): Verdict {
  if (isLifted) return { status: "False", reason: "Lifted", message: "the annotation lifts it" };
  const before = previous.conditions?.find(({ type }) => type === "Quarantined");
  if (before?.status === "True" && before.observedGeneration === generation)
    return { status: "True", reason: "CrashLoop", message: before.message };
  const worst = worstOf(crashes);
  if (worst === null)
    return { status: "False", reason: "Healthy", message: "no engine has ended because of it" };
  const { cluster, revision, ends, pod, line } = worst;
  const times = ends === 1 ? "once" : `${ends} times`;
  const message = `engines of ${cluster} ended ${times} with revision ${revision}, last ${pod} with: ${line}`;
  return ends < CRASHES_TOO_MANY
    ? { status: "False", reason: "Crashed", message }
    : { status: "True", reason: "CrashLoop", message };
}

function judgeDeletion({ isDeleted, clusters }: Input): Verdict {
  if (!isDeleted) return { status: "False", reason: "NotDeleting", message: "it is not being deleted" };
  const names = clusters.slice(0, 5).join(", ");
  return { status: "True", reason: "InUse", message: `take it out of spec.plugins of ${names} first` };
}

/** Answered only by a check that has ended. */
function answeredRecheck({ checked, recheck, previous }: Input): string {
  const hasEnded = checked.kind === "told" && checked.state.kind !== "pending";
  return hasEnded ? recheck : (previous.recheck ?? "");
}

function foundBy({ checked, generation, previous }: Input): NativePluginStatus["checked"] | null {
  if (checked.kind === "known") return previous.checked ?? null;
  if (checked.kind !== "told" || checked.state.kind === "pending" || checked.state.check === null)
    return null;
  const { sha256, roles, exported, abiVersion } = checked.state.check;
  const image = checked.state.kind === "passed" ? checked.pin.image : null;
  return {
    generation,
    sha256,
    roles: [...roles],
    exported: exported.slice(0, 100),
    ...(image === null ? {} : { image }),
    ...(abiVersion === null ? {} : { abiVersion }),
  };
}
