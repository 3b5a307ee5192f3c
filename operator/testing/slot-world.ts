/**
 * A small world of slots for property tests: pods that start, take mail, deliver, fail and fall silent, and an
 * executor that performs the steps of slots/ as reconcile/ would. It throws when a step does what no step may do:
 * takes a claim with mail in it that nobody gave up, or makes a second pod or claim for a slot.
 */
import { aClaim, aPod, anEngine } from "./builders.ts";
import type { ObservedSlot } from "#operator/slots/observed.ts";
import type { Step } from "#operator/slots/steps.ts";

interface Pod {
  hash: string;
  phase: "Pending" | "Running" | "Failed";
  isTerminating: boolean;
  isSilent: boolean;
  isCordoned: boolean;
  version: number;
}

interface Claim {
  isBound: boolean;
  isTerminating: boolean;
  /** Recipients that wait in it. */
  mail: number;
}

export class SlotWorld {
  readonly pods = new Map<number, Pod>();
  readonly claims = new Map<number, Claim>();
  hash = "hash-0";

  observe(): ObservedSlot[] {
    const slots = [...new Set([...this.pods.keys(), ...this.claims.keys()])].sort((a, b) => a - b);
    return slots.map((slot) => ({ slot, pod: this.#observePod(slot), claim: this.#observeClaim(slot) }));
  }

  perform(steps: readonly Step[]): void {
    for (const step of steps) this.#perform(step);
    this.#collect();
  }

  /** Time passes: pods start, those that take mail get some, all that run deliver some, deleted ones end. */
  live(options: { readonly arriving: number; readonly delivered: number }): void {
    for (const [slot, pod] of this.pods) {
      const claim = this.claims.get(slot);
      if (pod.isTerminating) this.pods.delete(slot);
      else if (claim === undefined || pod.phase === "Failed") continue;
      else if (pod.phase === "Pending") {
        pod.phase = "Running";
        claim.isBound = true;
      } else {
        if (!pod.isCordoned) claim.mail += options.arriving;
        claim.mail = Math.max(0, claim.mail - options.delivered);
      }
    }
    this.#collect();
  }

  /** How many of the first `size` slots take mail. */
  serving(size: number): number {
    return [...this.pods].filter(([slot, pod]) => slot < size && isServing(pod)).length;
  }

  #perform(step: Step): void {
    const { slot } = step;
    const pod = this.pods.get(slot);
    const claim = this.claims.get(slot);
    switch (step.kind) {
      case "create-claim":
        if (claim !== undefined) throw new Error(`a second claim for slot ${slot}`);
        this.claims.set(slot, { isBound: false, isTerminating: false, mail: 0 });
        return;
      case "create-pod":
        if (pod !== undefined) throw new Error(`a second pod for slot ${slot}`);
        if (claim === undefined) throw new Error(`a pod without a claim in slot ${slot}`);
        this.pods.set(slot, newPod(this.hash));
        return;
      case "delete-pod":
        if (pod !== undefined) pod.isTerminating = true;
        return;
      case "cordon":
      case "uncordon":
        if (pod !== undefined) pod.isCordoned = step.kind === "cordon";
        return;
      case "release":
        // The live look: what was observed may have changed.
        if (pod === undefined || pod.version !== Number(step.pod.resourceVersion)) return;
        if (claim !== undefined) this.#deleteClaim(slot, claim);
        pod.isTerminating = true;
        return;
      case "delete-claim":
        if (claim !== undefined) this.#deleteClaim(slot, claim);
        return;
      case "resize-claim":
        return;
    }
  }

  #deleteClaim(slot: number, claim: Claim): void {
    if (claim.mail > 0) throw new Error(`the claim of slot ${slot} goes with ${claim.mail} in it`);
    claim.isTerminating = true;
  }

  /** Kubernetes keeps a deleted claim for as long as a pod uses it. */
  #collect(): void {
    for (const [slot, claim] of this.claims) {
      if (!claim.isTerminating || this.pods.has(slot)) continue;
      if (claim.mail > 0) throw new Error(`slot ${slot} is gone with ${claim.mail} in it`);
      this.claims.delete(slot);
    }
  }

  #observePod(slot: number): ObservedSlot["pod"] {
    const pod = this.pods.get(slot);
    if (pod === undefined) return null;
    const isRunning = pod.phase === "Running";
    const queued = this.claims.get(slot)?.mail ?? 0;
    return aPod(slot, {
      resourceVersion: String(pod.version),
      hash: pod.hash,
      phase: pod.phase,
      isReady: isServing(pod),
      isTerminating: pod.isTerminating,
      engine:
        isRunning && !pod.isSilent && !pod.isTerminating
          ? anEngine({ state: pod.isCordoned ? "Cordoned" : "Serving", queued })
          : null,
    });
  }

  #observeClaim(slot: number): ObservedSlot["claim"] {
    const claim = this.claims.get(slot);
    if (claim === undefined) return null;
    return aClaim(slot, { phase: claim.isBound ? "Bound" : "Pending", isTerminating: claim.isTerminating });
  }
}

function newPod(hash: string): Pod {
  return { hash, phase: "Pending", isTerminating: false, isSilent: false, isCordoned: false, version: 1 };
}

function isServing(pod: Pod): boolean {
  return pod.phase === "Running" && !pod.isTerminating && !pod.isCordoned;
}
