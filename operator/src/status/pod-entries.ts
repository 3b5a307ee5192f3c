/** One line a slot for the status (pure): what its pod is doing, and why. */
import type { PodEntry } from "#crds/mail-cluster-status.ts";
import { wholeSeconds } from "#operator/kube/times.ts";
import { type ObservedPod, type ObservedSlot, hasEnded, isOnLeavingNode } from "#operator/slots/observed.ts";
import { roundFigure } from "#operator/slots/round-figure.ts";
import type { Waiting } from "#operator/slots/steps.ts";

import type { Judged } from "./judged.ts";

export function podEntries(
  { slots, decision }: Judged,
  leavingSince: ReadonlyMap<number, string>,
): PodEntry[] {
  return slots.map((observed) => {
    const waiting = decision.waiting.find(({ slot }) => slot === observed.slot) ?? null;
    const { pod } = observed;
    const moves = waiting !== null && isOnLeavingNode(observed) ? "NodeLeaving" : null;
    const reason = waiting?.blocked ?? moves ?? pod?.reason ?? null;
    const since = leavingSince.get(observed.slot);
    return {
      slot: observed.slot,
      state: stateOf(observed, waiting),
      ...(pod?.engine == null
        ? {}
        : { revision: pod.engine.revision.slice(0, 64), queued: roundFigure(pod.engine.queue.total) }),
      ...identityOf(observed),
      ...(pod?.node == null ? {} : { node: pod.node.name }),
      ...(since === undefined ? {} : { leavingSince: since }),
      ...(waiting?.wakeAt == null ? {} : { wakeAt: wholeSeconds(waiting.wakeAt) }),
      ...(reason === null ? {} : { reason }),
    };
  });
}

/** Once it is written down, and until its slot is gone. */
function identityOf({ pod, claim }: ObservedSlot): { readonly identity?: string } {
  const identity = pod?.identity ?? claim?.identity ?? null;
  return identity === null ? {} : { identity };
}

function stateOf({ pod }: ObservedSlot, waiting: Waiting | null): PodEntry["state"] {
  if (pod === null) return waiting === null ? "Pending" : "Retained";
  if (pod.isTerminating) return "Stopping";
  if (hasEnded(pod)) return "Failed";
  if (pod.engine?.state === "Fenced") return "Fenced";
  if (waiting !== null) return leavingState(pod, waiting);
  return runningState(pod);
}

function leavingState({ engine }: ObservedPod, { isEmpty }: Waiting): PodEntry["state"] {
  if (isEmpty) return "Empty";
  if (engine === null) return "Unknown";
  return engine.state === "Serving" ? "Serving" : engine.state === "Cordoned" ? "Cordoned" : "Draining";
}

/** When each slot that leaves was chosen to: remembered from the status before, or now. */
export function leavingTimes(
  { decision }: Judged,
  previous: readonly PodEntry[],
  now: string,
): ReadonlyMap<number, string> {
  return new Map(
    decision.waiting.map(({ slot }) => {
      const before = previous.find((entry) => entry.slot === slot)?.leavingSince;
      return [slot, before ?? now] as const;
    }),
  );
}

function runningState(pod: ObservedPod): PodEntry["state"] {
  if (pod.phase !== "Running") return "Pending";
  if (!pod.isReady) return "Starting";
  return pod.engine === null ? "Unknown" : "Serving";
}
