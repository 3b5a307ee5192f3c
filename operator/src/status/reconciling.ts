/** Reconciling (pure, kstatus): work is under way. False means that the cluster is what the spec says, or cannot be. */
import { vetoes } from "#operator/slots/vetoes.ts";
import { isFenced } from "#operator/slots/fence.ts";

import type { VerdictOn } from "./conditions.ts";
import { type Judged, listed, stayingSlots, targetRevision, waitsForTurn } from "./judged.ts";

export function reconciling(judged: Judged): VerdictOn<"Reconciling"> {
  const { decision, size, deletion } = judged;
  const yes = (reason: Exclude<VerdictOn<"Reconciling">["reason"], "Settled">, message: string) =>
    ({ status: "True", reason, message }) as const;
  if (deletion !== null) return yes("Deleting", `deletion policy ${deletion}`);
  if (judged.waitsFor !== null) return yes("WaitingForTurn", waitsForTurn(judged.waitsFor));
  const staying = stayingSlots(judged);
  const present = staying.filter(({ pod }) => pod !== null).length;
  const canMake = judged.config.kind !== "broken" || judged.lastGood !== null;
  if (present < size && canMake) return yes("CreatingPods", `${present} of ${size} pods exist`);
  const mayReplace = ({ slot }: Judged["slots"][number]): boolean =>
    judged.config.kind !== "taken-back" || judged.rollout?.canary.includes(slot) === true;
  // What nobody may touch is no work under way.
  const free = staying.filter(({ slot }) => !isFenced(decision.fence, slot));
  const outdated = free
    .filter(mayReplace)
    .filter(({ slot, pod }) => pod !== null && pod.hash !== judged.hashOf(slot));
  if (outdated.length > 0 && judged.config.kind !== "broken") {
    const isGathering = decision.restarts.some(({ veto }) => veto === "Settling");
    const rest = isGathering ? `; ${vetoes.Settling}` : "";
    const which = listed(outdated.map(({ slot }) => `slot ${slot}`));
    return yes("ReplacingPods", `to be made anew: ${which}${rest}`);
  }
  const leaving = decision.waiting.filter(({ wakeAt }) => wakeAt === null);
  if (leaving.length > 0)
    return yes("ScalingDown", `leaving: ${listed(leaving.map(({ slot }) => `slot ${slot}`))}`);
  const waitingFor = free.filter(({ pod }) => pod !== null && (!pod.isReady || pod.isTerminating));
  if (waitingFor.length > 0) return yes("WaitingForPods", `not ready: ${listed(waitingFor.map(named))}`);
  const target = targetRevision(judged.config);
  const behind = free.filter(({ pod }) => pod?.engine?.revision !== target);
  if (judged.config.kind === "rendered" && behind.length > 0)
    return yes("ApplyingConfig", `revision ${target} is on its way to ${listed(behind.map(named))}`);
  if (judged.rollout?.phase === "Canary")
    return yes("ApplyingConfig", `revision ${target} is tried out: ${judged.rollout.message}`);
  return { status: "False", reason: "Settled", message: "nothing is left to do" };
}

/** "slot 2 (ImagePullBackOff)". */
export function named({ slot, pod }: Judged["slots"][number]): string {
  if (pod?.engine?.state === "Fenced") return `slot ${slot} (fenced)`;
  return pod?.reason == null ? `slot ${slot}` : `slot ${slot} (${pod.reason})`;
}
