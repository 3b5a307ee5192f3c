/**
 * Clusters that grow and shrink while orders and answers are lost, delayed and overtaken, processes start anew and the
 * operator forgets everything: what all engines allow themselves is never more than the whole, and when the line is
 * good again each has its equal part. The engines here keep what real ones keep; a second of them is one step.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import fc from "fast-check";

import type { ShareState } from "#contract/rules-api.ts";
import { type ShareOrder, decideShares } from "#operator/slots/shares.ts";

import { aSlot, anEngine } from "../../testing/builders.ts";
import { type NotedShare, noteAnswer, noteReport, noteSent } from "./share-notes.ts";

class Engine {
  share = 0;
  version = 0;
  /** Attempts that began under a larger share. */
  overhang = 0;
  startedAt = 0;
  isLeaving = false;
  /** What the operator has heard of it last; null: nothing lately. */
  report: { readonly state: ShareState; readonly startedAt: number } | null = null;

  get held(): number {
    return Math.max(this.share, this.overhang);
  }

  get state(): ShareState {
    return { shares: { n: this.share, of: 1 }, version: this.version, held: this.held };
  }

  take({ order: { shares, after } }: ShareOrder): ShareState | null {
    if (after !== undefined && after !== this.version) return null;
    const share = shares.n / shares.of;
    if (share < this.share) this.overhang = Math.max(this.overhang, this.share);
    this.share = share;
    this.version++;
    return this.state;
  }
}

class World {
  readonly pods = new Map<string, Engine>();
  #notes = new Map<string, NotedShare>();
  /** On their way since somebody gave up waiting for the answer. */
  readonly #late: { readonly uid: string; readonly order: ShareOrder }[] = [];
  #next = 0;

  grow(): void {
    if (this.pods.size < 6) this.pods.set(`uid-${this.#next++}`, new Engine());
  }

  at(choice: number): Engine | undefined {
    return [...this.pods.values()][choice % Math.max(1, this.pods.size)];
  }

  remove(choice: number): void {
    const uid = [...this.pods.keys()][choice % Math.max(1, this.pods.size)];
    if (uid !== undefined) this.pods.delete(uid);
  }

  restart(engine: Engine | undefined): void {
    if (engine === undefined) return;
    engine.overhang = 0;
    engine.startedAt++;
  }

  /** Another operator takes over; what the old one sent may still arrive. */
  forget(): void {
    this.#notes = new Map();
  }

  listen(engine: Engine): void {
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
    for (const [i, order] of decideShares(slots, this.#notes).orders.entries()) this.#tell(order, fate(i));
  }

  #tell(order: ShareOrder, fate: "well" | "lost" | "late" | "unanswered"): void {
    const { uid } = order.pod;
    this.#keep(uid, noteSent(this.#notes.get(uid), order));
    if (fate === "late") this.#late.push({ uid, order });
    if (fate === "lost" || fate === "late") return;
    const engine = this.pods.get(uid);
    assert.ok(engine);
    const answer = engine.take(order);
    this.check();
    if (fate === "well") this.#keep(uid, noteAnswer(order, answer));
  }

  #keep(uid: string, note: NotedShare | null): void {
    if (note === null) this.#notes.delete(uid);
    else this.#notes.set(uid, note);
  }

  check(): void {
    const sum = [...this.pods.values()].reduce((total, { held }) => total + held, 0);
    assert.ok(sum <= 1 + 1e-6, `${sum} of the whole`);
  }
}

const fates = ["well", "well", "well", "lost", "late", "unanswered"] as const;
const acts: readonly ((world: World, choice: number) => void)[] = [
  (world) => world.grow(),
  (world) => world.grow(),
  (world, choice) => world.remove(choice),
  (world, choice) => world.restart(world.at(choice)),
  (world, choice) => {
    const engine = world.at(choice);
    if (engine !== undefined) engine.overhang = 0;
  },
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
];

describe("shares of a cluster to which everything happens", () => {
  test("never add up to more than the whole, and are equal parts in the end", () => {
    const act = fc.tuple(fc.nat(acts.length - 1), fc.nat(1000));
    fc.assert(
      fc.property(fc.array(act, { minLength: 60, maxLength: 200, size: "max" }), (sequence) => {
        const world = new World();
        for (const [kind, choice] of sequence) {
          acts[kind]?.(world, choice);
          world.check();
        }
        world.grow();
        for (let i = 0; i < 8; i++) {
          for (const engine of world.pods.values()) {
            engine.overhang = 0;
            world.listen(engine);
          }
          world.pass(() => "well");
          world.check();
        }
        const part = 1 / world.pods.size;
        for (const { share } of world.pods.values())
          assert.ok(Math.abs(share - part) < 1e-6, `${share} in place of ${part}`);
      }),
      { numRuns: 1000 },
    );
  });
});
