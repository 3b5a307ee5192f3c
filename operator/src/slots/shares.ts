/**
 * Which engines are to be told what share in the limits of the cluster (pure). Each pod that may send mail has an equal
 * part in the end: also one that leaves or does not answer, since it sends what it has all the same.
 *
 * On the way there the parts never add up to more than the whole: shares shrink first, and one grows only into what
 * all others are known to have let go. What a pod holds at most is in `held`, kept by reconcile/tell-shares.ts from what
 * engines answer; a pod that is not in there may hold anything, so nobody grows before it has answered once. A pod
 * counts until its object is gone, and beyond that while its node does not answer: it may still run there.
 */
import type { ShareOrder as Order } from "#contract/rules-api.ts";

import { type ObservedPod, type ObservedSlot, hasEnded } from "./observed.ts";

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
}

export interface ShareOrder {
  readonly slot: number;
  readonly pod: ObservedPod & { readonly ip: string };
  readonly order: Order;
  readonly share: number;
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

/** Against what floating point leaves over. */
const EPSILON = 1e-9;
/** The smallest part that one is given for now, as a part of what it should have. */
const SMALLEST = 2;

export function decideShares(
  slots: readonly ObservedSlot[],
  held: ReadonlyMap<string, HeldShare>,
): ShareDecision {
  const live = slots.flatMap(({ slot, pod }) => (pod !== null && mayRun(pod) ? [{ slot, pod }] : []));
  const lost = slots.filter(isLost);
  const target = live.length + lost.length;
  const down = live.flatMap((each) => shrink(each, held.get(each.pod.uid), target));
  const ofLost = lost.map((slot) => heldByLost(slot, held));
  const ofLive = live.map(({ pod }) => held.get(pod.uid)?.held ?? 1);
  const shrinking = new Set(down.map(({ slot }) => slot));
  const others = live.filter(({ slot }) => !shrinking.has(slot));
  const { orders, waiting } = grow(others, held, { target, free: 1 - sumOf([...ofLost, ...ofLive]) });
  return { orders: [...down, ...orders], waiting };
}

/** Those that have less than they should get as much of it as is free. */
function grow(
  live: readonly Live[],
  held: ReadonlyMap<string, HeldShare>,
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
    orders.push(orderFor({ slot, pod }, { n: 1, of }, known.version));
  }
  return { orders, waiting };
}

/**
 * Told less. Where nothing is known of it, or an order for more may have been lost, it is told no more than it has: what it
 * answers is known then, and the lost order comes too late.
 */
function shrink({ slot, pod }: Live, known: HeldShare | undefined, target: number): ShareOrder[] {
  if (!canHear(pod)) return [];
  const { share } = pod.engine;
  const reported = share === undefined ? 1 : share.shares.n / share.shares.of;
  const now = known?.share ?? reported;
  const isMuch = now > 1 / target + EPSILON;
  if (known !== undefined && !isMuch && known.doubt <= now + EPSILON) return [];
  const version = known === undefined ? (share?.version ?? null) : known.version;
  return [orderFor({ slot, pod }, isMuch ? { n: 1, of: target } : { n: now, of: 1 }, version)];
}

/** The largest part, equal or smaller, that fits into what is free; null: none that would be worth it. */
function partsWithin(free: number, target: number): number | null {
  const of = Math.max(target, Math.ceil(1 / (free + EPSILON)));
  return free > 0 && of <= target * SMALLEST ? of : null;
}

function orderFor(
  { slot, pod }: Pick<ShareOrder, "slot" | "pod">,
  shares: Order["shares"],
  version: number | null,
): ShareOrder {
  const order = version === null ? { shares } : { shares, after: version };
  return { slot, pod, order, share: shares.n / shares.of };
}

/** Its pod's object is gone, and the pod may run all the same. */
export function isLost({ pod, claim }: ObservedSlot): boolean {
  return pod === null && claim?.lastNode?.state === "Lost";
}

function heldByLost({ slot }: ObservedSlot, held: ReadonlyMap<string, HeldShare>): number {
  const known = [...held.values()].filter((each) => each.slot === slot);
  return known.length === 0 ? 1 : sumOf(known.map((each) => each.held));
}

function sumOf(parts: readonly number[]): number {
  return parts.reduce((sum, part) => sum + part, 0);
}

/** Pending: no engine runs yet, and a new one begins with nothing. */
function mayRun(pod: ObservedPod): boolean {
  return pod.phase !== "Pending" && !hasEnded(pod);
}

function canHear(
  pod: ObservedPod,
): pod is ObservedPod & { readonly ip: string; readonly engine: NonNullable<ObservedPod["engine"]> } {
  return pod.ip !== null && pod.engine !== null && pod.engine.state !== "Stopping";
}
