/**
 * The autoscaler: figures, rules and memory to a number of pods and the sentence that says why. Pure; the pass
 * keeps the history between passes and writes the record into the status.
 *
 * Unknown is never zero. With no pod known nothing moves; with some unknown the sums are lower bounds, which can
 * justify more pods and never fewer.
 */
import { type Behavior, type History, limitStep, stabilize, trim } from "./limits.ts";
import { type Targets, recommend } from "./recommend.ts";
import type { Signals } from "./signals.ts";

export interface ScalingRules {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly targets: Targets;
  readonly behavior: Behavior;
}

/**
 * Scaled          moved towards the wish.
 * Settled         nothing to do.
 * Stabilizing     the wish has not stood long enough.
 * StepLimited     moved, or waits, as far as the period allows.
 * AtMinimum, AtMaximum   the wish lies beyond the bound.
 * FiguresUnknown  some or all pods are silent: held.
 * Spreading       fewer would do, but due mail is on its way to the pods that look idle: held.
 */
export type ScalingReason =
  | "Scaled"
  | "Settled"
  | "Stabilizing"
  | "StepLimited"
  | "AtMinimum"
  | "AtMaximum"
  | "FiguresUnknown"
  | "Spreading";

export interface ScalingDecision {
  readonly replicas: number;
  readonly reason: ScalingReason;
  /** A sentence for the status: "4 pods: due 4200, 1000 a pod". */
  readonly message: string;
  /** False while figures are missing (condition ScalingActive). */
  readonly isActive: boolean;
  readonly history: History;
}

export function decideScale(input: {
  readonly rules: ScalingRules;
  readonly signals: Signals;
  readonly current: number;
  readonly history: History;
  /** Engines are handing due mail to each other. */
  readonly isSpreading: boolean;
  /** Seconds. */
  readonly now: number;
}): ScalingDecision {
  const { rules, signals, current, now } = input;
  const history = trim(remembered(input.history, current, now), rules.behavior, now);
  if (signals.podsKnown === 0 && signals.podsUnknown > 0) {
    const message = `held at ${current}: none of ${signals.podsUnknown} pods tells its figures`;
    return { replicas: current, reason: "FiguresUnknown", message, isActive: false, history };
  }
  const { replicas: wish, because } = recommend(signals, rules.targets, current);
  if (!signals.isComplete && wish < current) {
    const message = `held at ${current}: ${signals.podsUnknown} pods do not tell their figures`;
    return { replicas: current, reason: "FiguresUnknown", message, isActive: false, history };
  }
  return follow({ ...input, history, wish, because });
}

/** Nothing remembered at all (a new leader): the size found is the first wish, so nobody leaves at once. */
function remembered(history: History, current: number, now: number): History {
  return history.wishes.length > 0 ? history : { ...history, wishes: [{ at: now, replicas: current }] };
}

function follow(input: {
  readonly rules: ScalingRules;
  readonly signals: Signals;
  readonly current: number;
  readonly history: History;
  readonly isSpreading: boolean;
  readonly now: number;
  readonly wish: number;
  readonly because: string;
}): ScalingDecision {
  const { rules, current, now, wish, because } = input;
  const bounded = Math.min(Math.max(wish, rules.minReplicas), rules.maxReplicas);
  const shared = { current, history: input.history, behavior: rules.behavior, now };
  // The user's bounds hold at once: neither windows nor steps keep a cluster outside of them.
  const clamped = Math.min(Math.max(current, rules.minReplicas), rules.maxReplicas);
  const stable = stabilize({ ...shared, current: clamped, wish: bounded });
  const step = limitStep({ ...shared, current: clamped, wish: stable });
  const isHeld = input.isSpreading && step < clamped;
  const replicas = isHeld ? clamped : step;
  const reason = isHeld ? "Spreading" : reasonOf({ wish, bounded, stable, replicas, current });
  const changes = replicas === current ? [] : [{ at: now, from: current, to: replicas }];
  return {
    replicas,
    reason,
    message: `${replicas} pods: ${because}${bounded === wish ? "" : `, bounds ${rules.minReplicas} to ${rules.maxReplicas}`}`,
    isActive: input.signals.isComplete,
    history: {
      wishes: [...input.history.wishes, { at: now, replicas: bounded }],
      changes: [...input.history.changes, ...changes],
    },
  };
}

function reasonOf(numbers: {
  readonly wish: number;
  readonly bounded: number;
  readonly stable: number;
  readonly replicas: number;
  readonly current: number;
}): ScalingReason {
  const { wish, bounded, stable, replicas, current } = numbers;
  if (replicas !== stable) return "StepLimited";
  if (replicas !== current) return "Scaled";
  if (stable !== bounded) return "Stabilizing";
  if (wish > bounded) return "AtMaximum";
  if (wish < bounded) return "AtMinimum";
  return "Settled";
}
