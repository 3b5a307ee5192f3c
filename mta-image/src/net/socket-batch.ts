/**
 * All sockets that are read in turns: one call of the addon for those that have something, in place of Node's events for each.
 * There is one for a process, made when it is first asked for; null where there is no addon. What a socket's listener throws is
 * thrown where Node throws what its own events' listeners do, and the others are told all the same.
 */
import { FOUND_NUMBERS, LEAST_ROOM, type SocketAddon, found, loadSocketAddon } from "./socket-addon.ts";

export interface TurnListener {
  /** The bytes are the listener's own. */
  onBytes(bytes: Buffer): void;
  onEnd(): void;
  /** It can be written; where it listens: a connection waits. */
  onReady(): void;
  /** `errno` as the system counts them, above 0. */
  onBroken(errno: number): void;
  /** The turn is over: what was kept back is to be sent. */
  onTurnEnd(): void;
}

/** Smaller ones share memory; a larger one, likely content that is kept for a while, has its own and holds nothing else. */
const POOLED_BYTES = 512;

export class SocketBatch {
  readonly addon: SocketAddon;
  readonly #arena = Buffer.alloc(LEAST_ROOM);
  readonly #found = new Int32Array(FOUND_NUMBERS);
  readonly #listeners: (TurnListener | undefined)[] = [];
  #waiting: TurnListener[] = [];
  #isTurning = false;

  constructor(addon: SocketAddon) {
    this.addon = addon;
    addon.open(this.#arena, this.#found, (count) => this.#turn(count));
  }

  /** From now on the listener is told of this slot. */
  hear(slot: number, listener: TurnListener): void {
    this.#listeners[slot] = listener;
  }

  /** Nothing is told of this slot any more, also not what this turn has found. */
  forget(slot: number): void {
    this.#listeners[slot] = undefined;
  }

  /** True when there is a turn at whose end the listener will hear of it. */
  waitForTurnEnd(listener: TurnListener): boolean {
    if (this.#isTurning) this.#waiting.push(listener);
    return this.#isTurning;
  }

  /** Tells what has come for one slot, in whatever turn it would come: many that are ready at once need several. Nothing in a turn. */
  look(slot: number): void {
    if (!this.#isTurning) this.#turn(this.addon.look(slot));
  }

  #turn(count: number): void {
    this.#isTurning = true;
    for (let i = 0; i < 3 * count; i += 3) {
      try {
        this.#tell(i);
      } catch (error) {
        throwLater(error);
      }
    }
    this.#isTurning = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const listener of waiting) {
      try {
        listener.onTurnEnd();
      } catch (error) {
        throwLater(error);
      }
    }
  }

  #tell(at: number): void {
    const listener = this.#listeners[this.#found[at] as number];
    if (listener === undefined) return;
    const what = this.#found[at + 1] as number;
    if (what > 0) {
      const bytes = what < POOLED_BYTES ? Buffer.allocUnsafe(what) : Buffer.allocUnsafeSlow(what);
      const start = this.#found[at + 2] as number;
      this.#arena.copy(bytes, 0, start, start + what);
      listener.onBytes(bytes);
    } else if (what === found.end) listener.onEnd();
    else if (what === found.ready) listener.onReady();
    else listener.onBroken(-what);
  }
}

function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

let batch: SocketBatch | null | undefined;

export function batchOfProcess(): SocketBatch | null {
  if (batch === undefined) batch = makeBatch();
  return batch;
}

/** For the log: how connections that stay are read in this process. */
export function kindOfSockets(): "in-turns" | "node" {
  return batchOfProcess() === null ? "node" : "in-turns";
}

function makeBatch(): SocketBatch | null {
  const addon = loadSocketAddon();
  try {
    return addon === null ? null : new SocketBatch(addon);
  } catch {
    return null;
  }
}
