/**
 * Clusters that grow and shrink while orders and answers are lost, delayed and overtaken, processes start anew and the
 * operator forgets everything. Engines divide by the queue's own arithmetic, each tries as much at once as it is allowed,
 * and limits are smaller and larger than the number of engines: what is under way is never more than a limit, rates are kept
 * over intervals, and when the line is good again each engine has its equal part and gets its turn.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

import { ManualClock } from "#base/testing/manual-clock.ts";
import type { ShareState } from "#contract/rules-api.ts";
import { Division } from "#mta/queue/division.ts";
import { limitsOf } from "#mta/queue/policy.ts";
import { type ShareOrder, decideShares } from "#operator/slots/shares.ts";

import { aSlot, anEngine } from "../../testing/builders.ts";
import { type NotedShare, noteAnswer, noteReport, noteSent } from "./share-notes.ts";

const wholes = [1, 2, 3, 4, 5, 7, 8, 12].map((concurrency) =>
  limitsOf({ concurrency, properties: {}, stop: false, cluster: true }, "fixedwindow"),
);
/** Tokens in five seconds. */
const rates = [1, 2, 5, 11].map((tokens) => ({
  tokens,
  intervalMs: 5000,
  algorithm: "fixedwindow" as const,
}));

class Engine {
  readonly #clock: ManualClock;
  #division: Division;
  #share: Pick<ShareState, "shares" | "place"> = { shares: { n: 0, of: 1 } };
  version = 0;
  readonly running = wholes.map(() => 0);
  #uses = rates.map(() => ({ at: 0, used: 0 }));
  startedAt = 0;
  /** What the operator has heard of it last; null: nothing lately. */
  report: { readonly state: ShareState; readonly startedAt: number } | null = null;
  /** It goes on, and nothing is heard of it. */
  isSilent = false;

  constructor(clock: ManualClock) {
    this.#clock = clock;
    this.#division = this.#divisionAnew();
  }

  get share(): number {
    return this.#share.shares.n / this.#share.shares.of;
  }

  get state(): ShareState {
    const overhangs = wholes.map(({ concurrency }, i) => {
      const running = this.running[i] ?? 0;
      return running > this.#division.attemptsWithoutPlace(concurrency) ? running / concurrency : 0;
    });
    const held = Math.min(1, Math.max(this.share, ...overhangs));
    const isStarved = this.share > 0 && wholes.some((_, i) => this.allowed(i) === 0);
    return { ...this.#share, version: this.version, held, isStarved };
  }

  allowed(limit: number): number {
    const whole = wholes[limit];
    assert.ok(whole);
    return this.#division.limitsOf(whole, `key ${limit}`).concurrency;
  }

  take({ order: { after, ...share } }: ShareOrder): ShareState | null {
    if (after !== undefined && after !== this.version) return null;
    this.#share = share;
    this.version++;
    this.#divide();
    return this.state;
  }

  /** Its share is on disk; what it used of rates is forgotten. */
  restart(): void {
    this.running.fill(0);
    this.#uses = rates.map(() => ({ at: 0, used: 0 }));
    this.startedAt++;
    this.#division = this.#divisionAnew();
    this.#divide();
  }

  /** Everything that it may; the tokens that it took of each rate. */
  work(): readonly number[] {
    wholes.forEach((_, i) => {
      this.running[i] = Math.max(this.running[i] ?? 0, this.allowed(i));
    });
    const now = this.#clock.monotonic();
    return rates.map((rate, i) => {
      const use = this.#uses[i];
      assert.ok(use);
      const room = this.#division.room(rate, use, now);
      assert.equal(room > 0, this.#division.wait(rate, use, now) === 0);
      if (room > 0) this.#division.take(rate, use, now, room);
      return room;
    });
  }

  #divisionAnew(): Division {
    const division = new Division(this.#clock);
    division.change({ n: 0, of: 1, place: "none" });
    return division;
  }

  #divide(): void {
    const { shares, place } = this.#share;
    this.#division.change({ ...shares, place: place ?? "none" });
  }
}

class World {
  readonly clock = new ManualClock();
  readonly pods = new Map<string, Engine>();
  /** Tokens of each rate, and when they were used. */
  readonly used: readonly { readonly at: number; readonly tokens: number }[][] = rates.map(() => []);
  turn = 0;
  #notes = new Map<string, NotedShare>();
  /** On their way since somebody gave up waiting for the answer. */
  readonly #late: { readonly uid: string; readonly order: ShareOrder }[] = [];
  #next = 0;

  grow(): void {
    if (this.pods.size < 6) this.pods.set(`uid-${this.#next++}`, new Engine(this.clock));
  }

  at(choice: number): Engine | undefined {
    return [...this.pods.values()][choice % Math.max(1, this.pods.size)];
  }

  remove(choice: number): void {
    const uid = [...this.pods.keys()][choice % Math.max(1, this.pods.size)];
    if (uid !== undefined) this.pods.delete(uid);
  }

  /** Another operator takes over; what the old one sent may still arrive. */
  forget(): void {
    this.#notes = new Map();
  }

  listen(engine: Engine): void {
    if (engine.isSilent) return;
    engine.report = { state: engine.state, startedAt: engine.startedAt };
  }

  arriveLate(choice: number): void {
    const [found] = this.#late.splice(choice % Math.max(1, this.#late.length), 1);
    if (found !== undefined) this.pods.get(found.uid)?.take(found.order);
  }

  /** `fate` says what becomes of each order: the line of a pass. */
  pass(fate: (i: number) => "well" | "lost" | "late" | "unanswered"): void {
    const slots = [...this.pods].map(([uid, { report }], slot) => {
      const startedAt = new Date(report?.startedAt ?? 0).toISOString();
      return aSlot(slot, {
        pod: { uid, engine: report === null ? null : anEngine({ share: report.state, startedAt }) },
      });
    });
    for (const uid of this.#notes.keys()) if (!this.pods.has(uid)) this.#notes.delete(uid);
    for (const { pod } of slots) {
      const note = this.#notes.get(pod?.uid ?? "");
      if (pod !== null && note !== undefined) this.#keep(pod.uid, noteReport(note, pod));
    }
    const { orders } = decideShares(slots, this.#notes, this.turn);
    for (const [i, order] of orders.entries()) this.#tell(order, fate(i));
  }

  #tell(order: ShareOrder, fate: "well" | "lost" | "late" | "unanswered"): void {
    const { uid } = order.pod;
    this.#keep(uid, noteSent(this.#notes.get(uid), order));
    if (fate === "late") this.#late.push({ uid, order });
    if (fate === "lost" || fate === "late") return;
    const engine = this.pods.get(uid);
    assert.ok(engine);
    const answer = engine.take(order);
    this.work();
    if (fate === "well") this.#keep(uid, noteAnswer(this.#notes.get(uid), order, answer));
  }

  #keep(uid: string, note: NotedShare | null): void {
    if (note === null) this.#notes.delete(uid);
    else this.#notes.set(uid, note);
  }

  /** Everybody does as much as it may. */
  work(): void {
    const at = this.clock.monotonic();
    for (const engine of this.pods.values()) {
      engine.work().forEach((tokens, i) => {
        if (tokens > 0) this.used[i]?.push({ at, tokens });
      });
    }
    this.check();
  }

  check(): void {
    wholes.forEach(({ concurrency }, i) => {
      const sum = [...this.pods.values()].reduce((total, { running }) => total + (running[i] ?? 0), 0);
      assert.ok(sum <= concurrency, `${sum} of ${concurrency} at once`);
    });
  }

  /** As of one engine alone: two windows may meet in an interval, three in two of them. */
  checkRates(): void {
    rates.forEach(({ tokens, intervalMs }, i) => {
      const uses = this.used[i] ?? [];
      for (const [first, { at }] of uses.entries()) {
        for (const intervals of [1, 2, 4]) {
          const end = at + intervals * intervalMs;
          let sum = 0;
          for (let k = first; (uses[k]?.at ?? end) < end; k++) sum += uses[k]?.tokens ?? 0;
          const most = (intervals + 1) * tokens;
          assert.ok(sum <= most, `${sum} of at most ${most} in ${intervals} intervals of ${tokens}`);
        }
      }
    });
  }
}

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

/** Everybody's attempts end, everybody is heard, and all orders arrive. */
function calm(world: World): void {
  for (let i = 0; i < 8; i++) {
    for (const engine of world.pods.values()) {
      engine.running.fill(0);
      world.listen(engine);
    }
    world.pass(() => "well");
    world.check();
  }
}

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
