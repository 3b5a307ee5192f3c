/**
 * One slot on its way out (pure): what it needs now, what would disrupt, and what it waits for. The way is
 * Active -> Cordoned -> empty -> released; each stage is read off what is observed, so nothing is remembered.
 */
import type { SlotInput } from "./decide.ts";
import {
  type ObservedClaim,
  type ObservedPod,
  type ObservedSlot,
  hasEnded,
  isTurnedAway,
} from "./observed.ts";
import type { Blocked, Step, Waiting } from "./steps.ts";

export interface LeavingSlot {
  readonly steps: readonly Step[];
  /** Taken only if nothing more urgent is. */
  readonly disruptive: Step | null;
  readonly waiting: Waiting;
}

interface LeaveInput extends SlotInput {
  /** False: whoever would take the mail instead is not ready. */
  readonly canCordon: boolean;
}

export function leave(observed: ObservedSlot, input: LeaveInput): LeavingSlot {
  const { slot, pod, claim } = observed;
  const answer = (parts: { steps?: readonly Step[]; disruptive?: Step; blocked?: Blocked }): LeavingSlot => ({
    steps: parts.steps ?? [],
    disruptive: parts.disruptive ?? null,
    waiting: { slot, isLeaving: true, blocked: parts.blocked ?? null },
  });
  if (pod === null) return answer(claim === null ? {} : withoutPod(slot, claim, input));
  if (pod.isTerminating) return answer({});
  if (claim?.isDiscarded === true)
    return answer({ disruptive: { kind: "delete-pod", slot, pod, why: "Discarded" } });
  if (claim?.phase === "Pending")
    return answer({ disruptive: { kind: "release", slot, pod, claim, proof: "UnboundClaim" } });
  if (hasEnded(pod)) return answer({ steps: [{ kind: "delete-pod", slot, pod, why: "Ended" }] });
  return answer(withPod(slot, pod, claim, input));
}

type Parts = { steps?: readonly Step[]; disruptive?: Step; blocked?: Blocked };

/** A claim alone: given up, never used, or its mail is still to be delivered, for which it gets a pod again. */
function withoutPod(slot: number, claim: ObservedClaim, input: LeaveInput): Parts {
  if (claim.isTerminating) return {};
  const why = claim.isDiscarded
    ? "Discarded"
    : input.reclaim === "Delete"
      ? "ReclaimDelete"
      : claim.phase === "Pending"
        ? "UnboundClaim"
        : null;
  if (why !== null) return { steps: [{ kind: "delete-claim", slot, claim, why }] };
  if (claim.phase === "Lost") return { blocked: "ClaimLost" };
  return input.podChanges === "none"
    ? { blocked: "PodNotRunning" }
    : { steps: [{ kind: "create-pod", slot }] };
}

function withPod(slot: number, pod: ObservedPod, claim: ObservedClaim | null, input: LeaveInput): Parts {
  const { engine } = pod;
  if (engine === null) {
    // While the claim is being deleted the pod is all that keeps it, so it is not taken away unread.
    const isHeld = claim?.isTerminating === true;
    const isOutdated = pod.hash !== input.hashOf(slot) && input.podChanges === "all";
    const isStuck = !pod.isReady && isOutdated && !isHeld;
    if (isStuck) return { disruptive: { kind: "delete-pod", slot, pod, why: "Outdated" } };
    if (claim?.phase === "Lost") return { blocked: "ClaimLost" };
    return { blocked: pod.phase === "Running" ? "QueueUnknown" : "PodNotRunning" };
  }
  if (engine.state === "Serving")
    return input.canCordon ? { disruptive: { kind: "cordon", slot, pod } } : { blocked: "NoPeerReady" };
  if (isTurnedAway(pod) && isEmpty(engine))
    return { disruptive: { kind: "release", slot, pod, claim, proof: "EmptyQueue" } };
  return {};
}

/** Nothing queued, nobody talking, nothing on its way, and a spool that can be believed. */
export function isEmpty(engine: NonNullable<ObservedPod["engine"]>): boolean {
  return (
    engine.queue.total === 0 &&
    engine.sessions === 0 &&
    engine.deliveries === 0 &&
    engine.spoolClosed === null
  );
}
