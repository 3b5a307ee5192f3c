/**
 * The queues of all pods as a few rounded figures (pure). A pod that does not tell is counted as unknown; it never
 * counts as empty.
 */
import type { MailClusterStatus } from "#crds/mail-cluster-status.ts";
import type { ObservedPod } from "#operator/slots/observed.ts";
import { roundFigure } from "#operator/slots/round-figure.ts";

export function queueSummary(pods: readonly ObservedPod[]): MailClusterStatus["queue"] {
  const queues = pods.flatMap(({ engine }) => (engine === null ? [] : [engine.queue]));
  const podsUnknown = pods.length - queues.length;
  if (queues.length === 0 && podsUnknown > 0) return { podsUnknown };
  const sum = (figure: "total" | "deferred"): number =>
    queues.reduce((total, queue) => total + queue[figure], 0);
  return {
    total: roundFigure(sum("total")),
    deferred: roundFigure(sum("deferred")),
    oldestDueSeconds: roundAge(Math.max(0, ...queues.map(({ oldestDueSeconds }) => oldestDueSeconds))),
    podsUnknown,
  };
}

/** Half minutes are noise: 0 below one, then whole minutes rounded like any figure. */
function roundAge(seconds: number): number {
  return roundFigure(Math.floor(seconds / 60)) * 60;
}
