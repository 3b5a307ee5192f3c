/** RolloutComplete (pure): the spec's revision was tried out and is in all pods. */
import { isFenced } from "#operator/slots/fence.ts";

import type { VerdictOn } from "./conditions.ts";
import { configApplied, describeProblems } from "./config-applied.ts";
import { type Judged, listed, stayingSlots, waitsForTurn } from "./judged.ts";

export function rolloutComplete(judged: Judged): VerdictOn<"RolloutComplete"> {
  const { config, rollout } = judged;
  const no = (reason: Exclude<VerdictOn<"RolloutComplete">["reason"], "Complete">, message: string) =>
    ({ status: "False", reason, message }) as const;
  if (config.kind === "refused")
    return no("RolledBack", `revision ${config.revision} was refused: ${describeProblems(config.problems)}`);
  if (config.kind === "taken-back") return no(config.phase, `revision ${config.revision}: ${config.message}`);
  if (config.kind === "broken") return no("NoRevision", "the spec makes no revision; see ConfigApplied");
  if (judged.wishes.rollout === "pause" && configApplied(judged).status !== "True")
    return no(
      "Paused",
      `revision ${config.revision} goes no further until the annotation mailfleet.io/rollout is removed`,
    );
  if (judged.waitsFor !== null) return no("WaitingForTurn", waitsForTurn(judged.waitsFor));
  if (rollout?.phase === "Canary") return no("Canary", `revision ${config.revision}: ${rollout.message}`);
  if (configApplied(judged).status !== "True")
    return no("Everywhere", `revision ${config.revision} is on its way to all pods${waitsForFenced(judged)}`);
  return { status: "True", reason: "Complete", message: `revision ${config.revision}` };
}

function waitsForFenced(judged: Judged): string {
  const slots = stayingSlots(judged).filter(({ slot }) => isFenced(judged.decision.fence, slot));
  return slots.length === 0
    ? ""
    : `, and waits for ${listed(slots.map(({ slot }) => `slot ${slot}`))}: fenced`;
}
