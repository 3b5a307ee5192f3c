/** One line a slot for the status (pure): what its pod is doing, and why. */
import type { PodEntry } from "#crds/mail-cluster-status.ts";
import { type ObservedPod, type ObservedSlot, hasEnded } from "#operator/slots/observed.ts";
import type { Waiting } from "#operator/slots/steps.ts";

import type { Judged } from "./judged.ts";
import { roundFigure } from "./queue-summary.ts";

export function podEntries({ slots, decision }: Judged): PodEntry[] {
  return slots.map((observed) => {
    const waiting = decision.waiting.find(({ slot }) => slot === observed.slot) ?? null;
    const { pod } = observed;
    const reason = waiting?.blocked ?? pod?.reason ?? null;
    return {
      slot: observed.slot,
      state: stateOf(observed, waiting),
      ...(pod?.engine == null
        ? {}
        : { revision: pod.engine.revision.slice(0, 64), queued: roundFigure(pod.engine.queue.total) }),
      ...(reason === null ? {} : { reason }),
    };
  });
}

function stateOf({ pod }: ObservedSlot, waiting: Waiting | null): PodEntry["state"] {
  if (pod === null) return waiting === null ? "Pending" : "Retained";
  if (pod.isTerminating) return "Stopping";
  if (hasEnded(pod)) return "Failed";
  if (waiting !== null) return "Draining";
  return runningState(pod);
}

function runningState(pod: ObservedPod): PodEntry["state"] {
  if (pod.phase !== "Running") return "Pending";
  if (!pod.isReady) return "Starting";
  return pod.engine === null ? "Unknown" : "Serving";
}
