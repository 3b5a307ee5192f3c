/**
 * Gathers edits that need a restart (pure): pods are made anew when what is wanted of them has been the same for
 * rollout.settleSeconds, so that edits that come one after the other, and the objects of one `kubectl apply`, make them anew
 * once. Somebody who goes on editing holds it up for six times as long at most. What is forgotten when the operator starts
 * anew costs one more such wait.
 */

/** What is wanted, since when, and since when it has not been quiet; by the monotonic clock, in milliseconds. */
export interface Edits {
  /** Names what is wanted; another one is another edit. */
  readonly wanted: string;
  readonly changedAt: number;
  readonly startedAt: number;
}

/** Edits that never end are to be carried out all the same. */
const MOST_WAITS = 6;

export function noteEdit(
  before: Edits | null,
  { wanted, now, settleMs }: { readonly wanted: string; readonly now: number; readonly settleMs: number },
): Edits {
  if (before?.wanted === wanted) return before;
  const isOneOfMany = before !== null && now < settledAt(before, settleMs);
  return { wanted, changedAt: now, startedAt: isOneOfMany ? before.startedAt : now };
}

/** When pods may go. */
export function settledAt({ changedAt, startedAt }: Edits, settleMs: number): number {
  return Math.min(changedAt + settleMs, startedAt + MOST_WAITS * settleMs);
}
