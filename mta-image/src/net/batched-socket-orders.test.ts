/** A socket that is read in turns, asked for things in any order from within its own events and from outside. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { type Random, seededRandom } from "#base/random.ts";

import { type Pair, PairMaker, openBatch } from "../../testing/batched-sockets.ts";
import { until } from "../../testing/until.ts";
import type { BatchedSocket } from "./batched-socket.ts";

let pairs: PairMaker;
before(async () => {
  pairs = await PairMaker.start(openBatch());
});
after(() => pairs.stop());

/** Asks at random, and notes what must not be. */
class Asker {
  readonly got: Buffer[] = [];
  readonly said: Buffer[] = [];
  readonly wrong: string[] = [];
  readonly events: string[] = [];
  readonly #socket: BatchedSocket;
  readonly #random: Random;
  #isPaused = false;
  #hasEnded = false;

  constructor(socket: BatchedSocket, random: Random) {
    this.#socket = socket;
    this.#random = random;
    socket.on("data", (chunk: Buffer) => {
      if (this.#isPaused) this.wrong.push("data while it was paused");
      if (this.events.length > 0) this.wrong.push(`data behind ${this.events.join()}`);
      this.got.push(chunk);
      for (let left = this.#upTo(4); left > 0; left--) this.ask();
    });
    for (const name of ["end", "error", "close"]) socket.on(name, () => this.events.push(name));
    socket.on("drain", () => this.ask());
  }

  ask(): void {
    if (this.#hasEnded) return;
    const socket = this.#socket;
    const ways: readonly (() => void)[] = [
      () => this.#write(this.#upTo(30)),
      () => this.#write(70_000),
      () => this.#write(300_000),
      () => {
        for (let left = this.#upTo(150); left > 0; left--) this.#write(20);
      },
      () => socket.cork(),
      () => socket.uncork(),
      () => this.#pause(),
      () => this.#resume(),
      () => socket.flush(),
      () => socket.look(),
    ];
    ways[this.#upTo(ways.length)]?.();
  }

  /** In the middle of whatever it is at. Nothing is asked behind it. */
  end(): void {
    this.#hasEnded = true;
    this.#socket.end();
    this.#resume();
  }

  #write(bytes: number): void {
    const piece = Buffer.alloc(bytes, `${this.said.length} said `);
    this.said.push(piece);
    this.#socket.write(piece);
  }

  #pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  #upTo(count: number): number {
    return Math.floor(this.#random() * count);
  }
}

async function talk({ client, served }: Pair, random: Random): Promise<void> {
  const asker = new Asker(served, random);
  const [sent, back]: [Buffer[], Buffer[]] = [[], []];
  client.on("data", (chunk: Buffer) => back.push(chunk));
  for (let left = random() * 30; left > 0; left--) {
    const bytes = [1, 511, 512, 5000, 70_000, 200_000][Math.floor(random() * 6)] ?? 1;
    sent.push(Buffer.alloc(bytes, `${sent.length} sent `));
    client.write(sent.at(-1) as Buffer);
    if (random() < 0.2) client.pause();
    if (random() < 0.3) client.resume();
    if (random() < 0.5) await wait(random() * 3);
    if (random() < 0.5) asker.ask();
  }
  if (random() < 0.5) asker.end();
  client.end().resume();
  await wait(random() * 3);
  asker.end();
  await until(
    () => asker.events,
    (events) => events.includes("close"),
  );
  assert.deepEqual([asker.wrong, asker.events], [[], ["end", "close"]]);
  assert.ok(Buffer.concat(asker.got).equals(Buffer.concat(sent)));
  const said = Buffer.concat(asker.said);
  await until(
    () => back.reduce((sum, { length }) => sum + length, 0),
    (bytes) => bytes >= said.length,
  );
  assert.ok(Buffer.concat(back).equals(said));
}

test("whatever is asked in whatever order, bytes come whole both ways, the end once, and the close last", async () => {
  const random = seededRandom(64);
  for (let i = 0; i < 5; i++) {
    const made: Pair[] = [];
    for (let left = 12; left > 0; left--) made.push(await pairs.pair());
    await Promise.all(made.map((pair) => talk(pair, random)));
  }
});
