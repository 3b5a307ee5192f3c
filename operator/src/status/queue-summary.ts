/**
 * The queues of all pods as a few rounded figures (pure). A pod that does not tell is counted as unknown; it never
 * counts as empty.
 */
import type { MailClusterStatus } from "#crds/mail-cluster-status.ts";
import type { ObservedPod } from "#operator/slots/observed.ts";

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

/** One digit and its half steps (1, 2 … 9, 10, 15, 20 … 95, 100, 150 …), upwards, so that only empty reads 0. */
export function roundFigure(value: number): number {
  if (value < 10) return Math.ceil(value);
  const step = 10 ** Math.floor(Math.log10(value)) / 2;
  return Math.ceil(value / step) * step;
}

/** Half minutes are noise: 0 below one, then whole minutes rounded like any figure. */
function roundAge(seconds: number): number {
  return roundFigure(Math.floor(seconds / 60)) * 60;
}
