/**
 * Due times that a wall clock has made wrong (pure). A time on disk is of the clock that there was then, which may have been
 * years ahead: mail must not wait for such a year, neither after a restart nor at another engine. Waiting too short costs an
 * attempt before its time.
 */
import { isToBeTold } from "./deadline.ts";
import type { Entry } from "./entry.ts";

/** A year, and what clocks differ by: no schedule, script or sender lets mail wait for longer. */
const LONGEST_WAIT_MS = 366 * 86_400_000;

type Waiting = Pick<Entry, "dueAt" | "attempts"> & {
  readonly message: Pick<Entry["message"], "receivedAt" | "envelope">;
};

/** When an entry that is taken into the queue is due. */
export function dueWhenTaken({ dueAt, message }: Waiting, now: number): number {
  if (dueAt <= now) return dueAt;
  // New mail is due when it comes; one of the future was taken by a clock that was ahead.
  if (dueAt === message.receivedAt) return now;
  return dueAt > now + LONGEST_WAIT_MS ? now : dueAt;
}

/** When an entry that waits is due, after the clock was set back by `back`: what is left of a span stays the same. */
export function dueAfterSettingBack(
  entry: Waiting,
  { now, back }: { readonly now: number; readonly back: number },
): number {
  return isHeldUntil(entry) ? dueWhenTaken(entry, now) : entry.dueAt - back;
}

/**
 * When an entry that was stopped and is set free is due: now, but not before the time that its sender or a script has named;
 * and at its sender's time, where that has passed and the sender is still to be told.
 */
export function dueWhenReleased(entry: Waiting, now: number): number {
  const dueAt = isHeldUntil(entry) ? Math.max(entry.dueAt, now) : now;
  const { deliverBy } = entry.message.envelope;
  const isUntold = deliverBy?.mode === "notify" && isToBeTold(deliverBy, entry);
  return isUntold ? Math.min(dueAt, deliverBy.at) : dueAt;
}

/** By its sender or a script, to a time of the wall. Looked up only where it may be: an envelope at rest is packed. */
function isHeldUntil({ attempts, dueAt, message }: Waiting): boolean {
  return attempts === 0 && message.envelope.holdUntil === dueAt;
}
