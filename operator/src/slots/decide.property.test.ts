import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";

import { aSlotInput } from "../../testing/builders.ts";
import { SlotWorld } from "../../testing/slot-world.ts";
import { type SlotInput, decideSlots } from "./decide.ts";
import { type Step, describeSteps } from "./steps.ts";

/** What may happen between two passes. */
type Happening =
  | { readonly kind: "resize"; readonly size: number }
  | { readonly kind: "change-template"; readonly hash: string }
  | {
      readonly kind: "fail" | "silence" | "speak" | "restart" | "vanish" | "delete-claim";
      readonly slot: number;
    }
  | { readonly kind: "time"; readonly arriving: number; readonly delivered: number };

const slot = fc.nat({ max: 5 });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("time" as const),
      arriving: fc.nat({ max: 3 }),
      delivered: fc.nat({ max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("resize" as const), size: fc.nat({ max: 5 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("change-template" as const),
      hash: fc.constantFrom("a", "b", "c"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("fail", "silence", "speak", "restart", "vanish", "delete-claim" as const),
      slot,
    }),
  },
);

function happen(world: SlotWorld, event: Happening): void {
  if (event.kind === "time") return world.live(event);
  if (event.kind === "resize") return;
  if (event.kind === "change-template") {
    world.hash = event.hash;
    return;
  }
  const pod = world.pods.get(event.slot);
  const claim = world.claims.get(event.slot);
  if (event.kind === "delete-claim") {
    // Somebody deletes the claim of a running pod; without one Kubernetes would delete the mail with it.
    if (claim !== undefined && pod?.phase === "Running" && !pod.isTerminating) claim.isTerminating = true;
    return;
  }
  if (pod === undefined) return;
  pod.version += 1;
  if (event.kind === "silence" || event.kind === "speak") pod.isSilent = event.kind === "silence";
  if (event.kind === "restart") pod.isCordoned = false;
  // Beyond help: a claim that is being deleted goes with its pod.
  if (claim?.isTerminating === true) return;
  if (event.kind === "fail") pod.phase = "Failed";
  if (event.kind === "vanish") world.pods.delete(event.slot);
}

function pass(world: SlotWorld, changes: Partial<SlotInput>): readonly Step[] {
  const input = aSlotInput({ ...changes, slots: world.observe(), hashOf: () => world.hash });
  const before = world.serving(input.size);
  const { steps } = decideSlots(input);
  assert.ok(steps.filter(isDisruptive).length <= 1, describeSteps(steps));
  world.perform(steps);
  const lost = before - world.serving(input.size);
  const isReplacing =
    lost === 1 && steps.some((step) => step.kind === "delete-pod" && step.why === "Outdated");
  assert.ok(!isReplacing || before === input.size, "a pod is made anew while another is not ready");
  assert.ok(lost <= 1, `${lost} pods that stay were taken at once: ${describeSteps(steps)}`);
  return steps;
}

function isDisruptive(step: Step): boolean {
  if (step.kind === "delete-pod") return step.why !== "Ended";
  return step.kind === "cordon" || step.kind === "release";
}

/** Faults are over: everybody speaks, mail stops coming in and is delivered. */
function calmDown(world: SlotWorld, changes: Partial<SlotInput>): void {
  for (const pod of world.pods.values()) pod.isSilent = false;
  for (let i = 0; i < 200; i += 1) {
    pass(world, changes);
    world.live({ arriving: 0, delivered: 5 });
  }
}

describe("slots in a world of faults", () => {
  it("lose no mail, never double a pod, and end as wanted", () => {
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.array(happening, { maxLength: 60 }), (start, events) => {
        const world = new SlotWorld();
        let size = start;
        for (const event of events) {
          if (event.kind === "resize") size = event.size;
          pass(world, { size });
          happen(world, event);
        }
        calmDown(world, { size });
        assert.deepEqual(pass(world, { size }), [], "a settled cluster needs nothing");
        assert.deepEqual(
          world.observe().map(({ slot: number, pod }) => [number, pod?.hash, pod?.isReady]),
          [...Array(size).keys()].map((number) => [number, world.hash, true]),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("a deleted cluster ends with nothing, and no mail lost", () => {
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.array(happening, { maxLength: 30 }), (size, events) => {
        const world = new SlotWorld();
        for (const event of events) {
          pass(world, { size });
          happen(world, event);
        }
        for (const event of events) {
          pass(world, { size, deletion: "Drain" });
          happen(world, event);
        }
        calmDown(world, { size, deletion: "Drain" });
        assert.deepEqual(world.observe(), []);
      }),
      { numRuns: 300 },
    );
  });
});
