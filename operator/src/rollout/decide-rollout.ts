/**
 * How far a revision may go (pure). Canary: a few pods run it and are watched for the time of bake. Everywhere: they
 * did well, or there is nothing to go back to. RolledBack, Held: they did badly; it stays so until the spec makes
 * another revision. `reconcile/` pushes accordingly and writes the answer into the status, from where it comes back
 * as `previous`; a time of bake whose marks are lost begins anew.
 *
 * Unknown is not well: while a canary pod does not answer, is not ready or does not run the revision, the time goes
 * on and nothing is decided.
 */
import type { RolloutSpec } from "#crds/mail-cluster-scaling.ts";
import type { MailClusterStatus } from "#crds/mail-cluster-status.ts";
import type { ObservedSlot } from "#operator/slots/observed.ts";

import { type Bake, faultOf, markAll } from "./canary.ts";

/** What people may say to it, by annotation. */
export const rolloutOrders = ["pause", "promote", "rollback"] as const;
export type RolloutOrder = (typeof rolloutOrders)[number];

export type RolloutStatus = NonNullable<MailClusterStatus["rollout"]>;

export interface RolloutInput {
  /** The revision that the spec makes. */
  readonly target: string;
  readonly lastGood: string | null;
  readonly rules: RolloutSpec;
  /** The slots that stay, as far as they exist. */
  readonly slots: readonly ObservedSlot[];
  readonly previous: RolloutStatus | undefined;
  readonly bake: Bake | null;
  /** "wait": other clusters have their turn. */
  readonly order: RolloutOrder | "wait" | null;
  /** The NativePlugin of that id in the engine, by name; null: there is none. */
  readonly pluginName: (id: string) => string | null;
  /** By the monotonic clock, in milliseconds, and as ISO time in whole seconds. */
  readonly now: number;
  readonly time: string;
}

export interface Rollout {
  readonly status: RolloutStatus;
  readonly bake: Bake | null;
}

export function decideRollout(input: RolloutInput): Rollout {
  const { target, lastGood, previous, slots } = input;
  const known = previous?.revision === target ? previous : undefined;
  if (lastGood === null || lastGood === target || slots.length === 0)
    return settled(input, known, "Everywhere", "there is nothing to try out");
  const ordered = obey(input, known);
  if (ordered !== null) return ordered;
  if (known !== undefined && known.phase !== "Canary") return { status: known, bake: null };
  const canary = known === undefined ? chooseCanary(input) : keepCanary(input, known.canary);
  return watch(input, known, canary);
}

/** Null: it takes its course. A pause holds the time of bake too, since what happens in it is not looked at. */
function obey(input: RolloutInput, known: RolloutStatus | undefined): Rollout | null {
  const { order, target, time } = input;
  const canary = [...(known?.canary ?? [])];
  if (order === "promote")
    return settled(input, known, "Everywhere", "promoted by the annotation mailfleet.io/rollout");
  if (order === "rollback" && known?.phase === "RolledBack") return { status: known, bake: null };
  if (order === "rollback") {
    const message = "rolled back by the annotation mailfleet.io/rollout";
    return { status: { phase: "RolledBack", revision: target, since: time, canary, message }, bake: null };
  }
  const isHeld = order === "pause" || order === "wait";
  if (!isHeld || (known !== undefined && known.phase !== "Canary")) return null;
  const message = order === "wait" ? "waits for its turn" : "paused by the annotation mailfleet.io/rollout";
  const since = known?.message === message ? known.since : time;
  return { status: { phase: "Canary", revision: target, since, canary, message }, bake: null };
}

function watch(
  input: RolloutInput,
  known: RolloutStatus | undefined,
  canary: readonly ObservedSlot[],
): Rollout {
  const { target, rules, slots, now, time } = input;
  const numbers = canary.map(({ slot }) => slot);
  const stable = slots.filter(({ slot }) => !numbers.includes(slot));
  const same = input.bake?.revision === target ? input.bake : null;
  const isWhole = same !== null && numbers.every((slot) => isMarked(same, slots, slot));
  const bake = isWhole ? same : markAll(slots, target, null);
  const base = { revision: target, canary: [...numbers] };
  const { maxFailureRatio, maxLatencyFactor, bakeSeconds } = rules.canary;
  const { pluginName } = input;
  const fault = faultOf({ canary, stable, bake, maxFailureRatio, maxLatencyFactor, pluginName });
  if (fault !== null) {
    const phase = rules.autoRollback ? "RolledBack" : "Held";
    return { status: { ...base, phase, since: time, message: fault }, bake };
  }
  const isRunning = canary.every((slot) => doesRun(slot, target));
  const waiting = (message: string, since: string, next: Bake): Rollout => ({
    status: { ...base, phase: "Canary", since, message },
    bake: next,
  });
  const where = `slot ${numbers.join(", slot ")}`;
  if (!isRunning) return waiting(`waits for ${where} to run it`, known?.since ?? time, bake);
  if (bake.since === null && bakeSeconds > 0)
    return waiting(`${where}: watched for ${bakeSeconds} s`, time, markAll(slots, target, now));
  if (bake.since !== null && now - bake.since < bakeSeconds * 1000)
    return waiting(`${where}: watched for ${bakeSeconds} s`, known?.since ?? time, bake);
  return settled(input, known, "Everywhere", `${where} did well`);
}

function settled(
  { target, time }: RolloutInput,
  known: RolloutStatus | undefined,
  phase: "Everywhere",
  message: string,
): Rollout {
  if (known?.phase === phase) return { status: known, bake: null };
  return {
    status: { phase, revision: target, since: time, canary: [...(known?.canary ?? [])], message },
    bake: null,
  };
}

/** Where the pod that was marked is there no more, its successor is watched from its own beginning. */
function isMarked(bake: Bake, slots: readonly ObservedSlot[], slot: number): boolean {
  const pod = slots.find((each) => each.slot === slot)?.pod ?? null;
  return bake.marks.get(slot)?.uid === pod?.uid;
}

function doesRun({ pod }: ObservedSlot, revision: string): boolean {
  return pod?.isReady === true && !pod.isTerminating && pod.engine?.revision === revision;
}

/** Those that run something unproven already, then those that answer, then by number. */
function chooseCanary({ slots, rules, lastGood }: RolloutInput): readonly ObservedSlot[] {
  const rank = ({ pod }: ObservedSlot): number => {
    if (pod?.engine == null || !pod.isReady) return 2;
    return pod.engine.revision === lastGood ? 1 : 0;
  };
  const ranked = [...slots].sort((a, b) => rank(a) - rank(b) || a.slot - b.slot);
  return inOrder(ranked.slice(0, rules.canary.pods));
}

/** Slots that have left are replaced by others. */
function keepCanary(input: RolloutInput, numbers: readonly number[]): readonly ObservedSlot[] {
  const kept = input.slots.filter(({ slot }) => numbers.includes(slot)).slice(0, input.rules.canary.pods);
  const rest = input.slots.filter(({ slot }) => !numbers.includes(slot));
  const missing = Math.max(0, input.rules.canary.pods - kept.length);
  const rules = { ...input.rules, canary: { ...input.rules.canary, pods: missing } };
  return inOrder([...kept, ...(missing === 0 ? [] : chooseCanary({ ...input, slots: rest, rules }))]);
}

function inOrder(slots: readonly ObservedSlot[]): readonly ObservedSlot[] {
  return [...slots].sort((a, b) => a.slot - b.slot);
}
