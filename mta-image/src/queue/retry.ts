/** When a deferred recipient is tried next, and when we give up (pure). Halon's transport keys `retry.*`. */

export interface RetrySchedule {
  /** Attempts after the first one. */
  readonly count: number;
  /** The wait before each retry; the last one repeats until `count` is used up. At least one. */
  readonly intervals: readonly { readonly delayMs: number; readonly notify: boolean }[];
}

export type RetryDecision =
  | { readonly kind: "retry"; readonly dueAt: number; readonly notify: boolean; readonly until: number }
  | { readonly kind: "give-up" };

/**
 * `attempts` counts those made, at least 1. `jitter` in 0..1 spreads retries over up to a tenth of the wait,
 * so that what was deferred together does not come back together. `backOffMs`, where given, is the wait in place of the
 * schedule's; `notBeforeMs` is waited for in any case, and what was put off together is spread behind it.
 */
export function decideRetry(input: {
  readonly schedule: RetrySchedule;
  readonly attempts: number;
  readonly now: number;
  readonly jitter: number;
  readonly backOffMs?: number | null;
  readonly notBeforeMs?: number;
}): RetryDecision {
  const { schedule, attempts, now } = input;
  if (attempts > schedule.count) return { kind: "give-up" };
  const { delayMs: usualMs, notify } = intervalAt(schedule, attempts - 1);
  const delayMs = Math.max(input.backOffMs ?? usualMs, input.notBeforeMs ?? 0);
  let until = now + delayMs;
  for (let i = attempts; i < schedule.count && i < attempts + 1000; i++)
    until += intervalAt(schedule, i).delayMs;
  return { kind: "retry", dueAt: now + Math.round(delayMs * (1 + input.jitter / 10)), notify, until };
}

/** Whether the wait behind so many attempts is one that the sender is told of. */
export function tellsDelay({ count, intervals }: RetrySchedule, attempts: number): boolean {
  return attempts <= count && intervalAt({ count, intervals }, attempts - 1).notify;
}

function intervalAt(schedule: RetrySchedule, index: number): { delayMs: number; notify: boolean } {
  const last = schedule.intervals.length - 1;
  // The last interval repeats, but its notice was sent the first time.
  const interval = schedule.intervals[Math.min(index, last)] ?? { delayMs: 3_600_000, notify: false };
  return { delayMs: interval.delayMs, notify: interval.notify && index <= last };
}
