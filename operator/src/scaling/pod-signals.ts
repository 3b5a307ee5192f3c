/**
 * The autoscaler's figures of each slot (pure). A slot whose engine does not tell is unknown, unless its volume was
 * never bound: then it never held mail; or it sleeps, and what it holds is not due yet. What a suspension or a policy holds back is no reason for more pods: their
 * limits are the cluster's. Engines of early versions do not tell it apart.
 */
import { isAsleep, type ObservedSlot } from "#operator/slots/observed.ts";

import type { PodSignals } from "./signals.ts";

const nothing: PodSignals = { due: 0, oldestDueSeconds: 0, sessions: 0, saturation: null };

export function podSignals(slots: readonly ObservedSlot[], wallMs: number): readonly (PodSignals | null)[] {
  return slots.map((slot) => {
    const { pod, claim } = slot;
    const engine = pod?.engine ?? null;
    if (engine === null) {
      const isKnown = claim === null || claim.phase === "Pending" || isAsleep(slot, wallMs);
      return isKnown ? nothing : null;
    }
    const { queue, sessions, busy = null } = engine;
    const { active, blocked = 0, oldestDueSeconds, oldestFreeSeconds = oldestDueSeconds } = queue;
    const due = Math.max(0, active - blocked);
    return { due, oldestDueSeconds: oldestFreeSeconds, sessions, saturation: busy };
  });
}
