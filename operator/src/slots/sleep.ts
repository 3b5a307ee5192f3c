/**
 * Whether a slot may sleep (pure): no pod is wanted, its engine takes no mail, nothing is under way, and all that it holds
 * waits for a later attempt, or for somebody to release it, or is the suppression list of its cluster. Then its volume is
 * enough, until the first message is due.
 */
import type { EngineStatus } from "#contract/admin-api.ts";

import { isFull } from "./spool-space.ts";

/** A pod that has just gone should not come back at once. */
const SHORTEST_MS = 120_000;
/** Only held mail, or a list: nothing wakes it but people. */
const NEVER = Date.parse("9999-12-31T00:00:00Z");
/** No mail waits for longer than a year: a time beyond is of a clock that was ahead, the engine's or ours. */
const LONGEST_MS = 367 * 86_400_000;

/** Wall-clock milliseconds when it must be awake again; null: it may not sleep. */
export function wakeTimeOf(engine: EngineStatus, wallMs: number): number | null {
  const { queue, sessions, deliveries, handover, spoolClosed, suppression } = engine;
  if (queue.nextDueAt === undefined || (queue.total === 0 && (suppression?.size ?? 0) === 0)) return null;
  if (queue.total !== queue.deferred + queue.hold) return null;
  if (sessions + deliveries + (handover?.unanswered ?? 0) > 0) return null;
  if (spoolClosed !== null && !isFull(engine)) return null;
  const at = queue.nextDueAt === null ? NEVER : Date.parse(queue.nextDueAt);
  return at - wallMs >= SHORTEST_MS && isSound(at, wallMs) ? at : null;
}

/** Whether to sleep on until then. */
export function mayWaitFor(at: number, wallMs: number): boolean {
  return at > wallMs && isSound(at, wallMs);
}

function isSound(at: number, wallMs: number): boolean {
  return at === NEVER || at <= wallMs + LONGEST_MS;
}
