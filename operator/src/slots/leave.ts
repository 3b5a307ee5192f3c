/**
 * One slot on its way out (pure): what it needs now, what would disrupt, and what it waits for. The way is
 * Active -> Cordoned -> Draining -> empty -> released; each stage is read off what is observed, so nothing is
 * remembered, and at each the slot may be wanted again.
 */
import { fence, isFenced } from "./fence.ts";
import type { SlotInput } from "./input.ts";
import {
  type ObservedClaim,
  type ObservedPod,
  type ObservedSlot,
  hasEnded,
  isAsleep,
  isGivenUp,
  isOutOfReach,
  isTurnedAway,
} from "./observed.ts";
import { wakeTimeOf } from "./sleep.ts";
import { isFull } from "./spool-space.ts";
import { noteNode } from "./note-node.ts";
import { isLastList, isListAlone } from "./list-sources.ts";
import { type Peers, isUnder, orderOfLeaving, unansweredOf } from "./orders.ts";
import type { Blocked, Step, Waiting } from "./steps.ts";
import { type Witnesses, witnessesFor } from "./witnesses.ts";

export interface LeavingSlot {
  readonly steps: readonly Step[];
  /** Taken only if nothing more urgent is. */
  readonly disruptive: Step | null;
  readonly waiting: Waiting;
}

interface LeaveInput extends SlotInput {
  /** False: whoever would take the mail instead is not ready. */
  readonly canCordon: boolean;
  readonly peers: Peers;
}

type Parts = {
  steps?: readonly Step[];
  disruptive?: Step;
  blocked?: Blocked;
  isEmpty?: boolean;
  wakeAt?: number | null;
};

export function leave(observed: ObservedSlot, input: LeaveInput): LeavingSlot {
  const parts = partsOf(observed, input);
  const { slot } = observed;
  return {
    steps: [...(observed.pod?.isTerminating === true ? [] : noteNode(observed)), ...(parts.steps ?? [])],
    disruptive: parts.disruptive ?? null,
    waiting: {
      slot,
      isLeaving: true,
      blocked: parts.blocked ?? null,
      isEmpty: parts.isEmpty ?? false,
      wakeAt: parts.wakeAt ?? null,
    },
  };
}

function partsOf(observed: ObservedSlot, input: LeaveInput): Parts {
  const { slot, pod, claim } = observed;
  const mayGo = isGivenUp(observed, input.forced);
  if (claim?.isTerminating !== true && !mayGo && isOutOfReach(observed)) return { blocked: "NodeLost" };
  if (!mayGo && isFenced(input.fence, slot))
    return { blocked: "Fenced", steps: pod === null || pod.isTerminating ? [] : fence(slot, pod, input) };
  if (pod === null) return claim === null ? {} : withoutPod(observed, claim, input);
  if (pod.isTerminating) return { isEmpty: claim?.isTerminating === true };
  if (mayGo) return { disruptive: { kind: "delete-pod", slot, pod, why: "Discarded" } };
  if (claim?.phase === "Pending")
    return {
      isEmpty: true,
      disruptive: { kind: "release", slot, pod, claim, proof: "UnboundClaim", witnesses: [] },
    };
  if (hasEnded(pod)) return { steps: [{ kind: "delete-pod", slot, pod, why: "Ended" }] };
  return withPod(observed, pod, input);
}

/** A claim alone: given up, never used, or its mail is still to be delivered, for which it gets a pod again. */
function withoutPod(observed: ObservedSlot, claim: ObservedClaim, input: LeaveInput): Parts {
  const { slot } = observed;
  if (claim.isTerminating) return { isEmpty: true };
  const why = isGivenUp(observed, input.forced)
    ? "Discarded"
    : input.reclaim === "Delete"
      ? "ReclaimDelete"
      : claim.phase === "Pending"
        ? "UnboundClaim"
        : null;
  if (why !== null) return { steps: [{ kind: "delete-claim", slot, claim, why }] };
  if (claim.phase === "Lost") return { blocked: "ClaimLost" };
  if (isAsleep(observed, input.wallMs) && input.deletion === null) return { wakeAt: claim.wakeAt };
  return input.podChanges === "none"
    ? { blocked: "PodNotRunning" }
    : { steps: [{ kind: "create-pod", slot }] };
}

function withPod(observed: ObservedSlot, pod: ObservedPod, input: LeaveInput): Parts {
  const { slot, claim } = observed;
  const { engine } = pod;
  if (engine === null) return unknownPod(observed, pod, input);
  if (engine.state === "Serving")
    return input.canCordon ? { disruptive: { kind: "cordon", slot, pod } } : { blocked: "NoPeerReady" };
  if (!isTurnedAway(pod)) return {};
  const order = orderOfLeaving(slot, engine, input.drainTo, input.peers);
  const steps: Step[] = isUnder(pod, order, input.given) ? [] : [{ kind: "order", slot, pod, ...order }];
  if (!isEmpty(engine)) return { steps, ...sleep(observed, pod, input) };
  const found: Witnesses = witnessesFor(slot, input);
  if (found.isPending)
    return { steps, isEmpty: true, ...(found.isSilent ? { blocked: "AnswerMissing" } : {}) };
  if (isListAlone(observed, input.slots)) return { steps, isEmpty: true, blocked: "ListAlone" };
  const asleep = isLastList(observed, input.slots) ? sleep(observed, pod, input) : {};
  if (asleep.disruptive !== undefined) return asleep;
  const { witnesses } = found;
  return {
    isEmpty: true,
    disruptive: { kind: "release", slot, pod, claim, proof: "EmptyQueue", witnesses },
  };
}

/** Only where nobody could take its mail, and nobody may still send it some. */
function sleep({ slot, claim }: ObservedSlot, pod: ObservedPod, input: LeaveInput): Parts {
  if (input.size > 0 || input.deletion !== null || input.reclaim === "Delete" || claim === null) return {};
  const wakeAt = pod.engine === null ? null : wakeTimeOf(pod.engine, input.wallMs);
  if (wakeAt === null) return {};
  const { isPending, witnesses } = witnessesFor(slot, input);
  return isPending ? {} : { disruptive: { kind: "sleep", slot, pod, claim, wakeAt, witnesses } };
}

function unknownPod({ slot, claim }: ObservedSlot, pod: ObservedPod, input: LeaveInput): Parts {
  // While the claim is being deleted the pod is all that keeps it, so it is not taken away unread.
  const isHeld = claim?.isTerminating === true;
  const isOutdated = pod.hash !== input.hashOf(slot) && input.podChanges === "all";
  const isStuck = !pod.isReady && isOutdated && !isHeld;
  if (isStuck) return { disruptive: { kind: "delete-pod", slot, pod, why: "Outdated" } };
  if (claim?.phase === "Lost") return { blocked: "ClaimLost" };
  return { blocked: pod.phase === "Running" ? "QueueUnknown" : "PodNotRunning" };
}

/**
 * Nothing queued, nobody talking, nothing on its way or unclear, and a spool that can be believed; where the engine can,
 * it has said so on the volume itself.
 */
export function isEmpty(engine: NonNullable<ObservedPod["engine"]>): boolean {
  return (
    engine.queue.total === 0 &&
    unansweredOf(engine) === 0 &&
    engine.sessions === 0 &&
    engine.deliveries === 0 &&
    (engine.spoolClosed === null || isFull(engine)) &&
    engine.drained !== false
  );
}
