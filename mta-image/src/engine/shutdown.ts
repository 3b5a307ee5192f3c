/**
 * Ends rooms in the opposite order of their opening: what took work last is closed first. Sessions finish their
 * message and say 421, deliveries end or are cut at their deadline, the spool flushes, the lock goes last. A room
 * that fails to end is logged and the others still end. Runs once; a second call waits for the first.
 */
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

interface Step {
  readonly room: string;
  readonly end: () => Promise<void>;
}

export class Shutdown {
  readonly #log: Log;
  readonly #steps: Step[] = [];
  #running: Promise<void> | null = null;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Called as soon as a room is open. Rooms of one name in a row end together. */
  add(room: string, end: () => Promise<void>): void {
    this.#steps.push({ room, end });
  }

  run(): Promise<void> {
    this.#running ??= this.#end();
    return this.#running;
  }

  async #end(): Promise<void> {
    while (this.#steps.length > 0) {
      const { room } = this.#steps.at(-1) as Step;
      const together: Step[] = [];
      while (this.#steps.at(-1)?.room === room) together.push(this.#steps.pop() as Step);
      await Promise.all(together.map((step) => this.#endOne(step)));
    }
  }

  async #endOne(step: Step): Promise<void> {
    try {
      await step.end();
    } catch (error) {
      this.#log.error({ room: step.room, error: describe(error) }, "room-did-not-end");
    }
  }
}
