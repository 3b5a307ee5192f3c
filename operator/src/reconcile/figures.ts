/** A cluster's figures for KEDA (pure): the sums over all slots, or unknown while one that may hold mail is silent. */
import type { ClusterFigures } from "#operator/keda/scaler.ts";
import { podSignals } from "#operator/scaling/pod-signals.ts";
import { gatherSignals } from "#operator/scaling/signals.ts";
import type { ObservedSlot } from "#operator/slots/observed.ts";

export function clusterFigures(slots: readonly ObservedSlot[], wallMs: number): ClusterFigures | "unknown" {
  const { isComplete, due, oldestDueSeconds, sessions } = gatherSignals(podSignals(slots, wallMs));
  return isComplete ? { dueMessages: due, oldestDueSeconds, sessions } : "unknown";
}
