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

function ended(pod: Pod): CheckState {
  const ending = pod.status?.containerStatuses?.map(({ state }) => state?.terminated).find(Boolean);
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
