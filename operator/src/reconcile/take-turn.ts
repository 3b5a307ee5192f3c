/**
 * Lets a cluster wait when a new version of the operator would make its pods anew, until it has its turn (turns.ts). What
 * nobody has edited and yet differs at the first look of this operator is the operator's doing. An edit of the spec, an order
 * to promote, or a deletion waits for nobody.
 */
import type { OperatorFacts } from "#operator/desired/context.ts";
import { reconciling } from "#operator/status/reconciling.ts";

import { type Judgement, judge } from "./judge.ts";
import type { Observed } from "./observe.ts";
import type { Scaled } from "./scale.ts";
import type { Tools } from "./tools.ts";

type TurnTools = Pick<Tools, "memory" | "turns"> & { readonly facts: OperatorFacts };

export function takeTurn(tools: TurnTools, observed: Observed, scaled: Scaled): Observed {
  const { key, generation } = observed;
  const memory = tools.memory.of(key);
  if (memory.upgrade?.isDue === false) return observed;
  const judgement = judge(observed, tools.facts, scaled);
  const isFirst = memory.upgrade === null;
  memory.upgrade ??= { generation, isDue: isMadeAnew(observed, judgement) };
  const isEdited = memory.upgrade.generation !== generation;
  if (isFree(observed) || isEdited || !memory.upgrade.isDue || !isUnfinished(judgement)) {
    memory.upgrade = { generation, isDue: false };
    tools.turns.leave(key);
    return observed;
  }
  const isUnderWay = isFirst && wasUnderWay(observed);
  return tools.turns.take(key, { isUnderWay }) ? observed : { ...observed, waitsFor: tools.turns.holders };
}

function isFree({ deletion, wishes }: Observed): boolean {
  return deletion !== null || wishes.rollout === "promote";
}

/** The spec is the one that the status speaks of, and what is made of it is another. */
function isMadeAnew({ previous, generation }: Observed, { decision, status }: Judgement): boolean {
  if (previous.observedGeneration !== generation || status.config.kind !== "rendered") return false;
  return decision.restarts.length > 0 || previous.revision?.target !== status.config.revision;
}

/** What did badly or cannot go on holds nobody up. */
function isUnfinished({ status }: Judgement): boolean {
  if (status.config.kind !== "rendered") return false;
  const { status: isOn, reason } = reconciling(status);
  return isOn === "True" && reason !== "ScalingDown";
}

/** An operator before this one has begun with it. */
function wasUnderWay({ previous }: Observed): boolean {
  const found = previous.conditions?.find(({ type }) => type === "Reconciling");
  return found?.reason === "ReplacingPods" || found?.reason === "ApplyingConfig";
}
