/** Jobs in order, taken from the front and put back there, without moving the rest. Never fails. */
import type { Job } from "./job.ts";

export class JobQueue {
  /** Back of the line in order of arrival; the front of it is at #head. */
  #items: (Job | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  *[Symbol.iterator](): Iterator<Job> {
    for (let at = this.#head; at < this.#items.length; at++) yield this.#items[at] as Job;
  }

  push(job: Job): void {
    this.#items.push(job);
  }

  unshift(job: Job): void {
    if (this.#head === 0) {
      this.#items.unshift(job);
      return;
    }
    this.#head--;
    this.#items[this.#head] = job;
  }

  shift(): Job | null {
    const job = this.#items[this.#head];
    if (job === undefined) return null;
    this.#items[this.#head] = undefined;
    this.#head++;
    // Taken places are given up in bulk, so that taking costs the same whatever the length.
    if (this.#head === this.#items.length || this.#head > 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return job;
  }
}
