/**
 * How long to wait before the n-th retry in a row (pure): doubled each time up to a bound, and spread over the upper
 * half so that many that failed together do not come back together.
 */
import type { Random } from "#base/random.ts";

export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** `failures` counts from 1. */
export function delayAfter(failures: number, backOff: BackOff, random: Random): number {
  const doubled = backOff.firstMs * 2 ** Math.min(Math.max(failures, 1) - 1, 30);
  const full = Math.min(doubled, backOff.longestMs);
  return Math.round(full / 2 + (random() * full) / 2);
}
