/** ScalingActive (pure): the number of pods follows the figures. */
import type { VerdictOn } from "./conditions.ts";
import type { Judged } from "./judged.ts";

export function scalingActive({ spec, scaled, wishes, deletion }: Judged): VerdictOn<"ScalingActive"> {
  const { mode } = spec.autoscaling;
  const { decision } = scaled;
  if (mode !== "Internal") {
    const owner = mode === "None" ? "spec.replicas" : "the scale subresource";
    return { status: "False", reason: "NotInternal", message: `the number of pods is that of ${owner}` };
  }
  if (decision === null) {
    const why = deletion !== null ? "is being deleted" : wishes.isPaused ? "is paused" : "hibernates";
    return { status: "False", reason: "Suspended", message: `the cluster ${why}` };
  }
  return decision.isActive
    ? { status: "True", reason: "Following", message: decision.message }
    : { status: "False", reason: "FiguresUnknown", message: decision.message };
}
