/**
 * Which order an engine should be under (pure), and whether it still needs to be told. Leaving engines hand their
 * queue to all that serve. One that has sent mail and got no answer keeps it from everybody until that peer has
 * told; where the peer may be one that serves no more, all are asked and nothing is given meanwhile.
 *
 * `given` is what this operator has ordered; after a restart nothing is known and each order is given once more,
 * which changes nothing for an engine that is under it.
 */
import { type DrainOrder, type EngineStatus, stateUnder } from "#contract/admin-api.ts";

import { type ObservedPod, type ObservedSlot, isServing } from "./observed.ts";

export interface PeerSlot {
  readonly slot: number;
  readonly name: string;
  readonly ip: string;
}

export interface Order {
  readonly mode: DrainOrder["mode"];
  readonly peers: readonly PeerSlot[];
}

export interface GivenOrder {
  readonly key: string;
  /** The slots that it named. */
  readonly peers: ReadonlySet<number>;
  /** By the monotonic clock, in milliseconds. */
  readonly at: number;
}

/** Who takes mail of others: serving slots that stay. Who can be asked: whoever answers the operator. */
export interface Peers {
  readonly serving: readonly PeerSlot[];
  readonly askable: readonly PeerSlot[];
}

export function peersAmong(slots: readonly ObservedSlot[], staying: ReadonlySet<number>): Peers {
  const askable = slots.flatMap(({ slot, pod }) => (canAnswer(pod) ? [peerOf(slot, pod)] : []));
  const serving = slots.filter(({ slot, pod }) => staying.has(slot) && canAnswer(pod) && isServing(pod));
  const names = new Set(serving.map(({ slot }) => slot));
  return { askable, serving: askable.filter(({ slot }) => names.has(slot)) };
}

export function orderOfLeaving(
  slot: number,
  engine: EngineStatus,
  to: "Peers" | "None",
  peers: Peers,
): Order {
  const serving = others(peers.serving, slot);
  const askable = others(peers.askable, slot);
  const owed = unansweredOf(engine) > 0;
  const mayBeElsewhere = askable.length > serving.length;
  const canHandOver = to === "Peers" && engine.handover !== undefined && serving.length > 0;
  if (canHandOver && !(owed && mayBeElsewhere)) return { mode: "Drain", peers: serving };
  return { mode: "Cordon", peers: owed ? askable : [] };
}

/** Null while nobody owes it an answer: then `uncordon` is all that it may need. */
export function orderOfStaying(slot: number, engine: EngineStatus, peers: Peers): Order | null {
  return unansweredOf(engine) > 0 ? { mode: "Serve", peers: others(peers.askable, slot) } : null;
}

/** It gives nothing; who owes it an answer is asked, since others wait for that too. */
export function orderOfFenced(slot: number, engine: EngineStatus, peers: Peers): Order {
  return { mode: "Fence", peers: unansweredOf(engine) > 0 ? others(peers.askable, slot) : [] };
}

export function isUnder(pod: ObservedPod, order: Order, given: ReadonlyMap<string, GivenOrder>): boolean {
  if (pod.engine?.state !== stateUnder[order.mode]) return false;
  return order.peers.length === 0 || given.get(pod.uid)?.key === orderKey(pod, order);
}

/** The same order to a process that has started anew is another one: it has forgotten. */
export function orderKey({ engine }: ObservedPod, { mode, peers }: Order): string {
  return JSON.stringify([mode, engine?.startedAt, ...peers.map(({ name, ip }) => `${name} ${ip}`)]);
}

export function unansweredOf({ handover }: EngineStatus): number {
  return handover?.unanswered ?? 0;
}

/** It spreads mail, or waits for the answer of a peer: also one that was told to stop, until its last batch has arrived. */
export function maySend(engine: EngineStatus): boolean {
  return unansweredOf(engine) > 0 || (engine.handover?.spreading ?? 0) > 0;
}

function canAnswer(pod: ObservedPod | null): pod is ObservedPod & { readonly ip: string } {
  return pod !== null && pod.ip !== null && pod.engine !== null && pod.engine.state !== "Stopping";
}

function peerOf(slot: number, { name, ip }: { readonly name: string; readonly ip: string }): PeerSlot {
  return { slot, name, ip };
}

function others(peers: readonly PeerSlot[], slot: number): readonly PeerSlot[] {
  return peers.filter((peer) => peer.slot !== slot);
}
