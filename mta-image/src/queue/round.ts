/**
 * Destinations that may have something to start, in turn: a first-in first-out line that stays cheap with a
 * hundred thousand of them (an array's `shift` would move them all each time). Never fails.
 */
import type { DestinationQueue } from "./destination-queue.ts";
import type { Entry } from "./entry.ts";

export class Round {
  #line: DestinationQueue<Entry>[] = [];
  #head = 0;

  get size(): number {
    return this.#line.length - this.#head;
  }

  /** Puts a destination at the end, once. */
  add(destination: DestinationQueue<Entry>): void {
    if (destination.isListed) return;
    destination.isListed = true;
    this.#line.push(destination);
  }

  /** Takes the destination whose turn it is out of the line. */
  take(): DestinationQueue<Entry> | undefined {
    const next = this.#line[this.#head];
    if (next === undefined) return undefined;
    next.isListed = false;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#head);
      this.#head = 0;
    }
    return next;
  }
}
