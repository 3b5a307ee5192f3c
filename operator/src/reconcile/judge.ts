/**
 * From what was observed to what is to be done (pure): which configuration is in force, what the objects should be,
 * which steps the slots need. `mail-cluster.ts` carries it out.
 */
import type { Context, OperatorFacts } from "#operator/desired/context.ts";
import { webName } from "#operator/desired/names.ts";
import { plan } from "#operator/desired/plan.ts";
import type { PlannedObject } from "#operator/desired/planned.ts";
import type { RenderedConfig } from "#operator/desired/engine-config.ts";
import { podHashOf, podPartsOf } from "#operator/desired/pod.ts";
import type { KubeObject } from "#operator/kube/kube.ts";
import { decideSlots, type SlotDecision } from "#operator/slots/decide.ts";
import { type IdentityPlan, planIdentities } from "#operator/slots/identities.ts";
import type { SlotInput } from "#operator/slots/input.ts";
import type { Bake } from "#operator/rollout/canary.ts";
import { type ConfigChoice, chooseConfig } from "#operator/rollout/choose-config.ts";
import { decideRollout, type Rollout } from "#operator/rollout/decide-rollout.ts";
import { type Edits, noteEdit, settledAt } from "#operator/rollout/settle.ts";
import { chooseStaying } from "#operator/slots/choose.ts";
import { type Fence, isFenced } from "#operator/slots/fence.ts";
import { isOnLeavingNode, type ObservedSlot } from "#operator/slots/observed.ts";
import type { Judged } from "#operator/status/judged.ts";

import type { Observed } from "./observe.ts";
import type { Scaled } from "./scale.ts";

export interface Judgement {
  readonly size: number;
  /** What objects are made from; null while no configuration has ever been good: nothing can be made then. */
  readonly context: Context | null;
  /** What the pod of a slot is made from: the last good configuration where a new one is still tried out elsewhere. */
  readonly contextOf: (slot: number) => Context | null;
  readonly objects: readonly PlannedObject[];
  readonly decision: SlotDecision;
  readonly status: Judged;
  /** What engines should get, and which; null while there is nothing that may be pushed. */
  readonly push: { readonly config: RenderedConfig; readonly only: ReadonlySet<number> | null } | null;
  readonly bake: Bake | null;
  /** Edits that are being gathered; null: all pods are as wanted. */
  readonly edits: Edits | null;
  /** When they have been, by the monotonic clock; null: they have. */
  readonly settlesAt: number | null;
  readonly hashOf: (slot: number) => string;
}

export function judge(observed: Observed, facts: OperatorFacts, scaled: Scaled): Judgement {
  const { spec, slots, deletion, wishes, rendering, plugins, refusal, lastGood } = observed;
  const size = wishes.isHibernating ? 0 : boundedByIdentities(scaled.size, spec);
  const rollout = rolloutOf(observed, size);
  const files = { rendering, refusal, lastGood, rollout: rollout?.status ?? null };
  const choice = chooseConfig({ ...files, pluginProblems: plugins.problems });
  const { config, podChanges } = choice;
  const held = holdOf(observed);
  const identities = identitiesOf(observed, size);
  const parts = { facts, size, identities };
  const context = config === null ? null : contextWith(observed, { ...parts, config });
  const stable = lastGood === null ? context : contextWith(observed, { ...parts, config: lastGood });
  const [canary, phase] = [canaryOf(rollout), rollout?.status.phase];
  const hashOf = memoised((slot) => (context === null ? "" : podHashOf(context, slot)));
  const settling = settlingOf(observed, choice, hashOf);
  const decision = decideSlots({
    ...slotInput(observed, {
      ...{ size, hashOf, podChanges },
      heldBy: podChanges === "all" ? held : "ConfigNotGood",
    }),
    isSettling: settling.settlesAt !== null,
    identities,
    replaceable: canary,
    unteachable: phase === "RolledBack" ? new Set(rollout?.status.canary) : new Set(),
  });
  const isNeeded = context !== null && (deletion === null || (deletion === "Drain" && slots.length > 0));
  return {
    size,
    context,
    contextOf: (slot) => (phase === "Canary" && canary?.has(slot) === false ? stable : context),
    objects: isNeeded ? plan(context, observed.admin, observed.spamhaus.keys, observed.web) : [],
    decision,
    status: judgedOf(observed, { ...parts, scaled, rollout, choice, context, hashOf, decision }),
    push: config === null || held !== null ? null : pushOf(choice, config, canary),
    bake: rollout?.bake ?? null,
    ...settling,
    hashOf,
  };
}

/** What conditions and plan are told from. */
function judgedOf(
  observed: Observed,
  found: {
    readonly facts: OperatorFacts;
    readonly scaled: Scaled;
    readonly size: number;
    readonly identities: IdentityPlan | null;
    readonly rollout: Rollout | null;
    readonly choice: ConfigChoice;
    readonly context: Context | null;
    readonly hashOf: (slot: number) => string;
    readonly decision: SlotDecision;
  },
): Judged {
  const { spec, wishes, waitsFor, deletion, slots, spamhaus, plugins, lastGood } = observed;
  const { facts, scaled, size, identities, rollout, choice, context, hashOf, decision } = found;
  return {
    ...{ spec, wishes, waitsFor, deletion, slots, spamhaus },
    ...{ scaled, size, identities, hashOf, decision },
    isNodeAddress: observed.nodes.isAddress,
    config: choice.state,
    rollout: rollout?.status ?? null,
    lastGood: lastGood?.revision ?? null,
    plugins: plugins.plugins,
    pluginProblems: plugins.problems,
    web: webOf(observed, facts),
    refused: [],
    partsOf: (slot) => (context === null ? {} : podPartsOf(context, slot)),
  };
}

/** What is taken back is no edit: it goes at once. While nothing is done at all, nothing is gathered. */
function settlingOf(
  { slots, spec, edits: before, orders, wishes }: Observed,
  { state }: ConfigChoice,
  hashOf: (slot: number) => string,
): Pick<Judgement, "edits" | "settlesAt"> {
  const isOutdated = slots.some(({ slot, pod }) => pod !== null && pod.hash !== hashOf(slot));
  if (!isOutdated || state.kind !== "rendered" || wishes.isPaused) return { edits: null, settlesAt: null };
  const settleMs = spec.rollout.settleSeconds * 1000;
  // Any slot stands for what is wanted of all.
  const edits = noteEdit(before, { wanted: hashOf(0), now: orders.now, settleMs });
  const at = settledAt(edits, settleMs);
  return { edits, settlesAt: at > orders.now ? at : null };
}

/** Why nothing new reaches the pods. */
function holdOf({ wishes, waitsFor }: Observed): "RolloutPaused" | "UpgradeTurn" | null {
  if (wishes.rollout === "pause") return "RolloutPaused";
  return waitsFor === null ? null : "UpgradeTurn";
}

function webOf({ spec, owned, key, servesRoutes }: Observed, facts: OperatorFacts): Judged["web"] {
  if (!spec.webAdmin.enabled) return null;
  const named = ({ metadata }: KubeObject): boolean => metadata.name === webName(key.name);
  return {
    image: spec.webAdmin.image ?? facts.webImage,
    hasOrdersPolicy: facts.hasOrdersPolicy,
    deployment: owned.deployments.find(named) ?? null,
    route: servesRoutes ? (owned.httpRoutes.find(named) ?? null) : "not-served",
  };
}

/** Pods beyond the identities would have nothing to send from. */
function boundedByIdentities(size: number, { identities }: Observed["spec"]): number {
  return identities.length === 0 ? size : Math.min(size, identities.length);
}

function identitiesOf(observed: Observed, size: number): IdentityPlan | null {
  const { spec, slots, deletion } = observed;
  if (spec.identities.length === 0) return null;
  const input = slotInput(observed, { size, hashOf: () => "", podChanges: "none", heldBy: null });
  const staying = chooseStaying(deletion === null ? input : { ...input, size: 0 });
  return planIdentities(
    spec.identities.map(({ address }) => address),
    slots,
    staying,
  );
}

/** Null while the spec makes no revision that could be tried out. */
function rolloutOf(observed: Observed, size: number): Rollout | null {
  const { rendering, plugins, refusal, lastGood, spec, previous, bake, orders, time } = observed;
  if (!rendering.ok || plugins.problems.length > 0 || refusal !== null) return null;
  const input = slotInput(observed, { size, hashOf: () => "", podChanges: "none", heldBy: null });
  const staying = new Set(chooseStaying(input));
  return decideRollout({
    target: rendering.config.revision,
    lastGood: lastGood?.revision ?? null,
    rules: spec.rollout,
    slots: tellable(
      observed.slots.filter(({ slot }) => staying.has(slot)),
      observed.wishes.fence,
    ),
    previous: previous.rollout,
    bake,
    order: holdOf(observed) === "UpgradeTurn" ? "wait" : observed.wishes.rollout,
    pluginName: (id) => plugins.plugins.find((plugin) => plugin.id === id)?.name ?? null,
    now: orders.now,
    time,
  });
}

/** Fenced ones show nothing of a revision; where all are, it waits for them. */
function tellable(slots: readonly ObservedSlot[], fence: Fence): readonly ObservedSlot[] {
  const free = slots.filter(({ slot }) => !isFenced(fence, slot));
  return free.length > 0 ? free : slots;
}

/** The slots that a roll-out is confined to; null: it is not. */
function canaryOf(rollout: Rollout | null): ReadonlySet<number> | null {
  if (rollout === null || rollout.status.phase === "Everywhere") return null;
  return new Set(rollout.status.canary);
}

function pushOf(
  { state }: ConfigChoice,
  config: RenderedConfig,
  canary: ReadonlySet<number> | null,
): Judgement["push"] {
  if (state.kind === "rendered") return { config, only: canary };
  const isTakenBack =
    state.kind === "refused" || (state.kind === "taken-back" && state.phase === "RolledBack");
  return isTakenBack ? { config, only: null } : null;
}

function slotInput(
  { spec, slots, nodes, deletion, wishes, previous, orders, time }: Observed,
  parts: Pick<SlotInput, "size" | "hashOf" | "podChanges" | "heldBy">,
): SlotInput {
  const { preferred, forced, ignored, fence } = wishes;
  const leaving = (previous.pods ?? []).filter(({ leavingSince }) => leavingSince !== undefined);
  return {
    ...parts,
    ...orders,
    slots,
    deletion,
    preferred,
    forced,
    ignored,
    fence,
    leavingBefore: new Set(leaving.map(({ slot }) => slot)),
    storageSize: spec.storage.size,
    reclaim: spec.storage.reclaim,
    drainTo: spec.drain.to,
    wallMs: Date.parse(time),
    canMove: slots.some(isOnLeavingNode) && nodes.hasReady(),
    replaceable: null,
    isSettling: false,
    unteachable: new Set(),
    identities: null,
  };
}

function contextWith(
  observed: Observed,
  parts: { facts: OperatorFacts; size: number; config: RenderedConfig; identities: IdentityPlan | null },
): Context {
  const { cluster, spec, deletion, plugins, wishes } = observed;
  return {
    cluster,
    spec,
    size: parts.size,
    isDeleting: deletion !== null,
    isMoving: isMoving(observed),
    restart: wishes.restart,
    identityOf: (slot) => parts.identities?.of.get(slot) ?? null,
    operator: parts.facts,
    servesRoutes: observed.servesRoutes,
    config: parts.config,
    // A configuration that does not name a plugin needs no volume of it.
    plugins: plugins.plugins.filter(({ path }) => parts.config.startup.includes(path)),
  };
}

/**
 * Pods of the cluster are on nodes that are being emptied and can leave them; not for longer than a drain may take, since
 * nothing is evicted meanwhile.
 */
function isMoving({ slots, nodes, spec, previous, time }: Observed): boolean {
  if (spec.drain.to !== "Peers" || !slots.some(isOnLeavingNode) || !nodes.hasReady()) return false;
  const isInTime = (slot: number): boolean => {
    const since = previous.pods?.find((entry) => entry.slot === slot)?.leavingSince;
    return since === undefined || Date.parse(time) - Date.parse(since) <= spec.drain.deadlineSeconds * 1000;
  };
  return slots.some((slot) => isOnLeavingNode(slot) && isInTime(slot.slot));
}

function memoised(compute: (slot: number) => string): (slot: number) => string {
  const known = new Map<number, string>();
  return (slot) => {
    const found = known.get(slot) ?? compute(slot);
    known.set(slot, found);
    return found;
  };
}
