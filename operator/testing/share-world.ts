/**
 * A cluster in memory for tests of shares: what the operator decides and notes, engines that divide by the queue's own
 * arithmetic and use all that they may, and a line between them on which orders and answers are lost and late. It
 * asserts at each step that no limit on attempts is exceeded, and on demand that no rate was.
 */
import assert from "node:assert/strict";

import { ManualClock } from "#base/testing/manual-clock.ts";
import type { ShareState } from "#contract/rules-api.ts";
import { Division } from "#mta/queue/division.ts";
import { limitsOf } from "#mta/queue/policy.ts";
import { type NotedShare, noteAnswer, noteReport, noteSent } from "#operator/reconcile/share-notes.ts";
import { type ShareOrder, decideShares } from "#operator/slots/shares.ts";

import { aSlot, anEngine } from "./builders.ts";

/** Limits on concurrency. */
export const wholes = [1, 2, 3, 4, 5, 7, 8, 12].map((concurrency) =>
  limitsOf({ concurrency, properties: {}, stop: false, cluster: true }, "fixedwindow"),
);
/** Tokens in five seconds. */
const rates = [1, 2, 5, 11].map((tokens) => ({
  tokens,
  intervalMs: 5000,
  algorithm: "fixedwindow" as const,
}));

/** Tokens in twenty minutes: what moves counts before their interval is over. */
const longRates = [1, 3, 8, 20].flatMap((tokens) =>
  (["fixedwindow", "tokenbucket"] as const).map((algorithm) => ({
    tokens,
    intervalMs: 1_200_000,
    algorithm,
  })),
);
const allRates = [...rates, ...longRates];

export class Engine {
  readonly #clock: ManualClock;
  #division: Division;
  #share: Pick<ShareState, "shares" | "place"> = { shares: { n: 0, of: 1 } };
  version = 0;
  readonly running = wholes.map(() => 0);
  #uses = allRates.map(() => ({ at: 0, used: 0 }));
  /** Parts that came to this engine, or that it may use again, and when. */
  readonly gains: { readonly at: number; readonly part: number }[] = [];
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
    const before = this.share;
    this.#share = share;
    this.#noteGain(this.share - before);
    this.version++;
    this.#divide();
    return this.state;
  }

  /** Its share is on disk; what it used of rates is forgotten. */
  restart(): void {
    this.running.fill(0);
    this.#uses = allRates.map(() => ({ at: 0, used: 0 }));
    this.#noteGain(this.share);
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
    return allRates.map((rate, i) => {
      const use = this.#uses[i];
      assert.ok(use);
      const room = this.#division.room(rate, use, now);
      assert.equal(room > 0, this.#division.wait(rate, use, now) === 0);
      if (room > 0) this.#division.take(rate, use, now, room);
      return room;
    });
  }

  #noteGain(part: number): void {
    if (part > 0) this.gains.push({ at: this.#clock.monotonic(), part });
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

export class World {
  readonly clock = new ManualClock();
  readonly pods = new Map<string, Engine>();
  /** Tokens of each rate, and when they were used. */
  readonly used: readonly { readonly at: number; readonly tokens: number }[][] = allRates.map(() => []);
  /** Also of pods that are gone. */
  readonly #everybody: Engine[] = [];
  turn = 0;
  #notes = new Map<string, NotedShare>();
  /** On their way since somebody gave up waiting for the answer. */
  readonly #late: { readonly uid: string; readonly order: ShareOrder }[] = [];
  #next = 0;

  grow(): void {
    if (this.pods.size === 6) return;
    const engine = new Engine(this.clock);
    this.#everybody.push(engine);
    this.pods.set(`uid-${this.#next++}`, engine);
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
    this.#checkUses(rates, (tokens, intervals) => (intervals + 1) * tokens);
  }

  /** By as much more as changed hands meanwhile. */
  checkLongRates(): void {
    const gains = this.#everybody.flatMap((engine) => engine.gains);
    this.#checkUses(longRates, (tokens, intervals, from, end) => {
      const moved = gains.filter(({ at }) => at >= from && at < end).reduce((sum, { part }) => sum + part, 0);
      return (intervals + 1) * (1 + moved) * tokens + 1e-6;
    });
  }

  #checkUses(
    some: readonly (typeof allRates)[number][],
    bound: (tokens: number, intervals: number, from: number, end: number) => number,
  ): void {
    for (const rate of some) {
      const { tokens, intervalMs } = rate;
      const uses = this.used[allRates.indexOf(rate)] ?? [];
      for (const [first, { at }] of uses.entries()) {
        for (const intervals of [1, 2, 4]) {
          const end = at + intervals * intervalMs;
          let sum = 0;
          for (let k = first; (uses[k]?.at ?? end) < end; k++) sum += uses[k]?.tokens ?? 0;
          const most = bound(tokens, intervals, at, end);
          assert.ok(sum <= most, `${sum} of at most ${most} in ${intervals} intervals of ${tokens}`);
        }
      }
    }
  }
}

/** Everybody's attempts end, everybody is heard, and all orders arrive. */
export function calm(world: World): void {
  for (let i = 0; i < 8; i++) {
    for (const engine of world.pods.values()) {
      engine.running.fill(0);
      world.listen(engine);
    }
    world.pass(() => "well");
    world.check();
  }
}
