import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { aSlot, aSlotInput } from "../../testing/builders.ts";
import { decideSlots } from "./decide.ts";
import { planIdentities } from "./identities.ts";
import type { ObservedSlot } from "./observed.ts";
import { describeSteps } from "./steps.ts";

const held = (slot: number, identity: string | null, ofPod = identity): ObservedSlot =>
  aSlot(slot, { claim: { identity }, pod: { identity: ofPod } });

describe("identities", () => {
  it("are given in the order of the spec, and stay where they are", () => {
    const plan = planIdentities(["a", "b", "c"], [held(0, "b"), aSlot(1), aSlot(2)], [0, 1, 2]);
    assert.deepEqual([...plan.of], [[0, "b"]]);
    assert.deepEqual([...plan.assign], [[1, "a"], [2, "c"]]); // biome-ignore format: pairs
    assert.deepEqual(plan.without, []);
  });

  it("of a slot that leaves are nobody else's until claim and pod are gone", () => {
    const leaving = held(0, "a");
    assert.deepEqual(planIdentities(["a"], [leaving, aSlot(1)], [1]).without, [1]);
    const claimOnly = aSlot(0, { pod: null, claim: { identity: "a" } });
    assert.deepEqual(planIdentities(["a"], [claimOnly, aSlot(1)], [1]).without, [1]);
    const podOnly = aSlot(0, { claim: null, pod: { identity: "a" } });
    assert.deepEqual(planIdentities(["a"], [podOnly, aSlot(1)], [1]).without, [1]);
    assert.deepEqual([...planIdentities(["a"], [aSlot(1)], [1]).assign], [[1, "a"]]);
  });

  it("that the spec names no more make way for one that is free", () => {
    const plan = planIdentities(["b"], [held(0, "a")], [0]);
    assert.deepEqual([[...plan.of], [...plan.assign]], [[], [[0, "b"]]]);
  });

  it("that two claims say they have are the pod's that was made with it", () => {
    const plan = planIdentities(["a", "b"], [held(0, "a", null), held(1, "a")], [0, 1]);
    assert.deepEqual([[...plan.of], [...plan.assign]], [[[1, "a"]], [[0, "b"]]]);
  });

  it("come before pods: one is written on the claim first, and without one no pod is made", () => {
    const steps = (slots: readonly ObservedSlot[]): string => {
      const identities = planIdentities(["a"], slots, [0]);
      return describeSteps(decideSlots(aSlotInput({ size: 1, slots, identities })).steps);
    };
    assert.equal(steps([]), "create-claim 0");
    assert.equal(steps([aSlot(0, { pod: null })]), "assign-identity 0");
    assert.equal(steps([aSlot(0, { pod: null, claim: { identity: "a" } })]), "create-pod 0");
  });
});

/** Claims and pods as kubelets, people and a pass change them; a pass acts as the operator does. */
class World {
  list = ["a", "b", "c"];
  staying = [0, 1, 2];
  readonly claims = new Map<number, string | null>();
  readonly pods = new Map<number, string>();

  pass(): void {
    const numbers = [...new Set([...this.claims.keys(), ...this.pods.keys()])].sort((a, b) => a - b);
    const slots = numbers.map((slot) => {
      const [identity, ofPod] = [this.claims.get(slot), this.pods.get(slot)];
      return aSlot(slot, {
        claim: identity === undefined ? null : { identity },
        pod: ofPod === undefined ? null : { identity: ofPod },
      });
    });
    const plan = planIdentities(this.list, slots, this.staying);
    for (const [slot, identity] of plan.assign) this.claims.set(slot, identity);
    for (const slot of this.staying) this.#keep(slot, plan.of.get(slot));
  }

  #keep(slot: number, identity: string | undefined): void {
    const [claim, pod] = [this.claims.get(slot), this.pods.get(slot)];
    if (claim === undefined) this.claims.set(slot, null);
    if (pod !== undefined && pod !== identity) this.pods.delete(slot);
    else if (pod === undefined && identity !== undefined && claim === identity) this.pods.set(slot, identity);
  }

  /** A slot goes as a whole, its pod last or first. */
  release(slot: number, isClaim: boolean): void {
    if (!this.staying.includes(slot)) (isClaim ? this.claims : this.pods).delete(slot);
  }

  check(): void {
    const used = [...this.pods.values()];
    assert.equal(new Set(used).size, used.length, `held twice: ${used.join(", ")}`);
  }
}

const all = ["a", "b", "c", "d", "e"];
const acts: readonly ((world: World, n: number) => void)[] = [
  (world) => world.pass(),
  (world) => world.pass(),
  (world, n) => world.pods.delete(n % 5),
  (world, n) => world.release(n % 5, n % 2 === 0),
  (world, n) => {
    world.staying = [n % 5, (n + 1) % 5, (n + 2) % 5];
  },
  (world, n) => {
    world.list = all.filter((_, i) => ((n >> i) & 1) === 1);
  },
];

describe("identities of a cluster to which everything happens", () => {
  const act = fc.tuple(fc.nat(acts.length - 1), fc.nat(31));

  it("never have two holders, and every slot gets one when there are enough", () => {
    fc.assert(
      fc.property(fc.array(act, { minLength: 20, maxLength: 150, size: "max" }), (sequence) => {
        const world = new World();
        for (const [kind, n] of sequence) {
          acts[kind]?.(world, n);
          world.check();
        }
        world.list = all;
        for (let i = 0; i < 6; i++) world.pass();
        world.check();
        for (const slot of world.staying) assert.ok(world.pods.has(slot));
      }),
      { numRuns: 1000 },
    );
  });
});
