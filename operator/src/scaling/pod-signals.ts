/**
 * The autoscaler's figures of each slot (pure). A slot whose engine does not tell is unknown, unless its volume was
 * never bound: then it never held mail.
 */
import type { ObservedSlot } from "#operator/slots/observed.ts";

import type { PodSignals } from "./signals.ts";

const nothing: PodSignals = { due: 0, oldestDueSeconds: 0, sessions: 0, saturation: null };

export function podSignals(slots: readonly ObservedSlot[]): readonly (PodSignals | null)[] {
  return slots.map(({ pod, claim }) => {
    const engine = pod?.engine ?? null;
    if (engine === null) return claim === null || claim.phase === "Pending" ? nothing : null;
    const { queue, sessions } = engine;
    return { due: queue.active, oldestDueSeconds: queue.oldestDueSeconds, sessions, saturation: null };
  });
}
