/**
 * The line in front of one destination: due entries in order of arrival, and how many attempts are under way.
 * Entries that left the line otherwise (hold, bounce) stay as holes until their turn; a hole costs one look.
 */
import type { Destination } from "./courier.ts";
import type { Line, LineState } from "./line-state.ts";

/** What a line looks at of an entry. */
interface Standing {
  phase: string;
  readonly message: object;
  readonly verdict: object | null;
}

/** What entries of one line have in common. */
export interface LineName {
  readonly transportId: string;
  readonly domain: string;
  /** "" when nobody gave one. */
  readonly jobId: string;
  readonly tenantId: string;
}

/** RFC 5321 4.5.3.1.8: every server takes 100 recipients in one transaction. */
const MAX_RECIPIENTS = 100;

export class DestinationQueue<E extends Standing> implements Destination, Line {
  readonly key: string;
  readonly transportId: string;
  readonly domain: string;
  readonly jobId: string;
  readonly tenantId: string;
  /** Made when a rule first concerns the line. */
  state: LineState | null = null;
  /** Attempts under way. */
  running = 0;
  /** In the round of destinations that may start something. */
  isListed = false;
  /** Entries that name this destination, in any phase. */
  entries = 0;
  /** Entries that are due and in line, without the holes. */
  ready = 0;
  #line: E[] = [];
  #head = 0;

  constructor(key: string, { transportId, domain, jobId, tenantId }: LineName) {
    this.key = key;
    this.transportId = transportId;
    this.domain = domain;
    this.jobId = jobId;
    this.tenantId = tenantId;
  }

  /** Those that failed and only miss their notice stand in a line of their own, which no rule holds back. */
  get isForNotices(): boolean {
    return this.key === "";
  }

  /** Entries in the line, holes among them. */
  get length(): number {
    return this.#line.length - this.#head;
  }

  push(entry: E): void {
    this.#line.push(entry);
    this.ready++;
  }

  /** The due entry that has been in line for longest, or null. */
  peek(): E | null {
    while (this.#head < this.#line.length) {
      const entry = this.#line[this.#head] as E;
      if (entry.phase === "ready" && (entry.verdict !== null) === this.isForNotices) return entry;
      this.#head++;
    }
    this.#line = [];
    this.#head = 0;
    return null;
  }

  /** Takes the first entry and those of the same message right behind it, `most` at most: one attempt. */
  take(most = MAX_RECIPIENTS): E[] {
    const first = this.peek();
    const taken: E[] = [];
    while (first !== null && taken.length < Math.min(most, MAX_RECIPIENTS)) {
      const next = this.peek();
      if (next === null || next.message !== first.message) break;
      taken.push(next);
      next.phase = "running";
      this.ready--;
      this.#head++;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }
}

/** A transport and a domain, and job and tenant for those who have them. */
export function destinationKey({ transportId, domain, jobId, tenantId }: LineName): string {
  const key = `${transportId} ${domain}`;
  return jobId === "" && tenantId === "" ? key : `${key} ${jobId} ${tenantId}`;
}
