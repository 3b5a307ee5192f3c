/**
 * What this operator knows of the shares that engines hold (pure): from what they answered to its orders, and from later
 * reports. An order whose answer was lost may be in force, now or when it arrives late, so it counts until a later order
 * was taken; engines refuse what was given before that. An engine that somebody else has told something is unknown
 * until it is told again.
 */
import type { ShareAnswer } from "#operator/engine/engines.ts";
import type { ObservedPod } from "#operator/slots/observed.ts";
import type { HeldPlace, Place } from "#operator/slots/places.ts";
import type { HeldShare, ShareOrder } from "#operator/slots/shares.ts";

export interface NotedShare extends HeldShare {
  /** Of the process that answered. */
  readonly startedAt: string;
}

/** Before an order goes out. Null: nothing was known, and that stays so. */
export function noteSent(known: NotedShare | undefined, { share, place }: ShareOrder): NotedShare | null {
  if (known === undefined) return null;
  const doubt = Math.max(known.doubt, share);
  const places = union(known.places, listed(place));
  return { ...known, doubt, held: Math.max(known.held, doubt), places };
}

/** Null: what it holds is not known. */
export function noteAnswer(
  known: NotedShare | undefined,
  { slot, pod, share, place }: ShareOrder,
  answer: ShareAnswer,
): NotedShare | null {
  if (answer === null) return null;
  const state = typeof answer === "string" ? { held: share, version: null, isStarved: undefined } : answer;
  const startedAt = pod.engine?.startedAt ?? "";
  const told = state.isStarved === undefined ? undefined : place;
  const held = Math.max(share, state.held);
  const note = { slot, share, startedAt, doubt: 0, held, version: state.version, place: told };
  return { ...note, places: stillHeld(note, known?.places ?? ["unknown"]) };
}

/** Null: it is not known any more. */
export function noteReport(known: NotedShare, { engine }: ObservedPod): NotedShare | null {
  const reported = engine?.share;
  if (engine === null || reported === undefined || known.version === null) return known;
  const isOlder = reported.version < known.version && engine.startedAt === known.startedAt;
  if (isOlder) return known;
  if (reported.version !== known.version) return null;
  const note = { ...known, held: Math.max(known.share, known.doubt, reported.held) };
  return { ...note, places: stillHeld(note, known.places) };
}

/** Attempts that began by an earlier place go on while it holds more than its share. */
function stillHeld(
  { place, share, held, doubt }: Omit<HeldShare, "places">,
  before: readonly HeldPlace[],
): readonly HeldPlace[] {
  const now = listed(place);
  return held > share || doubt > 0 ? union(before, now) : now;
}

function union(some: readonly HeldPlace[], more: readonly Place[]): readonly HeldPlace[] {
  const isIn = ({ of, index, turn }: Place): boolean =>
    some.some((each) => each !== "unknown" && each.of === of && each.index === index && each.turn === turn);
  return [...some, ...more.filter((place) => !isIn(place))];
}

function listed(place: Place | null | undefined): readonly Place[] {
  return place === null || place === undefined ? [] : [place];
}
