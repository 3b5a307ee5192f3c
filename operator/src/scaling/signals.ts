/**
 * What the autoscaler looks at: the figures of each serving pod, or that they are unknown. Unknown is never zero:
 * a sum over pods of which one is silent is a lower bound, and `isComplete` says so. Pure.
 */

/** What one pod last said of itself, if that is fresh. Null: unknown. */
export interface PodSignals {
  /** Recipients being tried or due; what the remote side put off, or a rule holds back, does not count. */
  readonly due: number;
  readonly oldestDueSeconds: number;
  readonly sessions: number;
  /** Share of the event loop in use, 0 to 1; null where the engine does not tell. */
  readonly saturation: number | null;
}

export interface Signals {
  /** False when at least one pod is unknown: the sums are then lower bounds. */
  readonly isComplete: boolean;
  readonly podsKnown: number;
  readonly podsUnknown: number;
  readonly due: number;
  readonly oldestDueSeconds: number;
  readonly sessions: number;
  /** Sum over the pods that tell; null when none does. */
  readonly saturation: number | null;
}

export function gatherSignals(pods: readonly (PodSignals | null)[]): Signals {
  const known = pods.filter((pod) => pod !== null);
  const loops = known.map((pod) => pod.saturation).filter((value) => value !== null);
  return {
    isComplete: known.length === pods.length,
    podsKnown: known.length,
    podsUnknown: pods.length - known.length,
    due: sum(known.map((pod) => pod.due)),
    oldestDueSeconds: Math.max(0, ...known.map((pod) => pod.oldestDueSeconds)),
    sessions: sum(known.map((pod) => pod.sessions)),
    saturation: loops.length === 0 ? null : sum(loops),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
