/**
 * Which slots stay and which leave (pure). As many stay as are wanted. Those that cannot be reached do not count as
 * there, nor those on nodes that are being emptied, if their mail can go elsewhere: others take their place, and they
 * leave as any slot does. Of the rest the following leave first: whose claim is being deleted, which the user named,
 * which were chosen before, have been turned away already or are fenced, which never held mail, then by the length of the queue, the
 * shortest first. One whose queue is unknown is the last choice. Missing ones get the lowest free numbers.
 *
 * A choice may change at any time without harm: a slot only goes when it was seen empty. It is kept where it can
 * be, so that a drain is not begun anew with every message.
 */
import { type Fence, isFenced } from "./fence.ts";
import { isOnLeavingNode, isOutOfReach, type ObservedSlot, isTurnedAway } from "./observed.ts";

export interface ChoiceInput {
  readonly size: number;
  readonly slots: readonly ObservedSlot[];
  /** Slots that the status calls leaving. */
  readonly leavingBefore: ReadonlySet<number>;
  /** Slots that the user wants to see leave (annotation mailfleet.io/remove-slots). */
  readonly preferred: ReadonlySet<number>;
  /** They serve nobody, so others should stay. */
  readonly fence: Fence;
  readonly canMove: boolean;
  readonly drainTo: "Peers" | "None";
}

/** The numbers of the slots that stay, in order. */
export function chooseStaying(input: ChoiceInput): readonly number[] {
  const { size, slots } = input;
  const ranked = slots
    .filter((slot) => !isDisplaced(slot, input))
    .sort((a, b) => compare(rankOf(a, input), rankOf(b, input)) || b.slot - a.slot);
  const staying = ranked.slice(Math.max(0, ranked.length - size)).map(({ slot }) => slot);
  const taken = new Set(slots.map(({ slot }) => slot));
  for (let slot = 0; staying.length < size; slot++) if (!taken.has(slot)) staying.push(slot);
  return staying.sort((a, b) => a - b);
}

/** Somebody else has to take its place. */
export function isDisplaced(slot: ObservedSlot, { canMove, drainTo }: ChoiceInput): boolean {
  return isOutOfReach(slot) || (canMove && drainTo === "Peers" && isOnLeavingNode(slot));
}

/** Smaller leaves first. */
function rankOf(observed: ObservedSlot, input: ChoiceInput): readonly number[] {
  const { slot, pod, claim } = observed;
  const engine = pod?.engine ?? null;
  const isOut = isFenced(input.fence, slot) || (pod !== null && isTurnedAway(pod));
  const wasChosen = input.leavingBefore.has(slot) || isOut;
  const flags = [
    claim?.isTerminating === true,
    input.preferred.has(slot),
    wasChosen,
    claim === null || claim.phase === "Pending",
  ];
  const queued = engine === null ? Number.POSITIVE_INFINITY : engine.queue.total;
  return [...flags.map((flag) => (flag ? 0 : 1)), queued];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return (a[at] ?? 0) - (b[at] ?? 0);
}
