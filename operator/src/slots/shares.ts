/**
 * Which engines are to be told what share in the limits of the cluster (pure). Each pod that may send mail has an equal
 * part in the end: also one that leaves or does not answer, since it sends what it has all the same.
 *
 * On the way there the parts never add up to more than the whole: shares shrink first, and one grows only into what
 * all others are known to have let go. What a pod holds at most is in `held`, kept by reconcile/tell-shares.ts from what
 * engines answer; a pod that is not in there may hold anything, so nobody grows before it has answered once. A pod
 * counts until its object is gone or its node is known to be dead, and beyond that while its node does not answer: it may
 * still run there.
 *
 * Who has an equal part is given a place as well (slots/places.ts), by which engines divide what rounding leaves over. Places are
 * taken back before anybody's share grows. One that cannot be asked for its place has at most one attempt more than its share
 * of any limit, so one such pod stands in nobody's way: parts that are rounded down leave room for it. Each further one is
 * given room by as much as a whole part.
 */
import type { ShareOrder as Order, ShareState } from "#contract/rules-api.ts";

import { type ObservedPod, type ObservedSlot, hasEnded } from "./observed.ts";
import { type HeldPlace, type Place, decidePlace } from "./places.ts";

/** What the pod of a slot holds, by what its engine has answered to this operator. */
export interface HeldShare {
  readonly slot: number;
  /** As it was told last. */
  readonly share: number;
  /** At most, of the whole: attempts may be under way that began under more, an order may have been lost half way. */
  readonly held: number;
  /** The largest share in orders that were not answered; 0: all were. */
  readonly doubt: number;
  /** Of the engine's state; null: it does not tell. */
  readonly version: number | null;
  /** As it was told last; undefined: its engine knows no places. */
  readonly place: Place | null | undefined;
  /** All that it may have, those of orders that were not answered and of attempts that go on among them. */
  readonly places: readonly HeldPlace[];
}

export interface ShareOrder {
  readonly slot: number;
  readonly pod: ObservedPod & { readonly ip: string };
  readonly order: Order;
  readonly share: number;
  readonly place: Place | null;
}

export interface ShareDecision {
  /** In the order of the slots. All may be given at once. */
  readonly orders: readonly ShareOrder[];
  /** Pods that wait for others to let go of theirs. */
  readonly waiting: number;
}

interface Live {
  readonly slot: number;
  readonly pod: ObservedPod;
}

type Held = ReadonlyMap<string, HeldShare>;

/** Against what floating point leaves over. */
const EPSILON = 1e-9;
/** The smallest part that one is given for now, as a part of what it should have. */
const SMALLEST = 2;

/** `turn`: how often what limits on concurrency leave over has moved on. */
export function decideShares(slots: readonly ObservedSlot[], all: Held, turn = 0): ShareDecision {
  const live = slots.flatMap(({ slot, pod }) => (pod !== null && mayRun(pod) ? [{ slot, pod }] : []));
  const lost = slots.filter(isLost);
  const held = ofThose(all, live, lost);
  const target = live.length + lost.length;
  const isShort = live.some(
    ({ pod }) => canHear(pod) && (held.get(pod.uid)?.share ?? 1) < 1 / target - EPSILON,
  );
  const down = live.flatMap((each) => shrink(each, held.get(each.pod.uid), { target, isShort }));
  const shrinking = new Set(down.map(({ slot }) => slot));
  const others = live.filter(({ slot }) => !shrinking.has(slot));
  const ofLost = lost.map((slot) => heldByLost(slot, held));
  const ofLive = live.map(({ pod }) => held.get(pod.uid)?.held ?? 1);
  const free = 1 - sumOf([...ofLost, ...ofLive, partForRests(live, held, target)]);
  const up = grow(others, held, { target, free });
  const isSettled = up.waiting + up.orders.length + down.length === 0;
  const isEqual = live.every(isKnown(held, target)) && lost.every((slot) => ofSlot(slot, held).length > 0);
  const placing = isSettled && isEqual ? place(live, held, { target, turn }) : nothing;
  return {
    orders: [...down, ...up.orders, ...placing.orders],
    waiting: up.waiting + placing.waiting,
  };
}

const nothing: ShareDecision = { orders: [], waiting: 0 };

/** Notes of pods that are surely gone count no more, also while their objects are still there. */
function ofThose(all: Held, live: readonly Live[], lost: readonly ObservedSlot[]): Held {
  const uids = new Set(live.map(({ pod }) => pod.uid));
  const slots = new Set(lost.map(({ slot }) => slot));
  return new Map([...all].filter(([uid, { slot }]) => uids.has(uid) || slots.has(slot)));
}

/**
 * What nobody may grow into because of places: all of it while one can be taken back. Of m that cannot, each has less than one
 * attempt beyond its share: together with parts that are rounded down less than m, of which the first makes no whole one. Who
 * has a part at all has one of limits from `target` on, where (m - 1) / target is what the others may have.
 */
function partForRests(live: readonly Live[], held: Held, target: number): number {
  const placed = [...held].filter(([, { places }]) => places.length > 0).map(([uid]) => uid);
  const heard = new Set(live.flatMap(({ pod }) => (canHear(pod) ? [pod.uid] : [])));
  if (placed.some((uid) => heard.has(uid))) return 1;
  return Math.max(0, placed.length - 1) / target;
}

/** Those that have less than they should get as much of it as is free. */
function grow(
  live: readonly Live[],
  held: Held,
  { target, free }: { readonly target: number; readonly free: number },
): ShareDecision {
  const orders: ShareOrder[] = [];
  let rest = free;
  let waiting = 0;
  for (const { slot, pod } of live) {
    const known = held.get(pod.uid);
    if (known === undefined || !canHear(pod) || known.share >= 1 / target - EPSILON) continue;
    const of = partsWithin(rest + known.held, target);
    if (of !== target) waiting += 1;
    if (of === null || 1 / of <= known.share + EPSILON) continue;
    rest -= Math.max(0, 1 / of - known.held);
    orders.push(orderFor({ slot, pod }, { shares: { n: 1, of }, place: null }, known));
  }
  return { orders, waiting };
}

/**
 * Told less, or to give its place back since somebody has to get more. Where nothing is known of it, or an order for more may have been lost, it is told no more
 * than it has: what it answers is known then, and the lost order comes too late.
 */
function shrink(
  { slot, pod }: Live,
  known: HeldShare | undefined,
  { target, isShort }: { readonly target: number; readonly isShort: boolean },
): ShareOrder[] {
  if (!canHear(pod)) return [];
  if (known === undefined) return [asReported({ slot, pod }, pod.engine.share, target)];
  const { share, place: told } = known;
  if (share > 1 / target + EPSILON) {
    return [orderFor({ slot, pod }, { shares: { n: 1, of: target }, place: null }, known)];
  }
  const isPlaced = told !== undefined && told !== null;
  const staysPlaced = isPlaced && !isShort && told.of === target;
  if (staysPlaced === isPlaced && !isInDoubt(known)) return [];
  const shares = isPlaced ? { n: 1, of: told.of } : { n: share, of: 1 };
  return [orderFor({ slot, pod }, { shares, place: staysPlaced ? told : null }, known)];
}

/** An order that was not answered gave more than it was told before. */
function isInDoubt({ share, doubt, place: told, places }: HeldShare): boolean {
  const isOther = (place: HeldPlace): boolean =>
    place === "unknown" || place.index !== told?.index || place.turn !== told.turn;
  return doubt > share + EPSILON || (doubt > 0 && places.some(isOther));
}

/** What it says that it has, or less. */
function asReported(
  live: Pick<ShareOrder, "slot" | "pod">,
  state: ShareState | undefined,
  target: number,
): ShareOrder {
  const { shares, place = null, version, isStarved } = state ?? unreported;
  const isMuch = shares.n / shares.of > 1 / target + EPSILON;
  const knowsPlaces = isStarved === undefined ? undefined : null;
  const given = isMuch ? { shares: { n: 1, of: target }, place: null } : { shares, place };
  return orderFor(live, given, { version, place: knowsPlaces });
}

const unreported = { shares: { n: 1, of: 1 }, place: null, version: null, isStarved: undefined };

/** Everybody has its part: who should have another place gives its own back, or gets it where nobody else may have it. */
function place(
  live: readonly Live[],
  held: Held,
  { target, turn }: { readonly target: number; readonly turn: number },
): ShareDecision {
  const orders: ShareOrder[] = [];
  let waiting = 0;
  const all = new Map([...held].map(([uid, { places }]) => [uid, places]));
  for (const { slot, pod } of live) {
    const known = held.get(pod.uid);
    if (known?.place === undefined || !canHear(pod)) continue;
    const decision = decidePlace(pod.uid, known.place, { all, of: target, turn });
    if (decision === "right") continue;
    waiting += 1;
    if (decision === "wait") continue;
    const shares = { n: 1, of: target };
    orders.push(orderFor({ slot, pod }, { shares, place: decision }, known));
    if (decision !== null) all.set(pod.uid, [...(all.get(pod.uid) ?? []), { ...decision, of: target }]);
  }
  return { orders, waiting };
}

/** The largest part, equal or smaller, that fits into what is free; null: none that would be worth it. */
function partsWithin(free: number, target: number): number | null {
  const of = Math.max(target, Math.ceil(1 / (free + EPSILON)));
  return free > 0 && of <= target * SMALLEST ? of : null;
}

function orderFor(
  { slot, pod }: Pick<ShareOrder, "slot" | "pod">,
  given: { readonly shares: Order["shares"]; readonly place: Omit<Place, "of"> | null },
  { version, place: told }: Pick<HeldShare, "version" | "place">,
): ShareOrder {
  const { shares } = given;
  const order = {
    shares,
    ...(told === undefined ? {} : { place: given.place }),
    ...(version === null ? {} : { after: version }),
  };
  const place = given.place === null ? null : { ...given.place, of: shares.of };
  return { slot, pod, order, share: shares.n / shares.of, place };
}

function isKnown(held: Held, target: number): (live: Live) => boolean {
  return ({ pod }) => Math.abs((held.get(pod.uid)?.share ?? 0) - 1 / target) < EPSILON;
}

/** Its pod's object is gone, and the pod may run all the same. */
export function isLost({ pod, claim }: ObservedSlot): boolean {
  return pod === null && claim?.lastNode?.state === "Lost";
}

function ofSlot({ slot }: ObservedSlot, held: Held): readonly HeldShare[] {
  return [...held.values()].filter((each) => each.slot === slot);
}

function heldByLost(slot: ObservedSlot, held: Held): number {
  const known = ofSlot(slot, held);
  return known.length === 0 ? 1 : sumOf(known.map((each) => each.held));
}

function sumOf(parts: readonly number[]): number {
  return parts.reduce((sum, part) => sum + part, 0);
}

/**
 * Pending: no engine runs yet, and a new one begins with nothing. On a dead node none runs any more; whoever answers is on
 * one that the operator has not heard of yet.
 */
function mayRun(pod: ObservedPod): boolean {
  const isDead = pod.node?.state === "Dead" && pod.engine === null;
  return pod.phase !== "Pending" && !hasEnded(pod) && !isDead;
}

function canHear(
  pod: ObservedPod,
): pod is ObservedPod & { readonly ip: string; readonly engine: NonNullable<ObservedPod["engine"]> } {
  return pod.ip !== null && pod.engine !== null && pod.engine.state !== "Stopping";
}
