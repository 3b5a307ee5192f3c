/**
 * When a client is greeted: after it was looked up, if it is, and strangers not before the delay of the settings. For
 * all others two turns of the event loop pass, in which bytes that came with the connection show. The session turns
 * away whoever speaks meanwhile; a greeting that comes too late for it is its to ignore. Never fails.
 */
import type { Reply } from "../smtp/reply.ts";
import type { Screening } from "./screening.ts";

export interface GreetingOptions {
  /** 0 for clients of our own. */
  readonly delayMs: number;
  readonly greet: () => void;
  /** Says a reply that ends the connection. */
  readonly refuse: (reply: Reply) => void;
}

export class Greeting {
  readonly #screening: Screening;
  readonly #options: GreetingOptions;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(screening: Screening, options: GreetingOptions) {
    this.#screening = screening;
    this.#options = options;
  }

  plan(now: number): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    const asked = this.#screening.connect();
    if (asked === null) return this.#greetAt(now + this.#options.delayMs);
    void asked.then((refusal) => {
      if (refusal === null) this.#greetAt(now + this.#options.delayMs);
      else this.#options.refuse(refusal);
    });
  }

  /** Called about once a second while the client waits. */
  sweep(now: number): void {
    if (now >= this.#dueAt) this.#options.greet();
  }

  #greetAt(dueAt: number): void {
    const { delayMs, greet } = this.#options;
    if (delayMs > 0) this.#dueAt = dueAt;
    else setImmediate(() => setImmediate(greet));
  }
}
