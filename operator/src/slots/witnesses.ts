/**
 * Whether a slot that looks empty may go (pure): no other engine may be sending it mail or wait for its answer,
 * since only this slot can tell what it took. Others that have nothing to do with a hand-over are not asked.
 */
import type { SlotInput } from "./input.ts";
import { type ObservedPod, type ObservedSlot, isAsleep, isGivenUp } from "./observed.ts";
import { maySend } from "./orders.ts";

export interface Witnesses {
  /** Somebody may still send to the slot or ask it. */
  readonly isPending: boolean;
  /** Somebody does not say whether. */
  readonly isSilent: boolean;
  /** Who must say so anew, right before the slot goes. */
  readonly witnesses: readonly ObservedPod[];
}

/** What was on its way when an order named other peers has arrived or failed by then. */
const ORDER_SETTLES_MS = 5000;

export function witnessesFor(slot: number, input: SlotInput): Witnesses {
  const others = input.slots.filter((each) => each.slot !== slot && mayHaveSent(each, input));
  const silent = others.some(({ pod }) => pod?.engine == null);
  const open = others.some(({ pod }) => pod !== null && isOpen(pod, slot, input));
  const isNew = input.drainTo === "Peers" && input.now - input.actingSince < ORDER_SETTLES_MS;
  return {
    isPending: silent || open || isNew,
    isSilent: silent,
    witnesses: others.flatMap(({ pod }) => (pod === null ? [] : [pod])),
  };
}

/** Holds mail and is, or was lately, handing some over. */
function mayHaveSent(observed: ObservedSlot, input: SlotInput): boolean {
  const { pod, claim } = observed;
  if (claim === null || claim.phase !== "Bound" || isGivenUp(observed, input.forced)) return false;
  const isLeavingForGood = claim.isTerminating && (pod === null || pod.isTerminating);
  if (isLeavingForGood) return false;
  // Nobody owed it an answer when it was put to sleep.
  if (isAsleep(observed, input.wallMs)) return false;
  if (pod === null || pod.engine === null) return input.drainTo === "Peers";
  const { engine } = pod;
  return engine.state !== "Serving" || maySend(engine) || !isSettled(pod, input);
}

/** Owed an answer, sends to somebody, or not yet known to give to others only. */
function isOpen(pod: ObservedPod, slot: number, input: SlotInput): boolean {
  if (pod.engine === null || maySend(pod.engine) || !isSettled(pod, input)) return true;
  if (pod.engine.state !== "Draining") return false;
  const order = input.given.get(pod.uid);
  return order === undefined || order.peers.has(slot);
}

/** It has been under its order for long enough. */
function isSettled({ uid }: ObservedPod, { given, now }: SlotInput): boolean {
  const order = given.get(uid);
  return order === undefined || now - order.at >= ORDER_SETTLES_MS;
}
