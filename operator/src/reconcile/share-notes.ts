/**
 * What this operator knows of the shares that engines hold (pure): from what they answered to its orders, and from later
 * reports. An order whose answer was lost may be in force, now or when it arrives late, so it counts until a later order
 * was taken; engines refuse what was given before that. An engine that somebody else has told something is unknown
 * until it is told again.
 */
import type { ShareAnswer } from "#operator/engine/engines.ts";
import type { HeldShare, ShareOrder } from "#operator/slots/shares.ts";
import type { ObservedPod } from "#operator/slots/observed.ts";

export interface NotedShare extends HeldShare {
  /** Of the process that answered. */
  readonly startedAt: string;
}

/** Before an order goes out. Null: nothing was known, and that stays so. */
export function noteSent(known: NotedShare | undefined, { share }: ShareOrder): NotedShare | null {
  if (known === undefined) return null;
  const doubt = Math.max(known.doubt, share);
  return { ...known, doubt, held: Math.max(known.held, doubt) };
}

/** Null: what it holds is not known. */
export function noteAnswer({ slot, pod, share }: ShareOrder, answer: ShareAnswer): NotedShare | null {
  if (answer === null) return null;
  const state = typeof answer === "string" ? { held: share, version: null } : answer;
  const startedAt = pod.engine?.startedAt ?? "";
  return { slot, share, startedAt, doubt: 0, held: Math.max(share, state.held), version: state.version };
}

/** Null: it is not known any more. */
export function noteReport(known: NotedShare, { engine }: ObservedPod): NotedShare | null {
  const reported = engine?.share;
  if (engine === null || reported === undefined || known.version === null) return known;
  const isOlder = reported.version < known.version && engine.startedAt === known.startedAt;
  if (isOlder) return known;
  if (reported.version !== known.version) return null;
  return { ...known, held: Math.max(known.share, known.doubt, reported.held) };
}
