/**
 * How much a session puts up with before it ends: refused commands, commands that bring mail no further, and
 * recipients beyond the limit. Only errors without mail between them add up. Pure counting; never fails.
 */
import { type Reply, replies } from "../smtp/reply.ts";

/** Recipients beyond the limit that one session may name: a large list is split, an endless one is abuse. */
const MAX_EXCESS_RECIPIENTS = 10_000;

export class Patience {
  readonly #limits: { readonly maxErrors: number; readonly maxIdleCommands: number };
  #errors = 0;
  #excessRecipients = 0;
  #idleCommands = 0;

  constructor(limits: { readonly maxErrors: number; readonly maxIdleCommands: number }) {
    this.#limits = limits;
  }

  /** Counts a refusal; true when it was the last one. */
  endsWith(reply: Reply): boolean {
    // Recipients beyond the limit are the protocol's own way of splitting mail and no error (RFC 5321 4.5.3.1.10).
    if (reply === replies.tooManyRecipients) this.#excessRecipients++;
    else this.#errors++;
    return this.#errors >= this.#limits.maxErrors || this.#excessRecipients > MAX_EXCESS_RECIPIENTS;
  }

  /** Counts a command that brings mail no further; true when there were too many. */
  endsWithIdle(): boolean {
    return ++this.#idleCommands > this.#limits.maxIdleCommands;
  }

  /** Mail was taken: the session may go on. */
  renew(): void {
    this.#errors = 0;
    this.#idleCommands = 0;
  }
}
