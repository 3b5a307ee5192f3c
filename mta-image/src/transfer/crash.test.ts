/**
 * A hand-over between two engines where one of them stops at every operation on its files, and before and after every change
 * of its ledger; then also at every step of what it does when it starts anew; or where each of these fails once and the
 * process goes on. Each message is in one spool and one queue afterwards, also when both start anew with only what was
 * synced, and goes on to the peer in the end.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { Machine, type Stop, StoppableEngine as Engine, connect } from "../../testing/stoppable-engine.ts";
import type { Peer } from "./ports.ts";

const folder = mkdtempSync(join(tmpdir(), "transfer-crash-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const MESSAGES = 4;
/** What a spread gives of them. */
const SHARE = 3;
type Victim = "giver" | "taker";
type Way = "spread" | "drain";

async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    if (isTrue()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail(`it never came to this: ${what}`);
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

interface Course {
  readonly victim: Victim;
  readonly way: Way;
  /** Of each process of the victim, one after the other; those to come do not stop. */
  readonly stops: readonly Stop[];
  readonly kept: number;
}

let courses = 0;

class Pair {
  readonly #engines: Record<Victim, Engine>;
  readonly #course: Course;
  readonly #ids: readonly string[];
  /** The victim's. */
  #machine: Machine;

  private constructor(engines: Record<Victim, Engine>, ids: readonly string[], course: Course) {
    this.#engines = engines;
    this.#ids = ids;
    this.#course = course;
    this.#machine = engines[course.victim].machine;
  }

  static async start(course: Course): Promise<Pair> {
    const path = join(folder, `${++courses}`);
    const giver = await Engine.start(new Machine(`${path}-giver.db`));
    const taker = await Engine.start(new Machine(`${path}-taker.db`));
    const ids: string[] = [];
    for (let i = 0; i < MESSAGES; i++) {
      ids.push(await giver.accept(`message ${i}\r\n`, i % 2 === 0));
    }
    return new Pair({ giver, taker }, ids.toSorted(), course);
  }

  get #peer(): Peer {
    return connect(this.#engines.giver, this.#engines.taker);
  }

  /** Until all is done, or the victim has stopped. */
  async move(): Promise<void> {
    const { giver } = this.#engines.giver;
    const [stop] = this.#course.stops;
    if (stop !== undefined) this.#machine.stopAt(stop);
    if (this.#course.way === "spread") giver.spread([this.#peer], new Map([["taker", SHARE]]));
    else giver.give([this.#peer]);
    const all = this.#course.way === "spread" ? SHARE : MESSAGES;
    await until("moved", () => this.#machine.isStopped || giver.figures.given === all);
    // Its last word to the peer is still to be said. A giver whose peer has stopped before goes on.
    if (!this.#machine.isStopped) await giver.close();
  }

  /** The victim is started anew for as long as it stops. How often it has stopped. */
  async recover(): Promise<number> {
    const { victim, stops, kept } = this.#course;
    let stopped = 0;
    while (this.#machine.isStopped) {
      const machine = this.#machine.afterwards(kept);
      const next = stops[++stopped];
      if (next !== undefined) machine.stopAt(next);
      this.#machine = machine;
      await this.#startAnew(victim, machine).catch((error: unknown) => {
        if (!machine.isStopped) throw error;
      });
      if (machine.isStopped) continue;
      // What the operator does when somebody is owed an answer.
      const { giver } = this.#engines.giver;
      giver.keep([this.#peer]);
      await until("answered", () => machine.isStopped || giver.figures.unanswered === 0);
    }
    return stopped;
  }

  /** Goes on with a disk in trouble, then starts the victim anew, as somebody does who sees a broken spool. */
  async goOn(): Promise<boolean> {
    const { victim, stops, kept } = this.#course;
    for (const stop of stops) this.#machine.stopAt(stop);
    const { giver } = this.#engines.giver;
    giver.give([this.#peer]);
    await until("given or not", () => giver.figures.given === MESSAGES || giver.figures.unanswered > 0);
    giver.keep([this.#peer]);
    await turns(50);
    const { isMet } = this.#machine;
    await this.#startAnew(victim, this.#machine.afterwards(kept));
    const { giver: asking } = this.#engines.giver;
    asking.keep([this.#peer]);
    await until("answered", () => asking.figures.unanswered === 0);
    return isMet;
  }

  async #startAnew(which: Victim, machine: Machine): Promise<void> {
    await this.#engines[which].end();
    this.#engines[which] = await Engine.start(machine);
  }

  /** Each in one spool, and in the queue of the same engine. */
  check(title: string): void {
    const { giver, taker } = this.#engines;
    assert.deepEqual([...giver.ids, ...taker.ids].toSorted(), this.#ids, title);
    for (const { ids, queued } of [giver, taker])
      assert.deepEqual(queued.toSorted(), ids.toSorted(), `${title}: queued`);
  }

  /** Both have only what is on disk, and no step is the last. */
  async restart(): Promise<void> {
    for (const which of ["giver", "taker"] as const)
      await this.#startAnew(which, this.#engines[which].machine.afterwards(0));
  }

  /** What is left goes to the peer as well. */
  async giveRest(): Promise<void> {
    const { giver, taker } = this.#engines;
    const left = giver.ids.length;
    giver.giver.give([this.#peer]);
    await until("the rest is given", () => giver.giver.figures.given === left);
    await giver.giver.close();
    assert.deepEqual([giver.ids, taker.ids.toSorted()], [[], this.#ids]);
    assert.deepEqual([giver.ledger.leaving(), taker.ledger.arriving()], [[], []]);
    for (const id of this.#ids) assert.match((await taker.store.content(id)).toString(), /^message \d\r\n$/);
  }

  async end(): Promise<void> {
    for (const engine of Object.values(this.#engines)) await engine.end();
  }
}

/** How often the victim stopped, or whether its disk was in trouble. */
async function run<T>(course: Course, play: (pair: Pair) => Promise<T>): Promise<T> {
  const title = JSON.stringify(course);
  const pair = await Pair.start(course);
  try {
    const told = await play(pair);
    pair.check(title);
    await pair.restart();
    pair.check(`${title}, both started anew`);
    await pair.giveRest();
    return told;
  } catch (error) {
    throw new Error(title, { cause: error });
  } finally {
    await pair.end();
  }
}

async function stopOften(pair: Pair): Promise<number> {
  await pair.move();
  return pair.recover();
}

/** At the first step, the second and so on, for as long as `one` says that there is another. How many there were. */
async function everyStep(part: Stop["part"], one: (stop: Stop) => Promise<boolean>): Promise<number> {
  for (let step = 0; ; step++) if (!(await one({ part, step }))) return step;
}

const PARTS = ["files", "ledger"] as const;

/** Hundreds of courses each: on a machine that has much to do they take minutes. */
const timeout = 900_000;

for (const victim of ["giver", "taker"] as const) {
  for (const way of ["spread", "drain"] as const) {
    test(`a ${victim} that stops at any step of a ${way} loses nothing and doubles nothing`, {
      timeout,
    }, async () => {
      for (const part of PARTS) {
        for (const kept of [0, 0.5, 1]) {
          const steps = await everyStep(
            part,
            async (stop) => (await run({ victim, way, stops: [stop], kept }, stopOften)) > 0,
          );
          assert.ok(steps >= 2, `${steps} steps on ${part}`);
        }
      }
    });
  }

  test(`a ${victim} whose disk fails once at any step loses nothing and doubles nothing`, {
    timeout,
  }, async () => {
    for (const part of PARTS) {
      for (const kept of [0, 0.5, 1]) {
        const steps = await everyStep(part, (stop) =>
          run({ victim, way: "drain", stops: [{ ...stop, isTrouble: true }], kept }, (pair) => pair.goOn()),
        );
        assert.ok(steps >= 2, `${steps} steps on ${part}`);
      }
    }
  });

  test(`a ${victim} that stops again while it starts anew loses nothing and doubles nothing`, {
    timeout,
  }, async () => {
    let again = 0;
    for (const part of PARTS) {
      await everyStep(part, async (first) => {
        let stopped = 0;
        for (const then of PARTS) {
          again += await everyStep(then, async (second) => {
            stopped = await run({ victim, way: "spread", stops: [first, second], kept: 0.5 }, stopOften);
            return stopped > 1;
          });
        }
        return stopped > 0;
      });
    }
    assert.ok(again > 100, `it stopped again ${again} times`);
  });
}
