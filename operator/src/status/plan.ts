/**
 * What the operator is about to do, slot by slot (pure), with why and with what keeps it from being done now. While a
 * cluster or its roll-out is paused it says what would happen. Without figures, so that a plan that stands is not written
 * again.
 */
import type { PlanEntry } from "#crds/mail-cluster-status.ts";
import { changedParts, readParts } from "#operator/desired/pod-parts.ts";
import { isFenced } from "#operator/slots/fence.ts";
import { type ObservedSlot, isOnLeavingNode, isOutOfReach } from "#operator/slots/observed.ts";
import { parseQuantity } from "#operator/slots/quantity.ts";
import type { Restart } from "#operator/slots/vetoes.ts";

import { type Judged, stayingSlots, targetRevision } from "./judged.ts";

/** The status is read by people; a large cluster has as many steps of one kind as it has pods. */
const MAX_ENTRIES = 50;

export function planOf(judged: Judged): PlanEntry[] {
  const entries = [
    ...growths(judged),
    ...creations(judged),
    ...restarts(judged),
    ...reloads(judged),
    ...leavings(judged),
  ];
  return entries.sort((a, b) => a.slot - b.slot).slice(0, MAX_ENTRIES);
}

/** "EngineImage, Resources": what a pod is made anew for. */
export function reasonOf(
  judged: Pick<Judged, "partsOf">,
  { slot, pod }: Pick<Restart, "slot" | "pod">,
): string {
  return changedParts(readParts(pod.parts ?? undefined), judged.partsOf(slot));
}

function restarts(judged: Judged): PlanEntry[] {
  // To name the parts costs a whole pod each.
  return judged.decision.restarts.slice(0, MAX_ENTRIES).map((restart) => ({
    slot: restart.slot,
    action: "ReplacePod",
    reason: reasonOf(judged, restart),
    ...waitsFor(restart.veto ?? paused(judged)),
  }));
}

function creations(judged: Judged): PlanEntry[] {
  const { decision, slots, config, lastGood } = judged;
  const present = new Set(slots.filter(({ pod }) => pod !== null).map(({ slot }) => slot));
  const cannot = config.kind === "broken" && lastGood === null ? "ConfigNotGood" : null;
  return decision.staying
    .filter((slot) => !present.has(slot))
    .map((slot) => ({ slot, action: "CreatePod", reason: "Missing", ...waitsFor(cannot ?? paused(judged)) }));
}

/** Engines that take a revision without a restart. */
function reloads(judged: Judged): PlanEntry[] {
  const { config, rollout, wishes } = judged;
  const target = targetRevision(config);
  if (config.kind !== "rendered" || target === null) return [];
  const replaced = new Set(judged.decision.restarts.map(({ slot }) => slot));
  const behind = stayingSlots(judged).filter(
    ({ slot, pod }) => pod?.engine != null && pod.engine.revision !== target && !replaced.has(slot),
  );
  return behind.map(({ slot }) => {
    const isHeldBack = rollout?.phase === "Canary" && !rollout.canary.includes(slot);
    const held = isHeldBack ? "CanaryFirst" : paused(judged);
    const isHeld = judged.waitsFor !== null ? "UpgradeTurn" : held;
    const free = wishes.rollout === "pause" ? "RolloutPaused" : isHeld;
    const veto = isFenced(judged.decision.fence, slot) ? "Fenced" : free;
    return { slot, action: "ReloadConfig", reason: `revision ${target}`, ...waitsFor(veto) };
  });
}

function leavings(judged: Judged): PlanEntry[] {
  const leaving = judged.decision.waiting.filter(({ wakeAt }) => wakeAt === null);
  return leaving.map(({ slot, blocked, isEmpty }) => {
    const observed = judged.slots.find((each) => each.slot === slot);
    const veto = blocked ?? paused(judged) ?? (isEmpty ? null : "QueueNotEmpty");
    return { slot, action: "RemovePod", reason: whyLeaves(observed, judged), ...waitsFor(veto) };
  });
}

function whyLeaves(observed: ObservedSlot | undefined, { deletion, wishes }: Judged): string {
  if (deletion !== null) return "Deleting";
  if (wishes.isHibernating) return "Hibernating";
  if (observed !== undefined && isOutOfReach(observed)) return "NodeLost";
  return observed !== undefined && isOnLeavingNode(observed) ? "NodeLeaving" : "ScaleDown";
}

function growths(judged: Judged): PlanEntry[] {
  const wanted = parseQuantity(judged.spec.storage.size);
  const small = stayingSlots(judged).filter(({ claim }) => {
    const has = claim === null ? null : parseQuantity(claim.size);
    return has !== null && wanted !== null && has < wanted;
  });
  const isRefused = judged.refused.some(({ kind }) => kind === "resize-claim");
  const veto = isRefused ? "ResizeRefused" : paused(judged);
  return small.map(({ slot }) => ({
    slot,
    action: "GrowVolume",
    reason: `to ${judged.spec.storage.size}`,
    ...waitsFor(veto),
  }));
}

function paused({ wishes }: Judged): string | null {
  return wishes.isPaused ? "Paused" : null;
}

function waitsFor(what: string | null): { waitsFor?: string } {
  return what === null ? {} : { waitsFor: what };
}
