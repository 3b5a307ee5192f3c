/**
 * Clusters that grow and shrink while orders and answers are lost, delayed and overtaken, processes start anew, pods fall
 * silent and the operator forgets everything. Limits are smaller and larger than the number of engines: what is under way
 * is never more than a limit, rates are kept over intervals, and when the line is good again each engine has its equal
 * part and gets its turn.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

import { World, calm, wholes } from "../../testing/share-world.ts";

const fates = ["well", "well", "well", "lost", "late", "unanswered"] as const;
const acts: readonly ((world: World, choice: number) => void)[] = [
  (world) => world.grow(),
  (world) => world.grow(),
  (world, choice) => world.remove(choice),
  (world, choice) => world.at(choice)?.restart(),
  (world, choice) => world.at(choice)?.running.fill(0),
  (world, choice) => {
    const engine = world.at(choice);
    if (engine !== undefined) world.listen(engine);
  },
  (world) => {
    for (const engine of world.pods.values()) world.listen(engine);
  },
  (world, choice) => {
    const engine = world.at(choice);
    if (engine !== undefined) engine.report = null;
  },
  (world, choice) => world.arriveLate(choice),
  (world) => world.forget(),
  (world, choice) => world.pass((i) => fates[(choice + i * 7) % fates.length] ?? "well"),
  (world) => world.pass(() => "well"),
  (world) => world.pass(() => "well"),
  (world, choice) => {
    world.turn += choice % 2;
  },
  (world, choice) => world.clock.advance(choice * 3),
];

/** Turn by turn all of each limit is in use, and after as many turns as there are engines each has had some of it. */
function everybodyHasATurn(world: World): void {
  const had = new Map([...world.pods.keys()].map((uid) => [uid, new Set<number>()]));
  for (let turn = 0; turn < world.pods.size; turn++) {
    world.turn++;
    calm(world);
    wholes.forEach(({ concurrency }, i) => {
      const all = [...world.pods].map(([uid, engine]) => [uid, engine.allowed(i)] as const);
      const sum = all.reduce((total, [, allowed]) => total + allowed, 0);
      assert.equal(sum, concurrency);
      for (const [uid, allowed] of all) if (allowed > 0) had.get(uid)?.add(i);
    });
  }
  for (const limitsHad of had.values()) assert.equal(limitsHad.size, wholes.length);
}

interface Silence {
  readonly pods: number;
  readonly silent: number;
  readonly gone: number;
  readonly grown: number;
  readonly turn: number;
  readonly pauses: readonly number[];
}

/** Everybody has a place; some fall silent, others go and come, and orders for the silent ones reach nobody. */
function someFallSilent({ pods, silent, gone, grown, turn, pauses }: Silence): World {
  const world = new World();
  for (let i = 0; i < pods; i++) world.grow();
  calm(world);
  world.turn = turn;
  calm(world);
  [...world.pods.values()].slice(0, silent).forEach((engine) => {
    engine.isSilent = true;
    engine.report = null;
  });
  for (let i = 0; i < gone; i++) world.remove(world.pods.size - 1);
  for (let i = 0; i < grown; i++) world.grow();
  for (const pause of pauses) {
    for (const engine of world.pods.values()) {
      if (!engine.isSilent) engine.running.fill(0);
      world.listen(engine);
    }
    world.pass(() => "well");
    world.work();
    world.clock.advance(pause);
  }
  return world;
}

describe("shares of a cluster of which a part is silent", () => {
  const some = (max: number, min = 0): fc.Arbitrary<number> => fc.integer({ min, max });

  test("never add up to more than a limit, and reach a new pod while one is silent", () => {
    const silence: fc.Arbitrary<Silence> = fc.record({
      pods: some(6, 1),
      silent: some(3, 1),
      gone: some(2),
      grown: some(3),
      turn: some(6),
      pauses: fc.array(some(3000), { minLength: 12, maxLength: 30 }),
    });
    fc.assert(
      fc.property(silence, (given) => {
        const world = someFallSilent(given);
        world.checkRates();
        const engines = [...world.pods.values()];
        const isOneEach = given.silent === 1 && given.gone === 0 && given.grown === 1;
        if (isOneEach && given.pods > 1) for (const { share } of engines) assert.ok(share > 0);
        for (const engine of engines) engine.isSilent = false;
        calm(world);
        for (const { share } of engines) assert.ok(Math.abs(share - 1 / engines.length) < 1e-6);
      }),
      { numRuns: 300 },
    );
  });
});

describe("rates by the hour of a cluster to which everything happens", () => {
  test("are exceeded by no more than what changed hands meanwhile", () => {
    const act = fc.tuple(fc.nat(acts.length - 1), fc.nat(1000), fc.constantFrom(0, 1000, 30_000, 400_000));
    fc.assert(
      fc.property(fc.array(act, { minLength: 60, maxLength: 150, size: "max" }), (sequence) => {
        const world = new World();
        for (const [kind, choice, pause] of sequence) {
          acts[kind]?.(world, choice);
          world.work();
          world.clock.advance(pause);
          world.work();
        }
        world.checkLongRates();
        world.checkRates();
      }),
      { numRuns: 300 },
    );
  });
});

describe("shares of a cluster to which everything happens", () => {
  test("never add up to more than a limit, are equal parts in the end, and what is left over reaches everybody", () => {
    const act = fc.tuple(fc.nat(acts.length - 1), fc.nat(1000));
    fc.assert(
      fc.property(fc.array(act, { minLength: 60, maxLength: 200, size: "max" }), (sequence) => {
        const world = new World();
        for (const [kind, choice] of sequence) {
          acts[kind]?.(world, choice);
          world.work();
        }
        world.grow();
        calm(world);
        const part = 1 / world.pods.size;
        for (const { share } of world.pods.values())
          assert.ok(Math.abs(share - part) < 1e-6, `${share} in place of ${part}`);
        everybodyHasATurn(world);
        world.checkRates();
      }),
      { numRuns: 500 },
    );
  });
});
