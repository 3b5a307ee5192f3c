/**
 * From what was observed to what is to be done (pure): which configuration is in force, what the objects should be,
 * which steps the slots need. `mail-cluster.ts` carries it out.
 */
import type { Context, OperatorFacts } from "#operator/desired/context.ts";
import { type PlannedObject, plan } from "#operator/desired/plan.ts";
import type { RenderedConfig } from "#operator/desired/engine-config.ts";
import { podHashOf } from "#operator/desired/pod.ts";
import { decideSlots, type SlotDecision, type SlotInput } from "#operator/slots/decide.ts";
import { chooseConfig } from "#operator/rollout/choose-config.ts";
import type { Judged } from "#operator/status/judged.ts";

import type { Observed } from "./observe.ts";
import type { Scaled } from "./scale.ts";

export interface Judgement {
  readonly size: number;
  /** Null while no configuration has ever been good: nothing can be made then. */
  readonly context: Context | null;
  readonly objects: readonly PlannedObject[];
  readonly decision: SlotDecision;
  readonly status: Judged;
  /** What engines should run; null while the spec makes nothing that may be pushed. */
  readonly target: RenderedConfig | null;
  readonly hashOf: (slot: number) => string;
}

export function judge(observed: Observed, facts: OperatorFacts, scaled: Scaled): Judgement {
  const { spec, slots, deletion, wishes } = observed;
  const size = wishes.isHibernating ? 0 : scaled.size;
  const { rendering, plugins, refusal, lastGood } = observed;
  const choice = chooseConfig({ rendering, pluginProblems: plugins.problems, refusal, lastGood });
  const { config, podChanges } = choice;
  const context = config === null ? null : contextOf(observed, { facts, size, config });
  const hashOf = memoised((slot) => (context === null ? "" : podHashOf(context, slot)));
  const decision = decideSlots(slotInput(observed, { size, hashOf, podChanges }));
  const status: Judged = {
    spec,
    size,
    scaled,
    wishes,
    deletion,
    slots,
    decision,
    config: choice.state,
    lastGood: lastGood?.revision ?? null,
    plugins: plugins.plugins,
    pluginProblems: plugins.problems,
    hashOf,
  };
  const isNeeded = context !== null && (deletion === null || (deletion === "Drain" && slots.length > 0));
  const objects = isNeeded ? plan(context, observed.admin) : [];
  const mayPush = choice.state.kind === "rendered" && refusal === null;
  return { size, context, objects, decision, status, target: mayPush ? config : null, hashOf };
}

function slotInput(
  { spec, slots, deletion, wishes, previous, orders }: Observed,
  parts: Pick<SlotInput, "size" | "hashOf" | "podChanges">,
): SlotInput {
  const { preferred, forced } = wishes;
  const leaving = (previous.pods ?? []).filter(({ leavingSince }) => leavingSince !== undefined);
  return {
    ...parts,
    ...orders,
    slots,
    deletion,
    preferred,
    forced,
    leavingBefore: new Set(leaving.map(({ slot }) => slot)),
    storageSize: spec.storage.size,
    reclaim: spec.storage.reclaim,
    drainTo: spec.drain.to,
    replaceable: null,
  };
}

function contextOf(
  observed: Observed,
  parts: { facts: OperatorFacts; size: number; config: RenderedConfig },
): Context {
  const { cluster, spec, deletion, plugins } = observed;
  return {
    cluster,
    spec,
    size: parts.size,
    isDeleting: deletion !== null,
    operator: parts.facts,
    config: parts.config,
    plugins: plugins.plugins,
  };
}

function memoised(compute: (slot: number) => string): (slot: number) => string {
  const known = new Map<number, string>();
  return (slot) => {
    const found = known.get(slot) ?? compute(slot);
    known.set(slot, found);
    return found;
  };
}
