/**
 * DATA and BDAT, and what becomes of the message that they bring, up to the reply to its end. The bytes themselves are read by
 * content.ts. Never throws for what a client sends.
 */
import type { Clock } from "#base/clock.ts";

import type { Intake } from "../intake/intake.ts";
import type { CommandOf } from "../smtp/command.ts";
import { type Reply, replies } from "../smtp/reply.ts";
import type { Traced } from "../trace/traced.ts";
import type { Answers } from "./answers.ts";
import { Content, type ContentOwner } from "./content.ts";
import { type MailEnd, type SessionCounters, countMessage } from "./counters.ts";
import type { Floor } from "./floor.ts";
import type { Flow } from "./flow.ts";
import type { IncomingMail } from "./incoming-mail.ts";
import { type ClientFacts, messageOf } from "./origin.ts";
import type { Transaction } from "./transaction.ts";

export interface ContentCommandsOptions {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly flow: Flow;
  readonly traced: Traced;
  readonly maxBytes: number;
  readonly counters: SessionCounters;
  readonly client: ClientFacts;
  readonly transaction: Transaction;
  readonly answers: Answers;
  readonly floor: Floor;
}

export class ContentCommands implements ContentOwner {
  readonly #options: ContentCommandsOptions;
  readonly #content: Content;

  constructor(options: ContentCommandsOptions) {
    this.#options = options;
    this.#content = new Content({ ...options, owner: this });
  }

  /** Only chunks may follow those that were taken. */
  get hasChunks(): boolean {
    return this.#content.hasChunks;
  }

  /** Reads content from `start` on; returns the offset behind what was read. */
  read(data: Buffer, start: number): number {
    return this.#content.read(data, start);
  }

  /** What is wrong with the pace of a client that is sending content, or null. */
  judgePace(now: number, idleTimeoutMs: number): Reply | null {
    return this.#content.judgePace(now, idleTimeoutMs);
  }

  /** The client was kept waiting until now. */
  excuse(): void {
    this.#content.excuse();
  }

  /** Forgets a message on its way. A commit under way goes on: the spool alone decides about its message. */
  abort(): void {
    this.#content.abort();
  }

  startData(): void {
    const { transaction, client, floor, answers } = this.#options;
    const refusal = transaction.dataRefusal ?? (this.#content.hasChunks ? replies.inChunks : null);
    if (refusal !== null) return answers.refuse(refusal);
    this.#content.startData(messageOf(transaction, client));
    floor.read("content");
    floor.say(replies.sendData);
  }

  /** The bytes of a chunk follow whatever we make of it (RFC 3030 2). */
  startChunk(chunk: CommandOf<"bdat">): void {
    const { transaction, client, floor } = this.#options;
    floor.read("content");
    const refusal = transaction.dataRefusal;
    if (refusal === null) this.#content.startChunk(chunk, messageOf(transaction, client));
    else this.#content.refuseChunk(chunk, refusal);
  }

  /** Reads over a chunk that a script does not want, and ends its message. */
  skipChunk(chunk: CommandOf<"bdat">, reply: Reply): void {
    const { transaction, floor, answers } = this.#options;
    this.#content.abort();
    transaction.reset();
    if (reply.hangUp) return answers.refuse(reply);
    floor.read("content");
    this.#content.refuseChunk(chunk, reply);
  }

  answerChunk(reply: Reply, { isOver }: { readonly isOver: boolean }): void {
    const { transaction, counters, floor, answers } = this.#options;
    floor.read("commands");
    if (isOver) {
      transaction.reset();
      counters.refusedMessages++;
    }
    answers.give(reply);
  }

  commit(mail: IncomingMail): void {
    const { floor } = this.#options;
    const finished = mail.commit().then(({ reply, end }) => {
      this.#finish(mail, end);
      return reply;
    });
    floor.wait(finished, (reply) => floor.say(reply));
  }

  /** Counts, and forgets the transaction, also when nobody waits for the reply any more. */
  #finish(mail: IncomingMail, end: MailEnd): void {
    const { transaction, counters, answers } = this.#options;
    countMessage(counters, { bytes: mail.bytes, recipients: transaction.recipientCount, end });
    if (end === "accepted") answers.renew();
    transaction.reset();
    this.#content.forget();
  }
}
