/**
 * Work for one connection: one message and some of an attempt's recipients. Jobs of one attempt share a Tally
 * that collects an outcome for each recipient and answers the queue when the last one is in. A recipient is
 * settled once; a second outcome for it would be a bug.
 */
import { assert } from "#base/assert.ts";
import { describe, Failure } from "#base/error.ts";

import type { RecipientWishes } from "../message/notice-wishes.ts";
import type { Attempt, Outcome } from "../queue/courier.ts";
import type { Reached } from "../smtp/reached.ts";
import type { Content, SpooledMessage } from "../spool/spool.ts";
import { isUtf8Address } from "./command.ts";
import { outcomeOfTrouble } from "./outcome.ts";

export class Tally {
  readonly #outcomes: (Outcome | null)[];
  #open: number;
  readonly #done: (outcomes: readonly Outcome[]) => void;

  constructor(recipients: number, done: (outcomes: readonly Outcome[]) => void) {
    this.#outcomes = new Array<Outcome | null>(recipients).fill(null);
    this.#open = recipients;
    this.#done = done;
  }

  settle(position: number, outcome: Outcome): void {
    assert(this.#outcomes[position] === null, "a recipient was settled twice");
    this.#outcomes[position] = outcome;
    this.#open--;
    if (this.#open === 0) this.#done(this.#outcomes as Outcome[]);
  }
}

export class Job {
  readonly attempt: Attempt;
  /** Positions in attempt.recipients. */
  readonly positions: readonly number[];
  readonly tally: Tally;
  /** Set before a connection gets the job. */
  content: Content | null = null;
  /** How often a connection ended before it came to this job. */
  handBacks = 0;
  /** What serves it; null while nobody wants to know. */
  via: NonNullable<Outcome["via"]> | null = null;

  constructor(attempt: Attempt, positions: readonly number[], tally: Tally) {
    this.attempt = attempt;
    this.positions = positions;
    this.tally = tally;
  }

  get message(): SpooledMessage {
    return this.attempt.message;
  }

  address(position: number): string {
    return this.message.envelope.recipients[this.attempt.recipients[position] as number] as string;
  }

  isFor(messageId: string, recipient: number): boolean {
    const { message, recipients } = this.attempt;
    return message.id === messageId && this.positions.some((position) => recipients[position] === recipient);
  }

  get requiresTls(): boolean {
    return this.message.envelope.requireTls === true;
  }

  /** What the recipient's domain asks of TLS does not count (RFC 8689 5). */
  get isTlsOptional(): boolean {
    return this.message.envelope.tlsOptional === true;
  }

  /** What the sender said about notices on a recipient. */
  wishes(position: number): RecipientWishes | null {
    const index = this.attempt.recipients[position] as number;
    return this.message.envelope.dsn?.recipients[index] ?? null;
  }

  settle(position: number, outcome: Outcome): void {
    const { via } = this;
    this.tally.settle(position, via === null ? outcome : { ...outcome, via });
  }

  settleAll(outcome: Outcome): void {
    for (const position of this.positions) this.settle(position, outcome);
  }

  /** From now on outcomes tell of a connection, where somebody wants to know. */
  goesOver(reached: Reached | null, transactions: number): void {
    if (this.attempt.isWatched === true && reached !== null) this.via = { reached, transactions };
  }

  /** A job for some of the positions, with the content that is already there. */
  part(positions: readonly number[]): Job {
    const job = new Job(this.attempt, positions, this.tally);
    job.content = this.content;
    job.handBacks = this.handBacks;
    return job;
  }

  /** The message can only go to hosts that offer SMTPUTF8. */
  get needsUtf8(): boolean {
    const { envelope } = this.message;
    return (
      envelope.smtpUtf8 ||
      isUtf8Address(envelope.sender) ||
      this.positions.some((position) => isUtf8Address(this.address(position)))
    );
  }
}

/** Why content could not be read: passing trouble is tried again, a damaged message is reported. */
export function outcomeOfReadError(error: unknown): Outcome {
  const isLasting = error instanceof Failure && !error.transient;
  return outcomeOfTrouble(isLasting ? "content-lost" : "content-unreadable", "", describe(error));
}
