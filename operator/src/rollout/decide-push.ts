/**
 * Which engines get a configuration pushed next (pure). One first; the others only when that one says that it
 * runs it, and of those only where the roll-out lets it. An engine that was started with another smtpd.yaml is left alone: it could not take the file, and its
 * pod is made anew anyway.
 */
import type { ObservedPod, ObservedSlot } from "#operator/slots/observed.ts";

export interface PushTarget {
  readonly slot: number;
  readonly pod: ObservedPod;
}

export function decidePush(input: {
  readonly slots: readonly ObservedSlot[];
  /** The revision that pods should run (choose-config.ts). */
  readonly revision: string;
  readonly hashOf: (slot: number) => string;
  /** The slots that may get it; null: all. */
  readonly only: ReadonlySet<number> | null;
}): readonly PushTarget[] {
  const allowed = input.slots.filter(({ slot }) => input.only?.has(slot) !== false);
  const able = allowed.flatMap(({ slot, pod }) =>
    pod !== null && canTake(pod) && pod.hash === input.hashOf(slot) ? [{ slot, pod }] : [],
  );
  const behind = able.filter(({ pod }) => pod.engine?.revision !== input.revision);
  return behind.length < able.length ? behind : behind.slice(0, 1);
}

function canTake({ engine, isTerminating }: ObservedPod): boolean {
  return engine !== null && engine.state !== "Stopping" && !isTerminating;
}
