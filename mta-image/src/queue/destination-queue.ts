/**
 * The line in front of one destination: due entries in order of arrival, and how many attempts are under way.
 * Entries that left the line otherwise (hold, bounce) stay as holes until their turn; a hole costs one look.
 */
import type { Destination } from "./courier.ts";

/** What a line looks at of an entry. */
interface Standing {
  phase: string;
  readonly message: object;
  readonly verdict: object | null;
}

/** RFC 5321 4.5.3.1.8: every server takes 100 recipients in one transaction. */
const MAX_RECIPIENTS = 100;

export class DestinationQueue<E extends Standing> implements Destination {
  readonly key: string;
  readonly transportId: string;
  readonly domain: string;
  /** Attempts under way. */
  running = 0;
  /** In the round of destinations that may start something. */
  isListed = false;
  /** Entries that name this destination, in any phase. */
  entries = 0;
  #line: E[] = [];
  #head = 0;

  constructor(transportId: string, domain: string) {
    this.key = destinationKey(transportId, domain);
    this.transportId = transportId;
    this.domain = domain;
  }

  push(entry: E): void {
    this.#line.push(entry);
  }

  /** The due entry that has been in line for longest, or null. */
  peek(): E | null {
    while (this.#head < this.#line.length) {
      const entry = this.#line[this.#head] as E;
      if (entry.phase === "ready") return entry;
      this.#head++;
    }
    this.#line = [];
    this.#head = 0;
    return null;
  }

  /** Takes the first entry and those of the same message right behind it: one attempt. */
  take(): E[] {
    const first = this.peek();
    const taken: E[] = [];
    while (first !== null && taken.length < MAX_RECIPIENTS) {
      const next = this.peek();
      if (next === null || next.message !== first.message) break;
      // One that failed already and waits for its notice is not tried with those that are.
      if ((next.verdict === null) !== (first.verdict === null)) break;
      taken.push(next);
      next.phase = "running";
      this.#head++;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }
}

export function destinationKey(transportId: string, domain: string): string {
  return `${transportId} ${domain}`;
}
