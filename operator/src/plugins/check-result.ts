/**
 * How far the check of a plugin is (pure), from the pod that makes it. A pod that cannot get its image is waited for; one
 * that ended without a word has been brought down by the file, which is a verdict too.
 */
import { PluginCheck } from "#contract/plugin-check.ts";
import type { Pod } from "#operator/kube/objects.ts";

export type CheckState =
  | { readonly kind: "passed"; readonly check: PluginCheck }
  | { readonly kind: "refused"; readonly check: PluginCheck | null; readonly message: string }
  | { readonly kind: "pending"; readonly reason: "Pending" | "ImageUnusable"; readonly message: string };

export function checkStateOf(pod: Pod): CheckState {
  const phase = pod.status?.phase;
  if (isTakenAway(pod)) {
    const message = `pod ${pod.metadata.name} was taken away before it had spoken, and is made anew`;
    return { kind: "pending", reason: "Pending", message };
  }
  if (phase === "Succeeded" || phase === "Failed") return ended(pod);
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const waiting = statuses.map(({ state }) => state?.waiting).find((state) => isImageTrouble(state?.reason));
  if (waiting !== undefined) {
    return {
      kind: "pending",
      reason: "ImageUnusable",
      message: `${waiting.reason}: ${waiting.message ?? ""}`,
    };
  }
  return { kind: "pending", reason: "Pending", message: `pod ${pod.metadata.name} opens the file` };
}

/**
 * By a node that is emptied or short of something, or by a person, before the program has left its word: that says nothing
 * of the file. The condition is set by whoever disrupts (KEP-3329), not for what the pod has done itself.
 */
export function isTakenAway(pod: Pod): boolean {
  const isDisrupted = pod.status?.conditions?.some(
    ({ type, status }) => type === "DisruptionTarget" && status === "True",
  );
  const isGoing = isDisrupted === true || pod.metadata.deletionTimestamp !== undefined;
  return isGoing && parse(endingOf(pod)?.message ?? "") === null;
}

function endingOf({ status }: Pod) {
  return status?.containerStatuses?.map(({ state }) => state?.terminated).find(Boolean);
}

function ended(pod: Pod): CheckState {
  const ending = endingOf(pod);
  const check = parse(ending?.message ?? "");
  if (check === null) {
    const how = pod.status?.message ?? ending?.reason ?? "it left no word";
    const message = `the program that opened the file ended with ${ending?.exitCode ?? "no code"} (${how})`;
    return { kind: "refused", check: null, message };
  }
  if (check.refusal !== null) return { kind: "refused", check, message: check.refusal };
  return { kind: "passed", check };
}

function parse(message: string): PluginCheck | null {
  try {
    return PluginCheck.parse(JSON.parse(message));
  } catch {
    return null;
  }
}

function isImageTrouble(reason: string | undefined): boolean {
  return reason !== undefined && /^(?:Err)?Image|^CreateContainer|^InvalidImage/.test(reason);
}
