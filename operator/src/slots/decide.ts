/**
 * From what is observed to the next steps of the slots. Pure; `reconcile/` performs them and looks again.
 *
 * As many slots stay as are wanted (choose.ts): they have a claim, a running pod as the spec says, and take mail.
 * The others leave (leave.ts): cordoned, handing over or delivering what they have, and released when seen empty.
 * Until then a slot may be wanted again: it is told to serve. A slot whose claim is being deleted cannot stay, even
 * if chosen to: it leaves and is made anew.
 *
 * What holds in every answer: no claim goes while it may hold mail, unless somebody said that the mail may go;
 * unknown is never empty; at most one disruptive step; a pod that serves is made anew only while all other wanted
 * pods are ready.
 */
import { chooseStaying } from "./choose.ts";
import { type Fence, fence, isFenced } from "./fence.ts";
import type { SlotInput } from "./input.ts";
import { type LeavingSlot, leave } from "./leave.ts";
import { type ObservedSlot, hasEnded, type ObservedPod, isTurnedAway } from "./observed.ts";
import { type Peers, isUnder, orderOfStaying, peersAmong } from "./orders.ts";
import { noteNode } from "./note-node.ts";
import { parseQuantity } from "./quantity.ts";
import type { Step, Waiting } from "./steps.ts";
import { judgeRestarts, type Restart } from "./vetoes.ts";

export interface SlotDecision {
  /** The numbers of the slots that are wanted, those that do not exist yet among them. */
  readonly staying: readonly number[];
  readonly steps: readonly Step[];
  /** Slots that should leave and have not. */
  readonly waiting: readonly Waiting[];
  /** Pods that should be made anew and have not been. */
  readonly restarts: readonly Restart[];
  /** As it was handed in. */
  readonly fence: Fence;
  /** While deleting: nothing is left that the policy speaks of, so the finalizer may go. */
  readonly isGone: boolean;
}

export function decideSlots(input: SlotInput): SlotDecision {
  if (input.deletion === "Orphan" || input.deletion === "Discard") return giveUp(input);
  const staying = chooseStaying(input.deletion === null ? input : { ...input, size: 0 });
  const wanted = staying.map(
    (slot): ObservedSlot =>
      input.slots.find((observed) => observed.slot === slot) ?? { slot, pod: null, claim: null },
  );
  const isKept = ({ claim }: ObservedSlot): boolean => claim?.isTerminating !== true;
  const kept = wanted.filter(isKept);
  const keptNumbers = new Set(kept.map(({ slot }) => slot));
  const peers = peersAmong(input.slots, keptNumbers);
  const hasReadyPeer = kept.some(({ pod }) => pod?.isReady === true && !pod.isTerminating);
  const leaving = input.slots
    .filter(({ slot }) => !keptNumbers.has(slot))
    .map((slot) => leave(slot, { ...input, peers, canCordon: kept.length === 0 || hasReadyPeer }));
  const urgent = mostUrgent(leaving);
  const restarts = restartsAmong(kept, wanted, input, urgent !== null);
  const disruptive = urgent ?? replacement(restarts);
  return {
    staying,
    steps: [
      ...kept.flatMap((slot) => keep(slot, input, peers)),
      ...leaving.flatMap(({ steps }) => steps),
      ...(disruptive === null ? [] : [disruptive]),
    ],
    waiting: leaving.map(({ waiting }) => waiting),
    restarts,
    fence: input.fence,
    isGone: input.deletion !== null && input.slots.length === 0,
  };
}

function replacement(restarts: readonly Restart[]): Step | null {
  const next = restarts.find(({ veto }) => veto === null);
  return next === undefined ? null : { kind: "delete-pod", slot: next.slot, pod: next.pod, why: "Outdated" };
}

/** What a slot that stays is missing. */
function keep({ slot, pod, claim }: ObservedSlot, input: SlotInput, peers: Peers): Step[] {
  const steps: Step[] = [];
  if (claim === null) steps.push({ kind: "create-claim", slot });
  else if (isSmaller(claim.size, input.storageSize)) steps.push({ kind: "resize-claim", slot, claim });
  steps.push(...assign(slot, claim, input));
  if (pod === null) {
    if (input.identities?.of.has(slot) === false) return steps;
    if (input.podChanges !== "none") steps.push({ kind: "create-pod", slot });
    return steps;
  }
  if (pod.isTerminating) return steps;
  steps.push(...noteNode({ slot, pod, claim }));
  if (isFenced(input.fence, slot)) return [...steps, ...fence(slot, pod, { ...input, peers })];
  if (hasEnded(pod)) steps.push({ kind: "delete-pod", slot, pod, why: "Ended" });
  else steps.push(...serve(slot, pod, input, peers));
  return steps;
}

function assign(slot: number, claim: ObservedSlot["claim"], { identities }: SlotInput): Step[] {
  const identity = identities?.assign.get(slot);
  return claim === null || identity === undefined ? [] : [{ kind: "assign-identity", slot, claim, identity }];
}

/** It takes mail again, and whoever owes it an answer is asked. */
function serve(slot: number, pod: ObservedPod, input: SlotInput, peers: Peers): Step[] {
  if (pod.engine === null) return [];
  const order = orderOfStaying(slot, pod.engine, peers);
  if (isTurnedAway(pod)) return [{ kind: "uncordon", slot, pod, peers: order?.peers ?? [] }];
  if (order === null || pod.engine.state !== "Serving" || isUnder(pod, order, input.given)) return [];
  return [{ kind: "order", slot, pod, ...order }];
}

/** Pods that are not as the spec says, and what keeps each from being made anew. */
function restartsAmong(
  kept: readonly ObservedSlot[],
  wanted: readonly ObservedSlot[],
  input: SlotInput,
  isBusy: boolean,
): readonly Restart[] {
  if (input.podChanges === "none") return [];
  const { replaceable, isSettling, ignored, fence: fenced } = input;
  const heldBy = input.heldBy ?? (input.podChanges === "create" ? "ConfigNotGood" : null);
  const outdated = kept.flatMap(({ slot, pod }) =>
    pod === null ||
    pod.isTerminating ||
    hasEnded(pod) ||
    (pod.hash === input.hashOf(slot) && !isBeyondTeaching(slot, pod, input))
      ? []
      : [{ slot, pod }],
  );
  return judgeRestarts(outdated, { wanted, heldBy, replaceable, isSettling, ignored, fence: fenced, isBusy });
}

function isBeyondTeaching(slot: number, pod: ObservedPod, { unteachable }: SlotInput): boolean {
  return unteachable.has(slot) && !pod.isReady && pod.engine === null && pod.restarts > 0;
}

/** Finishing what has begun comes before beginning; the highest slot goes first. */
function mostUrgent(leaving: readonly LeavingSlot[]): Step | null {
  const steps = leaving.flatMap(({ disruptive }) => (disruptive === null ? [] : [disruptive]));
  return steps.findLast(({ kind }) => kind !== "cordon") ?? steps.at(-1) ?? null;
}

/** Deletion that does not wait for mail: pods go at once, claims stay (Orphan) or go as well (Discard). */
function giveUp({ slots, deletion, fence: fenced }: SlotInput): SlotDecision {
  const steps = slots.flatMap(({ slot, pod, claim }): Step[] => [
    ...(claim === null || claim.isTerminating || deletion === "Orphan"
      ? []
      : [{ kind: "delete-claim", slot, claim, why: "Deleting" } as const]),
    ...(pod === null || pod.isTerminating
      ? []
      : [{ kind: "delete-pod", slot, pod, why: "Deleting" } as const]),
  ]);
  const isGone = slots.every(({ pod, claim }) => pod === null && (claim === null || deletion === "Orphan"));
  return { staying: [], steps, waiting: [], restarts: [], fence: fenced, isGone };
}

function isSmaller(present: string, wanted: string): boolean {
  const [from, to] = [parseQuantity(present), parseQuantity(wanted)];
  return from !== null && to !== null && from < to;
}
