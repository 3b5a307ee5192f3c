import assert from "node:assert/strict";
import { after, describe, it } from "node:test";

import fc from "fast-check";

import { aSlotInput } from "../../testing/builders.ts";
import type { Turn } from "../../testing/mail-world.ts";
import { SlotWorld } from "../../testing/slot-world.ts";
import { decideSpread, stayingOf } from "#operator/scaling/spread.ts";
import { type SlotDecision, decideSlots } from "./decide.ts";
import type { SlotInput } from "./input.ts";
import { type Step, describeSteps } from "./steps.ts";

/** What may happen between two passes, and the turn that passes then. */
interface Happening {
  readonly what:
    | { readonly kind: "nothing" | "new-operator" | "lost-status" }
    | { readonly kind: "resize"; readonly size: number }
    | { readonly kind: "name" | "fence"; readonly slots: readonly number[] }
    | { readonly kind: "change-template"; readonly hash: string }
    | { readonly kind: (typeof faults)[number]; readonly slot: number };
  readonly turn: Turn;
  /** The next pass acts on what was observed a turn before. */
  readonly lags: boolean;
}

const faults = ["fail", "silence", "speak", "restart", "vanish", "delete-claim"] as const;
const slot = fc.nat({ max: 5 });
const kind = <K extends string>(...kinds: readonly K[]) => fc.record({ kind: fc.constantFrom(...kinds) });
const turn: fc.Arbitrary<Turn> = fc.record({
  arriving: fc.nat({ max: 3 }),
  delivered: fc.constantFrom(0, 0, 0, 1, 2),
  lost: fc.constantFrom("none" as const, "answer" as const, "batch" as const),
});

const happening: fc.Arbitrary<Happening> = fc.record({
  what: fc.oneof(
    { weight: 8, arbitrary: kind("nothing") },
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant("resize" as const), size: fc.integer({ min: 1, max: 5 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("resize" as const), size: fc.constant(0) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom("name" as const, "fence" as const),
        slots: fc.array(slot, { maxLength: 2 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("change-template" as const),
        hash: fc.constantFrom("a", "b", "c"),
      }),
    },
    { weight: 1, arbitrary: kind("new-operator", "lost-status") },
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom(...faults), slot }) },
  ),
  turn,
  lags: fc.boolean(),
});

const lives = (maxLength: number) =>
  fc.record({
    size: fc.nat({ max: 5 }),
    events: fc.array(happening, { minLength: 10, maxLength, size: "max" }),
  });

/** A world, what is wanted of it, and what the status remembers between passes. */
class Life {
  readonly world = new SlotWorld();
  size: number;
  deletion: SlotInput["deletion"] = null;
  preferred: readonly number[] = [];
  fenced: readonly number[] = [];
  leaving: readonly number[] = [];
  #actingSince = 0;

  constructor(size: number) {
    this.size = size;
  }

  pass(lag?: Turn): readonly Step[] {
    const { world } = this;
    const input = aSlotInput({
      size: this.size,
      deletion: this.deletion,
      slots: world.observe(),
      hashOf: () => world.hash,
      given: new Map(world.given),
      now: world.now,
      actingSince: this.#actingSince,
      leavingBefore: new Set(this.leaving),
      preferred: new Set(this.preferred),
      fence: { isAll: false, slots: new Set(this.fenced), unread: [] },
    });
    const decision = decideSlots(input);
    const { steps, staying, waiting } = decision;
    if (lag !== undefined) world.live(lag);
    const free = staying.filter((number) => !this.fenced.includes(number));
    const before = world.serving(free);
    assert.ok(steps.filter(isDisruptive).length <= 1, describeSteps(steps));
    const touched = steps.filter((step) => this.fenced.includes(step.slot) && isDisruptive(step));
    assert.deepEqual(touched, [], "a fenced slot is touched");
    world.perform(steps);
    const lost = before - world.serving(free);
    const isReplacing =
      lost === 1 && steps.some((step) => step.kind === "delete-pod" && step.why === "Outdated");
    assert.ok(
      !isReplacing || before === this.size || lag !== undefined,
      "a pod is made anew while another is not ready",
    );
    assert.ok(lost <= 1, `${lost} pods that stay were taken at once: ${describeSteps(steps)}`);
    this.leaving = waiting.map(({ slot: number }) => number);
    this.#spread(input, decision);
    return steps;
  }

  /** After the steps, as the operator does. */
  #spread({ slots, fence, hashOf }: SlotInput, decision: SlotDecision): void {
    const orders = decideSpread({ slots, staying: stayingOf(decision), fence, hashOf, doubted: new Set() });
    for (const { slot: giver, to } of orders)
      for (const number of [giver, ...to.map((part) => part.slot)]) {
        assert.ok(!this.leaving.includes(number), `slot ${number} leaves and is to give or take`);
        assert.ok(!this.fenced.includes(number), `slot ${number} is fenced and is to give or take`);
      }
    this.world.spread(orders);
  }

  happen({ what, turn: passing, lags }: Happening): void {
    const { world } = this;
    if (what.kind === "resize") this.size = what.size;
    else if (what.kind === "name") this.preferred = what.slots;
    else if (what.kind === "fence") this.fenced = what.slots;
    else if (what.kind === "change-template") world.hash = what.hash;
    else if (what.kind === "new-operator") this.#newOperator();
    else if (what.kind === "lost-status") this.leaving = [];
    else if ("slot" in what) this.#fault(what.kind, what.slot);
    if (lags) this.pass(passing);
    else world.live(passing);
  }

  #newOperator(): void {
    this.world.given = new Map();
    this.#actingSince = this.world.now;
  }

  #fault(kind: (typeof faults)[number], number: number): void {
    const { pods, claims } = this.world;
    const pod = pods.get(number);
    const claim = claims.get(number);
    if (kind === "delete-claim") {
      // Somebody deletes the claim of a running pod; without one Kubernetes would delete the mail with it.
      if (claim !== undefined && pod?.phase === "Running" && !pod.isTerminating) claim.isTerminating = true;
      return;
    }
    if (pod === undefined) return;
    pod.version += 1;
    if (kind === "silence" || kind === "speak") pod.isSilent = kind === "silence";
    if (kind === "restart") this.world.restart(number);
    // Beyond help: a claim that is being deleted goes with its pod.
    if (claim?.isTerminating === true) return;
    if (kind === "fail") pod.phase = "Failed";
    if (kind === "vanish") pods.delete(number);
  }

  /** Faults are over: everybody speaks, mail stops coming in and is delivered. */
  calmDown(): void {
    for (const pod of this.world.pods.values()) pod.isSilent = false;
    for (let i = 0; i < 250; i += 1) {
      this.pass();
      this.world.live({ arriving: 0, delivered: 2, lost: "none" });
    }
  }

  everyMessageIsAccountedFor(): void {
    const { accepted, delivered } = this.world.mail;
    assert.deepEqual(
      [...accepted].filter((id) => !delivered.has(id)),
      [],
      "messages that are lost or stuck",
    );
  }
}

function isDisruptive(step: Step): boolean {
  if (step.kind === "delete-pod") return step.why !== "Ended";
  return step.kind === "cordon" || step.kind === "release";
}

describe("slots in a world of faults", () => {
  let spread = 0;
  after(() => assert.ok(spread > 1000, `${spread} batches were spread`));

  it("lose no mail, double none, never double a pod, and end as wanted", () => {
    fc.assert(
      fc.property(lives(60), ({ size, events }) => {
        const life = new Life(size);
        for (const event of events) {
          life.pass();
          life.happen(event);
        }
        life.preferred = [];
        life.fenced = [];
        life.calmDown();
        assert.deepEqual(life.pass(), [], "a settled cluster needs nothing");
        const ends = life.world.observe().map(({ pod }) => [pod?.hash, pod?.isReady]);
        assert.deepEqual(
          ends,
          ends.map(() => [life.world.hash, true]),
        );
        assert.equal(ends.length, life.size);
        if (life.size > 0) life.everyMessageIsAccountedFor();
        spread += life.world.mail.spread;
      }),
      { numRuns: 400 },
    );
  });

  it("a deleted cluster ends with nothing, and no mail lost", () => {
    fc.assert(
      fc.property(lives(40), ({ size, events }) => {
        const life = new Life(size);
        for (const event of events) {
          life.pass();
          life.happen(event);
        }
        life.deletion = "Drain";
        for (const event of events) {
          life.pass();
          life.happen(event);
        }
        life.fenced = [];
        life.calmDown();
        assert.deepEqual(life.world.observe(), []);
        life.everyMessageIsAccountedFor();
      }),
      { numRuns: 250 },
    );
  });
});
