/**
 * Requests of http() that nobody waits for. Each queue makes its requests one after the other, with their attempts; they are
 * held in memory, bounded in number and bytes, and end with the process. One that fails is a line of the log.
 */
import { type Clock, sleep } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import { MemorySource, Pieces } from "../script/mail/pieces.ts";
import type { BackgroundWish, HttpPort, HttpWish } from "../script/http-port.ts";

const QUEUES = 16;
const MOST_REQUESTS = 10_000;
/** Of the bodies of all that wait. */
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_RETRIES = 100;
const LONGEST_DELAY_MS = 3_600_000;

interface BackgroundParts {
  readonly request: HttpPort["request"];
  readonly clock: Clock;
  readonly log: Log | undefined;
}

export class BackgroundRequests {
  readonly #request: HttpPort["request"];
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  readonly #end = new AbortController();
  /** When the last request of each queue is done. */
  readonly #tails: Promise<void>[] = Array.from({ length: QUEUES }, () => Promise.resolve());
  #requests = 0;
  #bytes = 0;

  constructor({ request, clock, log }: BackgroundParts) {
    this.#request = request;
    this.#clock = clock;
    this.#log = log;
  }

  /** False when there are too many, or the body cannot be read: it may be a file that is gone when its turn comes. */
  async add(wish: HttpWish, how: BackgroundWish): Promise<boolean> {
    const size = wish.body?.size ?? 0;
    if (this.#end.signal.aborted || this.#requests >= MOST_REQUESTS || this.#bytes + size > MOST_BYTES) {
      this.#log?.warn({ url: wish.url.origin }, "http-background-full");
      return false;
    }
    this.#hold(1, size);
    try {
      const body = wish.body === null ? null : Pieces.over(new MemorySource(await wish.body.bytes()));
      const queue = how.queue % QUEUES;
      const turn = this.#tails[queue] ?? Promise.resolve();
      this.#tails[queue] = turn
        .then(() => this.#make({ ...wish, body }, how))
        .finally(() => this.#hold(-1, -size));
      return true;
    } catch {
      this.#hold(-1, -size);
      return false;
    }
  }

  /** What waits is not made any more. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#tails);
  }

  #hold(requests: number, bytes: number): void {
    this.#requests += requests;
    this.#bytes += bytes;
  }

  async #make(wish: HttpWish, { retries, delayMs }: BackgroundWish): Promise<void> {
    const { signal } = this.#end;
    let trouble = "";
    for (let left = Math.min(retries, MOST_RETRIES); left >= 0 && !signal.aborted; left--) {
      const answer = await this.#request(wish, signal);
      if (!("error" in answer) && answer.status >= 200 && answer.status < 300) return;
      trouble = "error" in answer ? answer.error : `status ${answer.status}`;
      if (left > 0) await sleep(this.#clock, Math.min(delayMs, LONGEST_DELAY_MS), signal);
    }
    this.#log?.warn({ url: wish.url.origin, error: trouble }, "http-background-failed");
  }
}
