/**
 * How the engines that try a revision out do, beside those that do not (pure). Only figures since the time of bake
 * began count, and only of processes that have run since. A process that started anew meanwhile or cannot start, or a
 * spool that closed, is bad news whatever the figures are; a few cases are no news at all, and a figure that an engine does not
 * tell is no figure. What was refused for want of room on a disk is no case at all.
 */
import type { EngineStatus } from "#contract/admin-api.ts";
import { describeBlame } from "#operator/plugins/crashes.ts";
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

/** Fewer cases in one group are no ground for a judgement. */
const FEWEST_CASES = 20;
/** What the node says of a container that will not run before somebody changes something, or that ends over and over. */
const STUCK =
  /^(ImagePullBackOff|InvalidImageName|ErrImageNeverPull|CreateContainer\w*Error|RunContainerError|CrashLoopBackOff)/;
/** Slower by less than this is no fault, however fast the others are. */
const SLOWER_SECONDS = 1;

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
  readonly maxLatencyFactor: number;
  /** The NativePlugin of that id, by name. */
  readonly pluginName: (id: string) => string | null;
}): string | null {
  const { canary, stable, bake, pluginName } = input;
  const broken = canary.map((slot) => breakOf(slot, bake, pluginName)).find((words) => words !== null);
  if (broken !== undefined && broken !== null) return broken;
  // What was counted before all of them ran the revision says nothing about it.
  if (bake.since === null) return null;
  const [tried, others] = [figuresOf(canary, bake), figuresOf(stable, bake)];
  return (
    ratioFault(tried, others, input.maxFailureRatio) ?? latencyFault(tried, others, input.maxLatencyFactor)
  );
}

/** It cannot start, started anew, or gave up its spool. */
function breakOf(
  { slot, pod }: ObservedSlot,
  bake: Bake,
  pluginName: (id: string) => string | null,
): string | null {
  if (pod === null || pod.isTerminating) return null;
  const isMadeForIt = pod.revision === bake.revision;
  const culprit = pod.blame === null ? "" : `: ${describeBlame(pod.blame, pluginName)}`;
  if (isMadeForIt && !pod.isReady && STUCK.test(pod.reason ?? ""))
    return `slot ${slot} cannot start: ${pod.reason}${culprit}`;
  // Whatever it was when it was looked at first: it has never run another revision.
  if (isMadeForIt && pod.blame !== null) return `slot ${slot} was ended by a plugin${culprit}`;
  const mark = bake.marks.get(slot);
  if (mark === undefined || pod.uid !== mark.uid) return null;
  const { engine, restarts } = pod;
  const isAnother = engine !== null && mark.startedAt !== null && engine.startedAt !== mark.startedAt;
  if (isAnother || restarts > mark.restarts) return `slot ${slot} ended and started anew${culprit}`;
  const isClosed = engine !== null && engine.spoolClosed !== null && !isFull(engine);
  return isClosed ? `slot ${slot} closed its spool` : null;
}

type Totals = EngineStatus["totals"];
/** Sums over the engines that tell; null: none does. */
type Figures = Readonly<Record<keyof Totals, number | null>>;

/** What may go wrong how often: the cases that went wrong, and all of them. */
const RATIOS: readonly {
  readonly wrong: keyof Totals;
  readonly all: readonly (keyof Totals)[];
  readonly text: string;
  /** How often it happens depends on who sends: it is judged beside others only, and while they tell. */
  readonly isUsual?: true;
}[] = [
  { wrong: "failed", all: ["delivered", "failed"], text: "of its attempts failed" },
  { wrong: "deferred", all: ["delivered", "failed", "deferred"], text: "of its attempts deferred" },
  { wrong: "refused", all: ["accepted", "refused"], text: "of its messages refused", isUsual: true },
  { wrong: "scriptErrors", all: ["accepted", "refused"], text: "script errors a message" },
];

function ratioFault(tried: Figures, others: Figures, allowed: number): string | null {
  for (const { wrong, all, text, isUsual } of RATIOS) {
    const ratio = ratioOf(tried, wrong, all);
    const usual = ratioOf(others, wrong, all) ?? (isUsual ? 1 : 0);
    if (ratio !== null && ratio > usual + allowed)
      return `${percent(ratio)} ${text}, ${percent(usual)} of those of other pods`;
  }
  return null;
}

/** Only beside others: how long an attempt takes depends on who is at the other end. */
function latencyFault(tried: Figures, others: Figures, factor: number): string | null {
  const [mean, usual] = [meanOf(tried), meanOf(others)];
  if (mean === null || usual === null || mean < usual + SLOWER_SECONDS || mean <= usual * factor) return null;
  return `an attempt takes ${mean.toFixed(1)} s, ${usual.toFixed(1)} s in other pods`;
}

function figuresOf(slots: readonly ObservedSlot[], { marks }: Bake): Figures {
  const sum: Record<string, number | null> = {};
  for (const { slot, pod } of slots) {
    const mark = marks.get(slot);
    if (pod?.engine == null || mark?.totals == null || mark.uid !== pod.uid) continue;
    if (mark.startedAt !== pod.engine.startedAt) continue;
    const { totals } = pod.engine;
    for (const key of Object.keys(totals) as (keyof Totals)[]) {
      const [now, before] = [totals[key], mark.totals[key]];
      if (now !== undefined && before !== undefined) sum[key] = (sum[key] ?? 0) + now - before;
    }
  }
  const of = (key: keyof Totals): number | null => sum[key] ?? null;
  return {
    accepted: of("accepted"),
    // That a disk is full says nothing about a revision: SpoolsHealthy tells it.
    refused: without(of("refused"), of("refusedForRoom")),
    refusedForRoom: of("refusedForRoom"),
    delivered: of("delivered"),
    deferred: of("deferred"),
    failed: of("failed"),
    unclear: of("unclear"),
    scriptErrors: of("scriptErrors"),
    attempts: of("attempts"),
    attemptSeconds: of("attemptSeconds"),
  };
}

function without(all: number | null, some: number | null): number | null {
  return all === null ? null : Math.max(0, all - (some ?? 0));
}

function ratioOf(figures: Figures, wrong: keyof Totals, all: readonly (keyof Totals)[]): number | null {
  const cases = all.map((key) => figures[key]);
  const bad = figures[wrong];
  if (bad === null || cases.includes(null)) return null;
  const count = cases.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return count < FEWEST_CASES ? null : bad / count;
}

function meanOf({ attempts, attemptSeconds }: Figures): number | null {
  return attempts === null || attemptSeconds === null || attempts < FEWEST_CASES
    ? null
    : attemptSeconds / attempts;
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
