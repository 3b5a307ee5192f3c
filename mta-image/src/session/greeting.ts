/**
 * When a client is greeted: after it was looked up, if it is, and strangers not before the delay of the settings. For
 * all others two turns of the event loop pass, in which bytes that came with the connection show. The session turns
 * away whoever speaks meanwhile; a greeting that comes too late for it is its to ignore. Never fails.
 */
import type { Reply } from "../smtp/reply.ts";

export interface GreetingOptions {
  /** What to say instead of a greeting; null when nobody is asked. Resolves with null for a welcome client. */
  readonly ask: () => Promise<Reply | null> | null;
  /** 0 for clients of our own. */
  readonly delayMs: number;
  readonly greet: () => void;
  /** Says a reply that ends the connection. */
  readonly refuse: (reply: Reply) => void;
}

export class Greeting {
  readonly #options: GreetingOptions;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(options: GreetingOptions) {
    this.#options = options;
  }

  plan(now: number): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    const { ask, delayMs, refuse } = this.#options;
    const asked = ask();
    if (asked === null) return this.#greetAt(now + delayMs);
    void asked.then((refusal) => {
      if (refusal === null) this.#greetAt(now + delayMs);
      else refuse(refusal);
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
