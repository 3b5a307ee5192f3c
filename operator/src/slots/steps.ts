/**
 * The steps that the slots of a cluster may need, as values. `reconcile/` takes them in order; each is safe to
 * repeat. Of those that take something away from a pod that works decide.ts gives at most one a pass.
 */
import type { DrainOrder } from "#contract/admin-api.ts";

import type { ObservedClaim, ObservedPod } from "./observed.ts";
import type { PeerSlot } from "./orders.ts";

export type Step =
  | { readonly kind: "create-claim"; readonly slot: number }
  /** The storage request grows to what the spec says. */
  | { readonly kind: "resize-claim"; readonly slot: number; readonly claim: ObservedClaim }
  | { readonly kind: "create-pod"; readonly slot: number }
  /** Writes on the claim where its pod runs: it outlives the pod's object, which may go before its process does. */
  | {
      readonly kind: "note-node";
      readonly slot: number;
      readonly claim: ObservedClaim;
      readonly node: string;
    }
  /** Writes on the claim which identity its slot holds from now on; no pod is made with it before. */
  | {
      readonly kind: "assign-identity";
      readonly slot: number;
      readonly claim: ObservedClaim;
      readonly identity: string;
    }
  /**
   * Deletes the pod and keeps the claim. Ended: it will not run again. Outdated: only a new one can be as the
   * spec says. Discarded: its mail was given up. Deleting: the policy Orphan or Discard.
   */
  | {
      readonly kind: "delete-pod";
      readonly slot: number;
      readonly pod: ObservedPod;
      readonly why: "Ended" | "Outdated" | "Discarded" | "Deleting";
    }
  /** POST /v1/drain Serve: the slot stays after all; `peers` may owe it an answer. */
  | {
      readonly kind: "uncordon";
      readonly slot: number;
      readonly pod: ObservedPod;
      readonly peers: readonly PeerSlot[];
    }
  /** POST /v1/drain Cordon: no new mail; what is queued is delivered. */
  | { readonly kind: "cordon"; readonly slot: number; readonly pod: ObservedPod }
  /**
   * POST /v1/drain to an engine whose state does not serve, or that waits for an answer. Drain: hand over to these
   * peers. The others: give nothing; ask these peers what became of what they were sent.
   */
  | {
      readonly kind: "order";
      readonly slot: number;
      readonly pod: ObservedPod;
      readonly mode: DrainOrder["mode"];
      readonly peers: readonly PeerSlot[];
    }
  /**
   * The slot is empty: deletes claim and pod, in this order, so that the claim's deletion, which Kubernetes holds
   * back while the pod uses it, is the record that it was seen empty. Before that a live look must confirm the
   * proof: EmptyQueue: the engine does not serve, its spool is open, nothing is queued or owed to it, there is
   * no session and no delivery, and no other engine may have sent it mail. UnboundClaim: the claim never had a volume. Both deletes carry uid and resourceVersion of the live look.
   */
  | {
      readonly kind: "release";
      readonly slot: number;
      readonly pod: ObservedPod;
      readonly claim: ObservedClaim | null;
      readonly proof: "EmptyQueue" | "UnboundClaim";
      /** Slots whose engines must say anew that nobody owes them an answer. */
      readonly witnesses: readonly ObservedPod[];
    }
  /**
   * No pod is wanted and nothing in the spool is due before `wakeAt`: that is written on the claim, then the pod goes. Before
   * that a live look must confirm it. A pod is made again when the time has come, or when one is wanted.
   */
  | {
      readonly kind: "sleep";
      readonly slot: number;
      readonly pod: ObservedPod;
      readonly claim: ObservedClaim;
      /** Wall-clock milliseconds. */
      readonly wakeAt: number;
      readonly witnesses: readonly ObservedPod[];
    }
  /** Deletes a claim that no pod uses, with whatever it holds, because somebody said so. */
  | {
      readonly kind: "delete-claim";
      readonly slot: number;
      readonly claim: ObservedClaim;
      readonly why: "Discarded" | "ReclaimDelete" | "UnboundClaim" | "Deleting";
    };

/** Why a slot that should leave cannot. Names are reasons of the condition ScaleDownBlocked. */
export type Blocked =
  | "QueueUnknown"
  | "PodNotRunning"
  | "ClaimLost"
  | "NoPeerReady"
  | "AnswerMissing"
  | "ListAlone"
  | "NodeLost"
  | "Fenced";

/** What is waited for at one slot, for the status; null: nothing. */
export interface Waiting {
  readonly slot: number;
  readonly isLeaving: boolean;
  readonly blocked: Blocked | null;
  /** It was seen empty. */
  readonly isEmpty: boolean;
  /** It sleeps until then, in wall-clock milliseconds; null: it does not. */
  readonly wakeAt: number | null;
}

/** "create-pod 2 | release 3 (EmptyQueue)": a pass in one line, for logs and tests. */
export function describeSteps(steps: readonly Step[]): string {
  return steps
    .map((step) => {
      const detail = detailOf(step);
      return `${step.kind} ${step.slot}${detail === null ? "" : ` (${detail})`}`;
    })
    .join(" | ");
}

/** "why", "proof" or "mode" of a step, in words for people. */
export function detailOf(step: Step): string | null {
  if ("why" in step) return step.why;
  if ("proof" in step) return step.proof;
  return "mode" in step ? step.mode : null;
}
