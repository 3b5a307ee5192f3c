/**
 * Connections of a whole cluster that are kept apart (pure). Time is cut into slices that belong to the places in turn. One
 * connection may begin in a slice, and only in its first part, so the last moment of one is as far from the first of the next
 * as the limit wants. Engines go by their wall clocks: the distance holds as long as these differ by no more than CLOCKS_MS.
 */

/** How far the clocks of two nodes may differ. */
export const CLOCKS_MS = 50;
/** Timers come late on a busy engine, and who misses its part waits for all others once more. */
const LEAST_OPEN_MS = 50;
const OPEN_PART = 1 / 8;

export interface Turns {
  readonly of: number;
  readonly index: number;
}

/** When the next slice of the place begins, or the one that is open now began; never before `earliest`. Wall clock, in milliseconds. */
export function connectSlice(
  intervalMs: number,
  { of, index }: Turns,
  { wall, earliest }: { readonly wall: number; readonly earliest: number },
): number {
  const open = Math.min(intervalMs, Math.max(LEAST_OPEN_MS, intervalMs * OPEN_PART));
  const length = intervalMs + open + CLOCKS_MS;
  const stillOpen = Math.floor((wall - open) / length) + 1;
  const first = Math.max(stillOpen, Math.ceil(earliest / length));
  return sliceOf({ of, index }, first) * length;
}

/** The number of the first slice of the place that is not before `first`. */
export function sliceOf({ of, index }: Turns, first: number): number {
  return first + ((((index - first) % of) + of) % of);
}
