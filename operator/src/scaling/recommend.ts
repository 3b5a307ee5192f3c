/**
 * Figures to a wished number of pods, one wish per target, the largest wins (as the HorizontalPodAutoscaler does
 * with several metrics). No windows and no limits here: that is limits.ts. Pure.
 */
import { roundFigure } from "#operator/slots/round-figure.ts";

import type { Signals } from "./signals.ts";

/** Absent targets are null and have no say. */
export interface Targets {
  readonly dueMessagesPerPod: number | null;
  readonly oldestDueSeconds: number | null;
  readonly sessionsPerPod: number | null;
  /** Per cent of the event loop. */
  readonly cpuPercent: number | null;
}

export interface Recommendation {
  readonly replicas: number;
  /** The target that asks for it, in words for the decision record: "due 4200, 1000 a pod". */
  readonly because: string;
}

/** The HorizontalPodAutoscaler's tolerance: within a tenth of the target nothing moves. */
const TOLERANCE = 0.1;
/** Age says that something is late, not how much is missing: it may at most double the pods at a time. */
const MAX_AGE_FACTOR = 2;

export function recommend(signals: Signals, targets: Targets, current: number): Recommendation {
  const wishes: Recommendation[] = [
    ...perPod("due", signals.due, targets.dueMessagesPerPod, current),
    ...perPod("sessions", signals.sessions, targets.sessionsPerPod, current),
    ...saturationWish(signals, targets.cpuPercent, current),
    ...ageWish(signals, targets.oldestDueSeconds, current),
  ];
  return wishes.reduce((most, wish) => (wish.replicas > most.replicas ? wish : most), {
    replicas: 0,
    because: "nothing is waiting",
  });
}

function perPod(name: string, total: number, target: number | null, current: number): Recommendation[] {
  if (target === null || total === 0) return [];
  const because = `${name} ${roundFigure(total)}, ${target} a pod`;
  return [{ replicas: settled(total / target, current), because }];
}

function saturationWish(signals: Signals, target: number | null, current: number): Recommendation[] {
  if (target === null || signals.saturation === null) return [];
  const percent = signals.saturation * 100;
  const because = `cpu ${Math.round(percent / Math.max(signals.podsKnown, 1))} %, target ${target} %`;
  return [{ replicas: settled(percent / target, current), because }];
}

/** Late mail asks for more pods; mail in time asks for none, but never that pods leave while something is due. */
function ageWish(signals: Signals, target: number | null, current: number): Recommendation[] {
  if (target === null || signals.oldestDueSeconds === 0) return [];
  const factor = signals.oldestDueSeconds / target;
  const because = `oldest due ${roundFigure(signals.oldestDueSeconds)} s, target ${target} s`;
  if (factor <= 1 + TOLERANCE) return [{ replicas: Math.min(current, 1), because }];
  return [{ replicas: Math.ceil(Math.max(current, 1) * Math.min(factor, MAX_AGE_FACTOR)), because }];
}

/** Rounds up, and stays where it is when the target is met within the tolerance. */
function settled(exact: number, current: number): number {
  if (current > 0 && Math.abs(exact / current - 1) <= TOLERANCE) return current;
  return Math.ceil(exact);
}
