/**
 * The steps that the slots of a cluster may need, as values. `reconcile/` takes them in order; each is safe to
 * repeat. `isDisruptive` marks those that take something away from a pod that works: at most one a pass.
 */
import type { ObservedClaim, ObservedPod } from "./observed.ts";

export type Step =
  | { readonly kind: "create-claim"; readonly slot: number }
  /** The storage request grows to what the spec says. */
  | { readonly kind: "resize-claim"; readonly slot: number; readonly claim: ObservedClaim }
  | { readonly kind: "create-pod"; readonly slot: number }
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
  /** POST /v1/drain Serve: the slot stays after all. */
  | { readonly kind: "uncordon"; readonly slot: number; readonly pod: ObservedPod }
  /** POST /v1/drain Cordon: no new mail; what is queued is delivered. */
  | { readonly kind: "cordon"; readonly slot: number; readonly pod: ObservedPod }
  /**
   * The slot is empty: deletes claim and pod, in this order, so that the claim's deletion, which Kubernetes holds
   * back while the pod uses it, is the record that it was seen empty. Before that a live look must confirm the
   * proof: EmptyQueue: the engine is Cordoned with an open spool and nothing queued, no session, no delivery.
   * UnboundClaim: the claim never had a volume. Both deletes carry uid and resourceVersion of the live look.
   */
  | {
      readonly kind: "release";
      readonly slot: number;
      readonly pod: ObservedPod;
      readonly claim: ObservedClaim | null;
      readonly proof: "EmptyQueue" | "UnboundClaim";
    }
  /** Deletes a claim that no pod uses, with whatever it holds, because somebody said so. */
  | {
      readonly kind: "delete-claim";
      readonly slot: number;
      readonly claim: ObservedClaim;
      readonly why: "Discarded" | "ReclaimDelete" | "UnboundClaim" | "Deleting";
    };

/** Why a slot that should leave cannot. Names are reasons of the condition ScaleDownBlocked. */
export type Blocked = "QueueUnknown" | "PodNotRunning" | "ClaimLost" | "NoPeerReady";

/** What is waited for at one slot, for the status; null: nothing. */
export interface Waiting {
  readonly slot: number;
  readonly isLeaving: boolean;
  readonly blocked: Blocked | null;
}

/** "create-pod 2 | release 3 (EmptyQueue)": a pass in one line, for logs and tests. */
export function describeSteps(steps: readonly Step[]): string {
  return steps
    .map((step) => {
      const detail = "why" in step ? step.why : "proof" in step ? step.proof : null;
      return `${step.kind} ${step.slot}${detail === null ? "" : ` (${detail})`}`;
    })
    .join(" | ");
}
