/**
 * A small world of slots for property tests: pods that start, take mail, deliver, hand over, fail and fall silent, and
 * an executor that performs the steps of slots/ as reconcile/ would. It throws when a step does what no step may do:
 * takes a claim with mail in it that nobody gave up, or one that another slot must still ask, or makes a second pod or
 * claim for a slot.
 */
import { stateUnder } from "#contract/admin-api.ts";
import type { SpreadOrder } from "#operator/scaling/spread.ts";
import type { ObservedSlot } from "#operator/slots/observed.ts";
import { type GivenOrder, maySend, orderKey } from "#operator/slots/orders.ts";
import type { Step } from "#operator/slots/steps.ts";

import { aClaim, aPod, anEngine } from "./builders.ts";
import {
  holds,
  MailWorld,
  type Mouth,
  newSpool,
  type Spool,
  spreading,
  type Turn,
  unanswered,
} from "./mail-world.ts";

interface Pod {
  readonly uid: string;
  hash: string;
  phase: "Pending" | "Running" | "Failed";
  isTerminating: boolean;
  isSilent: boolean;
  mouth: Mouth;
  version: number;
  starts: number;
}

interface Claim {
  isBound: boolean;
  isTerminating: boolean;
  /** The mark in the volume. */
  isFenced: boolean;
  readonly spool: Spool;
}

const TURN_MS = 3000;
/** Of each message; so many that few messages are a backlog. */
const RECIPIENTS = 100;
const serving: Mouth = { mode: "Serve", peers: [] };

export class SlotWorld {
  readonly pods = new Map<number, Pod>();
  readonly claims = new Map<number, Claim>();
  readonly mail = new MailWorld();
  /** What the operator remembers of its orders; an operator that starts anew remembers nothing. */
  given = new Map<string, GivenOrder>();
  now = 0;
  hash = "hash-0";
  #made = 0;

  observe(): ObservedSlot[] {
    const slots = [...new Set([...this.pods.keys(), ...this.claims.keys()])].sort((a, b) => a - b);
    return slots.map((slot) => ({ slot, pod: this.#observePod(slot), claim: this.#observeClaim(slot) }));
  }

  perform(steps: readonly Step[]): void {
    for (const step of steps) this.#perform(step);
    this.#collect();
  }

  /** As reconcile/spread-backlog.ts gives orders: noted whether they arrive or not, and taken by engines that serve. */
  spread(orders: readonly SpreadOrder[]): void {
    for (const { pod, to } of orders) {
      const peers = to.map(({ slot }) => slot);
      this.given.set(pod.uid, { key: "", peers: new Set(peers), at: this.now });
      const giver = [...this.pods.values()].find(({ uid }) => uid === pod.uid);
      if (giver === undefined || giver.isSilent || giver.mouth.mode !== "Serve") continue;
      const shares = to.map(({ slot, recipients }) => [slot, Math.floor(recipients / RECIPIENTS)] as const);
      giver.mouth = { mode: "Serve", peers, shares: new Map(shares.filter(([, share]) => share > 0)) };
    }
  }

  /** Time passes: pods start, deleted ones end, all that run take, deliver and give. */
  live(turn: Turn): void {
    this.now += TURN_MS;
    const mouths = new Map<number, Mouth>();
    for (const [slot, pod] of this.pods) {
      const claim = this.claims.get(slot);
      if (pod.phase === "Running" && claim !== undefined) mouths.set(slot, pod.mouth);
      if (pod.phase === "Pending" && claim !== undefined) {
        pod.phase = "Running";
        claim.isBound = true;
      }
    }
    const spools = new Map([...this.claims].map(([slot, { spool }]) => [slot, spool] as const));
    this.mail.turn(spools, mouths, turn);
    for (const [slot, pod] of this.pods) if (pod.isTerminating) this.pods.delete(slot);
    this.#collect();
  }

  /**
   * The process ends and starts anew: what it was told is forgotten, what it wrote down is not, a fence among it. Nodes start nothing
   * anew in a pod that is being deleted.
   */
  restart(slot: number): void {
    const pod = this.pods.get(slot);
    if (pod === undefined || pod.isTerminating) return;
    pod.mouth = this.#firstMouth(slot);
    pod.starts += 1;
  }

  /** How many of these slots take mail. */
  serving(slots: readonly number[]): number {
    return slots.filter((slot) => isServing(this.pods.get(slot))).length;
  }

  #perform(step: Step): void {
    const { slot } = step;
    const pod = this.pods.get(slot);
    const claim = this.claims.get(slot);
    switch (step.kind) {
      case "create-claim":
        if (claim !== undefined) throw new Error(`a second claim for slot ${slot}`);
        this.claims.set(slot, { isBound: false, isTerminating: false, isFenced: false, spool: newSpool() });
        return;
      case "create-pod":
        if (pod !== undefined) throw new Error(`a second pod for slot ${slot}`);
        if (claim === undefined) throw new Error(`a pod without a claim in slot ${slot}`);
        this.pods.set(slot, this.#newPod(slot));
        return;
      case "delete-pod":
        if (pod !== undefined) pod.isTerminating = true;
        return;
      case "cordon":
        return this.#order(step.pod.uid, { mode: "Cordon", peers: [] });
      case "uncordon":
      case "order": {
        const mode = step.kind === "order" ? step.mode : "Serve";
        const peers = step.peers.map((peer) => peer.slot);
        const key = orderKey(step.pod, { mode, peers: step.peers });
        this.given.set(step.pod.uid, { key, peers: new Set(peers), at: this.now });
        return this.#order(step.pod.uid, { mode, peers });
      }
      case "release":
        return this.#release(step);
      case "delete-claim":
        if (claim !== undefined) this.#deleteClaim(slot, claim);
        return;
      case "resize-claim":
      case "assign-identity":
      case "note-node":
      case "sleep":
        return;
    }
  }

  #order(uid: string, mouth: Mouth): void {
    for (const [slot, pod] of this.pods) {
      if (pod.uid !== uid || pod.isSilent) continue;
      pod.mouth = mouth;
      const claim = this.claims.get(slot);
      if (claim !== undefined) claim.isFenced = mouth.mode === "Fence";
    }
  }

  /** The live look: what was observed may have changed. */
  #release({ slot, pod: judged, proof, witnesses }: Step & { kind: "release" }): void {
    const pod = this.pods.get(slot);
    const claim = this.claims.get(slot);
    if (pod === undefined || pod.uid !== judged.uid || pod.version !== Number(judged.resourceVersion)) return;
    if (proof === "EmptyQueue") {
      const isEmpty = claim === undefined || holds(claim.spool) === 0;
      if (pod.isSilent || pod.mouth.mode === "Serve" || !isEmpty) return;
      if (witnesses.some(({ uid }) => !this.#isFreeOfDebt(uid))) return;
    } else if (claim?.isBound === true) return;
    if (claim !== undefined) this.#deleteClaim(slot, claim);
    pod.isTerminating = true;
  }

  #isFreeOfDebt(uid: string): boolean {
    const found = [...this.pods].find(([, pod]) => pod.uid === uid);
    if (found === undefined || found[1].isSilent || found[1].phase !== "Running") return false;
    const spool = this.claims.get(found[0])?.spool;
    return spool === undefined || !maySend(this.#engine(...found));
  }

  #deleteClaim(slot: number, claim: Claim): void {
    if (holds(claim.spool) > 0) throw new Error(`the claim of slot ${slot} goes with mail in it`);
    for (const [other, { spool }] of this.claims) {
      if (spool.away.some(({ peer }) => peer === slot))
        throw new Error(`slot ${slot} goes, and only it can tell slot ${other} what it took`);
    }
    claim.isTerminating = true;
  }

  /** Kubernetes keeps a deleted claim for as long as a pod uses it. */
  #collect(): void {
    for (const [slot, claim] of this.claims) {
      if (!claim.isTerminating || this.pods.has(slot)) continue;
      if (holds(claim.spool) > 0) throw new Error(`slot ${slot} is gone with mail in it`);
      this.claims.delete(slot);
    }
  }

  #firstMouth(slot: number): Mouth {
    return this.claims.get(slot)?.isFenced === true ? { mode: "Fence", peers: [] } : serving;
  }

  #newPod(slot: number): Pod {
    const uid = `uid-${++this.#made}`;
    const { hash } = this;
    return {
      uid,
      hash,
      phase: "Pending",
      isTerminating: false,
      isSilent: false,
      mouth: this.#firstMouth(slot),
      version: 1,
      starts: 0,
    };
  }

  #observePod(slot: number): ObservedSlot["pod"] {
    const pod = this.pods.get(slot);
    if (pod === undefined) return null;
    const { uid, hash, phase, isTerminating } = pod;
    const speaks = phase === "Running" && !pod.isSilent && !isTerminating;
    return aPod(slot, {
      uid,
      hash,
      phase,
      isTerminating,
      resourceVersion: String(pod.version),
      isReady: isServing(pod),
      engine: speaks ? this.#engine(slot, pod) : null,
    });
  }

  #engine(slot: number, { mouth, starts }: Pod) {
    const spool = this.claims.get(slot)?.spool ?? newSpool();
    const queued = holds(spool);
    const handover = {
      given: 0,
      unanswered: unanswered(spool),
      waitsFor: null,
      spreading: mouth.mode === "Drain" ? 0 : spreading(mouth) + flying(spool),
      spread: 0,
    };
    const engine = anEngine({
      state: stateUnder[mouth.mode],
      queued,
      startedAt: new Date(starts * 1000).toISOString(),
      handover,
    });
    return { ...engine, queue: { ...engine.queue, portable: spool.mail.size * RECIPIENTS } };
  }

  #observeClaim(slot: number): ObservedSlot["claim"] {
    const claim = this.claims.get(slot);
    if (claim === undefined) return null;
    return aClaim(slot, { phase: claim.isBound ? "Bound" : "Pending", isTerminating: claim.isTerminating });
  }
}

function flying({ away }: Spool): number {
  return away.filter(({ isFlying }) => isFlying).length;
}

function isServing(pod: Pod | undefined): boolean {
  return pod?.phase === "Running" && !pod.isTerminating && pod.mouth.mode === "Serve";
}
