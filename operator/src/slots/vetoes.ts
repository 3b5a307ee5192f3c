/**
 * What may keep a pod that works from being made anew (pure): named predicates, asked in this order, of which the first
 * that objects is told in the status and in an event. People can switch some off in an emergency with the annotation
 * mailfleet.io/ignore-vetoes. A pod that serves nobody is only held by the first five.
 */
import { type Fence, isFenced } from "./fence.ts";
import { type ObservedPod, type ObservedSlot, isServing } from "./observed.ts";

/** Names are API: they are reasons of events, and people name them in the annotation. */
export const vetoes = {
  ConfigNotGood: "the spec makes no revision that could be rolled out",
  RolloutPaused: "the annotation mailfleet.io/rollout pauses the roll-out",
  UpgradeTurn: "other clusters have their turn to be made anew for this version of the operator",
  Fenced: "the annotation mailfleet.io/fenced keeps it as it is",
  CanaryFirst: "another pod tries the change out first",
  Settling: "edits are gathered until there has been none for rollout.settleSeconds",
  OtherPodsNotReady: "another pod that is wanted is not ready",
  OtherPodFenced: "another pod that is wanted is fenced",
  OneAtATime: "another pod has its turn",
} as const;
export type Veto = keyof typeof vetoes;

/** What can be ignored: the others say what there is, or have words of their own. */
export const ignorable: readonly Veto[] = ["CanaryFirst", "Settling", "OtherPodsNotReady", "OtherPodFenced"];

/** A pod that is not as the spec says; null: nothing keeps it from being made anew now. */
export interface Restart {
  readonly slot: number;
  readonly pod: ObservedPod;
  readonly veto: Veto | null;
}

export interface Situation {
  /** Slots that stay. */
  readonly wanted: readonly ObservedSlot[];
  /** Why nothing at all may be made anew; null: it may. */
  readonly heldBy: "ConfigNotGood" | "RolloutPaused" | "UpgradeTurn" | null;
  /** The slots that a change is confined to; null: all. */
  readonly replaceable: ReadonlySet<number> | null;
  /** What is wanted was changed a moment ago. */
  readonly isSettling: boolean;
  readonly ignored: ReadonlySet<Veto>;
  readonly fence: Fence;
  /** Some other slot is being disrupted in this pass. */
  readonly isBusy: boolean;
}

interface Candidate {
  readonly slot: number;
  readonly pod: ObservedPod;
}

/** Those that serve nobody first, then the highest number. */
export function judgeRestarts(outdated: readonly Candidate[], situation: Situation): readonly Restart[] {
  const first = outdated.map((candidate) => ({ ...candidate, veto: vetoOf(candidate, situation) }));
  const free = first.filter(({ veto }) => veto === null);
  const chosen = situation.isBusy ? undefined : (free.findLast(({ pod }) => !pod.isReady) ?? free.at(-1));
  return first.map((restart) =>
    restart.veto === null && restart.slot !== chosen?.slot ? { ...restart, veto: "OneAtATime" } : restart,
  );
}

function vetoOf({ slot, pod }: Candidate, situation: Situation): Veto | null {
  const { heldBy, replaceable, isSettling, ignored, wanted, fence } = situation;
  const objects = (veto: Veto, holds: boolean): Veto | null => (holds && !ignored.has(veto) ? veto : null);
  const others = wanted.filter((other) => other.slot !== slot);
  const fenced = others.filter((other) => isFenced(fence, other.slot));
  const isBroken = others.some((other) => !fenced.includes(other) && !isServing(other.pod));
  return (
    heldBy ??
    objects("Fenced", isFenced(fence, slot)) ??
    objects("CanaryFirst", replaceable?.has(slot) === false) ??
    objects("Settling", pod.isReady && isSettling) ??
    objects("OtherPodsNotReady", pod.isReady && isBroken) ??
    objects("OtherPodFenced", pod.isReady && fenced.length > 0)
  );
}
