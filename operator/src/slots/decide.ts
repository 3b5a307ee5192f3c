/**
 * From what is observed to the next steps of the slots. Pure; `reconcile/` performs them and looks again.
 *
 * A slot below the wanted size stays: it has a claim, a running pod as the spec says, and takes mail. Any other
 * slot leaves: its pod is cordoned, delivers what it has, and is released when it was seen empty. Until then the
 * slot may be wanted again: it is simply uncordoned. A slot whose claim is being deleted cannot stay, whatever its
 * number: it leaves and is made anew.
 *
 * What holds in every answer: no claim goes while it may hold mail, unless somebody said that the mail may go;
 * unknown is never empty; at most one disruptive step; a pod that serves is made anew only while all other wanted
 * pods are ready.
 */
import { type LeavingSlot, leave } from "./leave.ts";
import { type ObservedSlot, hasEnded, isTurnedAway } from "./observed.ts";
import { parseQuantity } from "./quantity.ts";
import type { Step, Waiting } from "./steps.ts";

export interface SlotInput {
  /** How many slots are wanted (slots/size.ts). */
  readonly size: number;
  readonly slots: readonly ObservedSlot[];
  /** Hash of the pod that the spec makes for a slot (desired/pod-hash.ts). */
  readonly hashOf: (slot: number) => string;
  /**
   * all: pods may be made and made anew. create: missing ones only, since the spec's configuration is broken and
   * the last good one stands in. none: no configuration has ever been good.
   */
  readonly podChanges: "all" | "create" | "none";
  readonly storageSize: string;
  readonly reclaim: "RetainUntilEmpty" | "Delete";
  /** The deletion policy while the MailCluster is being deleted, else null. */
  readonly deletion: "Drain" | "Orphan" | "Discard" | null;
}

export interface SlotDecision {
  readonly steps: readonly Step[];
  /** Slots that should leave and have not. */
  readonly waiting: readonly Waiting[];
  /** While deleting: nothing is left that the policy speaks of, so the finalizer may go. */
  readonly isGone: boolean;
}

export function decideSlots(input: SlotInput): SlotDecision {
  if (input.deletion === "Orphan" || input.deletion === "Discard") return giveUp(input);
  const size = input.deletion === null ? input.size : 0;
  const staying = [...Array(size).keys()].map(
    (slot): ObservedSlot =>
      input.slots.find((observed) => observed.slot === slot) ?? { slot, pod: null, claim: null },
  );
  const isLeaving = ({ slot, claim }: ObservedSlot): boolean => slot >= size || claim?.isTerminating === true;
  const kept = staying.filter((slot) => !isLeaving(slot));
  const hasReadyPeer = kept.some(({ pod }) => pod?.isReady === true && !pod.isTerminating);
  const leaving = input.slots
    .filter(isLeaving)
    .map((slot) => leave(slot, { ...input, canCordon: kept.length === 0 || hasReadyPeer }));
  const disruptive = mostUrgent(leaving) ?? replacement(kept, staying, input);
  return {
    steps: [
      ...kept.flatMap((slot) => keep(slot, input)),
      ...leaving.flatMap(({ steps }) => steps),
      ...(disruptive === null ? [] : [disruptive]),
    ],
    waiting: leaving.map(({ waiting }) => waiting),
    isGone: input.deletion !== null && input.slots.length === 0,
  };
}

/** What a slot that stays is missing. */
function keep({ slot, pod, claim }: ObservedSlot, input: SlotInput): Step[] {
  const steps: Step[] = [];
  if (claim === null) steps.push({ kind: "create-claim", slot });
  else if (isSmaller(claim.size, input.storageSize)) steps.push({ kind: "resize-claim", slot, claim });
  if (pod === null) {
    if (input.podChanges !== "none") steps.push({ kind: "create-pod", slot });
    return steps;
  }
  if (pod.isTerminating) return steps;
  if (hasEnded(pod)) steps.push({ kind: "delete-pod", slot, pod, why: "Ended" });
  else if (isTurnedAway(pod)) steps.push({ kind: "uncordon", slot, pod });
  return steps;
}

/** The next pod that is made anew: first those that serve nobody, then, while all others are ready, the last. */
function replacement(
  kept: readonly ObservedSlot[],
  staying: readonly ObservedSlot[],
  input: SlotInput,
): Step | null {
  if (input.podChanges !== "all") return null;
  const outdated = kept.flatMap(({ slot, pod }) =>
    pod === null || pod.isTerminating || hasEnded(pod) || pod.hash === input.hashOf(slot)
      ? []
      : [{ slot, pod }],
  );
  const broken = outdated.findLast(({ pod }) => !pod.isReady);
  if (broken !== undefined) return { kind: "delete-pod", ...broken, why: "Outdated" };
  const last = outdated.at(-1);
  const othersReady = staying.every(({ slot, pod }) => slot === last?.slot || isServing(pod));
  return last !== undefined && othersReady ? { kind: "delete-pod", ...last, why: "Outdated" } : null;
}

function isServing(pod: ObservedSlot["pod"]): boolean {
  return pod?.isReady === true && !pod.isTerminating && !isTurnedAway(pod);
}

/** Finishing what has begun comes before beginning; the highest slot goes first. */
function mostUrgent(leaving: readonly LeavingSlot[]): Step | null {
  const steps = leaving.flatMap(({ disruptive }) => (disruptive === null ? [] : [disruptive]));
  return steps.findLast(({ kind }) => kind !== "cordon") ?? steps.at(-1) ?? null;
}

/** Deletion that does not wait for mail: pods go at once, claims stay (Orphan) or go as well (Discard). */
function giveUp({ slots, deletion }: SlotInput): SlotDecision {
  const steps = slots.flatMap(({ slot, pod, claim }): Step[] => [
    ...(claim === null || claim.isTerminating || deletion === "Orphan"
      ? []
      : [{ kind: "delete-claim", slot, claim, why: "Deleting" } as const]),
    ...(pod === null || pod.isTerminating
      ? []
      : [{ kind: "delete-pod", slot, pod, why: "Deleting" } as const]),
  ]);
  const isGone = slots.every(({ pod, claim }) => pod === null && (claim === null || deletion === "Orphan"));
  return { steps, waiting: [], isGone };
}

function isSmaller(present: string, wanted: string): boolean {
  const [from, to] = [parseQuantity(present), parseQuantity(wanted)];
  return from !== null && to !== null && from < to;
}
