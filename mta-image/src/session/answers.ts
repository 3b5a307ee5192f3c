/**
 * How the commands of one conversation are answered: at once, or when somebody who is asked has decided. Refusals and commands that
 * bring mail no further are counted, and too many of them end the conversation. Never fails.
 */
import { type Reply, replies } from "../smtp/reply.ts";
import type { SessionCounters } from "./counters.ts";
import type { Floor } from "./floor.ts";
import type { Patience } from "./patience.ts";

export class Answers {
  readonly #floor: Floor;
  readonly #counters: SessionCounters;
  readonly #patience: Patience;

  constructor(floor: Floor, counters: SessionCounters, patience: Patience) {
    this.#floor = floor;
    this.#counters = counters;
    this.#patience = patience;
  }

  say(reply: Reply): void {
    this.#floor.say(reply);
  }

  refuse(reply: Reply): void {
    this.#counters.refusedCommands++;
    this.#floor.say(reply);
    if (this.#patience.endsWith(reply)) this.#floor.say(replies.tooManyErrors);
  }

  /** Says or refuses, as the code has it. */
  give(reply: Reply): void {
    if (reply.code >= 400) this.refuse(reply);
    else this.#floor.say(reply);
  }

  /** Counts a command that brings mail no further. True when there were too many: the end was said in place of its reply. */
  endsWithIdle(): boolean {
    const isEnd = this.#patience.endsWithIdle();
    if (isEnd) this.#floor.say(replies.tooManyErrors);
    return isEnd;
  }

  /** Mail was taken: what was counted is forgotten. */
  renew(): void {
    this.#patience.renew();
  }

  /** Goes on at once where nobody has to be waited for. */
  when<T>(asked: T | Promise<T>, then: (value: T) => void): void {
    if (asked instanceof Promise) this.#floor.wait(asked, then);
    else then(asked);
  }
}
