/**
 * How many slots are wanted. `replicas` absent means that somebody else owns the number and has not said one:
 * the size that was followed last stays. Pure.
 */
import type { ObservedSlot } from "./observed.ts";

export function wantedSize(input: {
  readonly replicas: number | undefined;
  /** status.targetReplicas as written last. */
  readonly lastFollowed: number | undefined;
  readonly slots: readonly ObservedSlot[];
}): number {
  if (input.replicas !== undefined) return input.replicas;
  if (input.lastFollowed !== undefined) return input.lastFollowed;
  // A lost status: all that is there stays.
  return Math.max(1, input.slots.length);
}
