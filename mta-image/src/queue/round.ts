/**
 * Destinations that may have something to start, in turn: first in, first out, and cheap with a hundred thousand of
 * them (an array's `shift` would move them all each time). Never fails.
 */
import type { DestinationQueue } from "./destination-queue.ts";
import type { Entry } from "./entry.ts";

export class Round {
  #destinations: DestinationQueue<Entry>[] = [];
  #head = 0;

  get size(): number {
    return this.#destinations.length - this.#head;
  }

  /** Puts a destination at the end, once. */
  add(destination: DestinationQueue<Entry>): void {
    if (destination.isListed) return;
    destination.isListed = true;
    this.#destinations.push(destination);
  }

  /** Takes the destination whose turn it is out of the round. */
  take(): DestinationQueue<Entry> | undefined {
    const next = this.#destinations[this.#head];
    if (next === undefined) return undefined;
    next.isListed = false;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#destinations.length) {
      this.#destinations = this.#destinations.slice(this.#head);
      this.#head = 0;
    }
    return next;
  }
}
