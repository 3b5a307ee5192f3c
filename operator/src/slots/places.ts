/**
 * Which place an engine is to have among those of its cluster (pure). Limits that cannot be divided evenly leave a rest:
 * engines share it by their places, so no two may ever have the same, nor one by another number of engines. Of concurrency the
 * rest moves on with each turn, from place to place: everybody gives its turn back, and nobody takes the next one
 * before whoever had that part of the rest is known to use it no more.
 */
export interface Place {
  readonly of: number;
  readonly index: number;
  /** Null: what concurrency leaves over is not to be used. */
  readonly turn: number | null;
}

/** "unknown": attempts that began by a place of which nobody knows any more. */
export type HeldPlace = Place | "unknown";

export interface Places {
  /** All that each engine may have. */
  readonly all: ReadonlyMap<string, readonly HeldPlace[]>;
  readonly of: number;
  readonly turn: number;
}

/** `told`: what it was told last. "right": it has its place; "wait": others have to give theirs back first. */
export function decidePlace(
  uid: string,
  told: Place | null,
  { all, of, turn }: Places,
): Omit<Place, "of"> | null | "right" | "wait" {
  const ofOthers = [...all].flatMap(([other, places]) => (other === uid ? [] : places));
  const others = ofOthers.filter((place) => place !== "unknown");
  if (told !== null && told.of !== of) return null;
  if (others.some((place) => place.of !== of)) return "wait";
  const index = told?.index ?? firstFree(of, others);
  if (index === null) return "wait";
  if (told?.turn === turn) return "right";
  if (told !== null && told.turn !== null) return { index, turn: null };
  const isMineInUse = (all.get(uid) ?? []).some((place) => place === "unknown" || place.turn !== null);
  const wanted = rankOf({ of, index, turn });
  const isTaken = ofOthers.some((place) => place === "unknown" || rankOf(place) === wanted) || isMineInUse;
  if (!isTaken) return { index, turn };
  return told === null ? { index, turn: null } : "wait";
}

/** Which part of the rest it may use; null: none. */
function rankOf({ of, index, turn }: Place): number | null {
  return turn === null ? null : (index + turn) % of;
}

function firstFree(of: number, others: readonly Place[]): number | null {
  const taken = new Set(others.map(({ index }) => index));
  for (let index = 0; index < of; index++) if (!taken.has(index)) return index;
  return null;
}
