/**
 * How the engines that try a revision out do, beside those that do not (pure). Only figures since the time of bake
 * began count, and only of processes that have run since. A process that started anew meanwhile, or a spool that
 * closed, is bad news whatever the figures are; a few attempts are no news at all.
 */
import type { EngineStatus } from "#contract/admin-api.ts";
import type { ObservedSlot } from "#operator/slots/observed.ts";
import { isFull } from "#operator/slots/spool-space.ts";

/** Where a pod stood when it was chosen, and again when the time of bake began; null: it did not answer. */
export interface Mark {
  readonly uid: string;
  readonly restarts: number;
  readonly startedAt: string | null;
  readonly totals: EngineStatus["totals"] | null;
}

/** By slot, of all pods. */
export interface Bake {
  readonly revision: string;
  /** By the monotonic clock, in milliseconds; null until all canary pods run the revision. */
  readonly since: number | null;
  readonly marks: ReadonlyMap<number, Mark>;
}

/** Fewer attempts in one group are no ground for a judgement. */
const FEWEST_ATTEMPTS = 20;

export function markAll(slots: readonly ObservedSlot[], revision: string, since: number | null): Bake {
  const marks = slots.flatMap(({ slot, pod }): [number, Mark][] => {
    if (pod === null) return [];
    const { uid, restarts, engine } = pod;
    return [[slot, { uid, restarts, startedAt: engine?.startedAt ?? null, totals: engine?.totals ?? null }]];
  });
  return { revision, since, marks: new Map(marks) };
}

/** What is bad about it, in words; null: nothing so far. */
export function faultOf(input: {
  readonly canary: readonly ObservedSlot[];
  readonly stable: readonly ObservedSlot[];
  readonly bake: Bake;
  readonly maxFailureRatio: number;
}): string | null {
  const { canary, stable, bake, maxFailureRatio } = input;
  for (const { slot, pod } of canary) {
    const mark = bake.marks.get(slot);
    if (pod === null || mark === undefined || pod.uid !== mark.uid) continue;
    const { engine, restarts } = pod;
    const isAnother = engine !== null && mark.startedAt !== null && engine.startedAt !== mark.startedAt;
    if (isAnother || restarts > mark.restarts) return `slot ${slot} ended and started anew`;
    if (engine !== null && engine.spoolClosed !== null && !isFull(engine))
      return `slot ${slot} closed its spool`;
  }
  const [tried, others] = [figuresOf(canary, bake), figuresOf(stable, bake)];
  for (const kind of ["failed", "deferred"] as const) {
    const [ratio, usual] = [ratioOf(tried, kind), ratioOf(others, kind) ?? 0];
    if (ratio !== null && ratio > usual + maxFailureRatio)
      return `${percent(ratio)} of its attempts ${kind}, ${percent(usual)} of those of other pods`;
  }
  return null;
}

type Figures = Readonly<Record<"delivered" | "failed" | "deferred", number>>;

function figuresOf(slots: readonly ObservedSlot[], { marks }: Bake): Figures {
  const sum = { delivered: 0, failed: 0, deferred: 0 };
  for (const { slot, pod } of slots) {
    const mark = marks.get(slot);
    if (pod?.engine == null || mark?.totals == null || mark.uid !== pod.uid) continue;
    if (mark.startedAt !== pod.engine.startedAt) continue;
    for (const key of ["delivered", "failed", "deferred"] as const)
      sum[key] += pod.engine.totals[key] - mark.totals[key];
  }
  return sum;
}

function ratioOf(figures: Figures, kind: "failed" | "deferred"): number | null {
  const { delivered, failed, deferred } = figures;
  const attempts = delivered + failed + (kind === "deferred" ? deferred : 0);
  return attempts < FEWEST_ATTEMPTS ? null : figures[kind] / attempts;
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
