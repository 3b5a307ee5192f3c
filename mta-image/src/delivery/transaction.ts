/**
 * One transaction as a state machine without I/O: it makes the commands and turns each reply into outcomes and
 * the next thing to do. A connection owns it, feeds it the replies in order and does what it says.
 *
 *   mail -> rcpt (one reply each) -> data -> body -> final -> over
 *                                      |-> void (a lone dot: DATA was taken though nobody was) -> over
 *                                      '-> reset (the host still holds a sender) -> over
 *
 * With LMTP (RFC 2033 4.2) the end of data has a reply for each recipient that was taken, in their order.
 *
 * With CHUNKING (RFC 3030) there is no DATA: the message follows the recipients as one counted chunk.
 *
 * With PIPELINING the whole group MAIL, RCPT..., DATA is sent at once (RFC 2920 3.1) and all its replies are
 * read, whatever the first ones say. Until the end of data is sent nothing was taken by the host, and the
 * transaction can be repeated elsewhere. A refusal counts when the group has ended in step: a host that says one reply too
 * many or too few shows itself there, and its refusals may have been meant for others.
 */
import { withAsciiDomain } from "../message/envelope.ts";
import type { Outcome } from "../queue/courier.ts";
import type { ServerReply } from "../smtp/reply-parser.ts";
import type { Part } from "../trace/part.ts";
import { mailCommand, type MailParameters, rcptCommand } from "./command.ts";
import type { Job } from "./job.ts";
import { outcomeOfReply, type Step } from "./outcome.ts";

export type Phase = "mail" | "rcpt" | "data" | "body" | "final" | "void" | "reset";

/** What the connection does after a reply. `garbage`: the reply makes no sense here. */
export type Next = "wait" | "send" | "body" | "lone-dot" | "reset" | "over" | "garbage";

export class Transaction {
  phase: Phase = "mail";
  /** Where it is recorded; null while nobody wants to know. */
  traced: Part | null = null;
  readonly job: Job;
  readonly #host: string;
  readonly #parameters: MailParameters;
  readonly #isPipelined: boolean;
  readonly #isLmtp: boolean;
  readonly #isChunked: boolean;
  /** The reply that refused MAIL. */
  #refusal: Outcome | null = null;
  /** The host took recipients all the same. */
  #isTakenUnasked = false;
  #answeredRecipients = 0;
  #accepted: number[] = [];
  /** Refused, as long as the host may turn out to be out of step. */
  #held: { readonly position: number; readonly outcome: Outcome }[] = [];
  /** Refused only because this transaction has too many, with the outcome they get when there is no other. */
  #overflow: { readonly position: number; readonly outcome: Outcome }[] = [];

  constructor(
    job: Job,
    host: string,
    options: { parameters: MailParameters; isPipelined: boolean; isLmtp?: boolean; isChunked?: boolean },
  ) {
    this.job = job;
    this.#host = host;
    this.#parameters = options.parameters;
    this.#isPipelined = options.isPipelined;
    this.#isLmtp = options.isLmtp ?? false;
    this.#isChunked = options.isChunked ?? false;
  }

  /** The content goes as a chunk, as it is: no dots are stuffed. */
  get isChunked(): boolean {
    return this.#isChunked;
  }

  /** No reply has been read, so nothing but the connection can have been wrong. */
  get isUntouched(): boolean {
    return this.phase === "mail";
  }

  /** The host may have the message: only its reply tells. */
  get isUnclear(): boolean {
    return this.phase === "final";
  }

  /** What the next reply answers. */
  get step(): Step {
    return this.phase === "mail" || this.phase === "rcpt" || this.phase === "data"
      ? this.phase
      : "end-of-data";
  }

  /** The first thing to send. */
  opening(): string {
    const said = this.job.attempt.wish?.said?.sender ?? null;
    const mail = mailCommand(this.#told(this.job.message.envelope.sender), this.#parameters, said);
    if (!this.#isPipelined) return mail;
    let group = mail;
    for (const position of this.job.positions) group += this.#rcpt(position);
    return this.#isChunked ? group : `${group}DATA\r\n`;
  }

  /** What to send next, one command at a time. */
  command(): string {
    const position = this.job.positions[this.#answeredRecipients];
    return position === undefined ? "DATA\r\n" : this.#rcpt(position);
  }

  #rcpt(position: number): string {
    const wishes = this.#parameters.dsn === null ? null : this.job.wishes(position);
    const address = this.#told(this.job.address(position));
    return rcptCommand(address, wishes, this.job.attempt.wish?.said?.recipient ?? null);
  }

  #told(address: string): string {
    return this.#parameters.smtpUtf8 ? address : withAsciiDomain(address);
  }

  onReply(reply: ServerReply): Next {
    switch (this.phase) {
      case "mail":
        return this.#onMail(reply);
      case "rcpt":
        return this.#onRcpt(reply);
      case "data":
        return this.#onData(reply);
      case "body":
        return this.#onEarly(reply);
      case "final":
        return this.#onFinal(reply);
      case "void":
        return "over";
      case "reset":
        return this.#onReset(reply);
    }
  }

  /** Recipients for another transaction of the same message; they are the caller's from now on. */
  takeOverflow(): Job | null {
    if (this.#overflow.length === 0) return null;
    const rest = this.job.part(this.#overflow.map(({ position }) => position));
    this.#overflow = [];
    return rest;
  }

  /** Gives the outcome to all that have none yet. Of a host that is out of step no refusal is believed. */
  abandon(outcome: Outcome): void {
    this.#release(outcome.trouble === "garbage" ? outcome : null);
    if (this.phase === "void" || this.phase === "reset" || this.#refusal !== null) return;
    this.#settleOverflow();
    const unanswered = this.job.positions.slice(this.#answeredRecipients);
    for (const position of [...this.#accepted, ...unanswered]) this.job.settle(position, outcome);
    this.#accepted = [];
    this.#answeredRecipients = this.job.positions.length;
  }

  #onMail(reply: ServerReply): Next {
    if (isNoAnswer(reply)) return "garbage";
    this.phase = "rcpt";
    if (reply.code < 300) return this.#isPipelined ? "wait" : "send";
    this.#refusal = outcomeOfReply(reply, "mail", this.#host);
    this.job.settleAll(this.#refusal);
    if (this.#isPipelined) return "wait";
    this.phase = "reset";
    return "reset";
  }

  #onRcpt(reply: ServerReply): Next {
    if (isNoAnswer(reply)) return "garbage";
    const position = this.job.positions[this.#answeredRecipients++] as number;
    if (this.#refusal === null) this.#judgeRecipient(position, reply);
    else this.#isTakenUnasked ||= reply.code < 300;
    const isLast = this.#answeredRecipients === this.job.positions.length;
    if (isLast) this.phase = "data";
    if (this.#isPipelined && !(isLast && this.#isChunked)) return "wait";
    if (!isLast) return "send";
    if (this.#accepted.length === 0) return this.#reset();
    return this.#isChunked ? "body" : "send";
  }

  #judgeRecipient(position: number, reply: ServerReply): void {
    if (reply.code < 300) {
      this.#accepted.push(position);
      return;
    }
    const outcome = outcomeOfReply(reply, "rcpt", this.#host);
    const isTooMany = reply.code === 452 && (reply.enhanced === "" || reply.enhanced === "4.5.3");
    if (isTooMany && this.#accepted.length > 0) this.#overflow.push({ position, outcome });
    else this.#refuse(position, outcome);
  }

  #refuse(position: number, outcome: Outcome): void {
    if (this.#isPipelined) this.#held.push({ position, outcome });
    else this.job.settle(position, outcome);
  }

  /** Settles those that are held, with an outcome in place of their own if there is one. */
  #release(inPlace: Outcome | null = null): void {
    for (const { position, outcome } of this.#held) this.job.settle(position, inPlace ?? outcome);
    this.#held = [];
  }

  #onData(reply: ServerReply): Next {
    if (reply.code === 354) {
      this.#release();
      if (this.#refusal === null && this.#accepted.length > 0) return "body";
      // RFC 2033 4.2 forbids this reply, and a lone dot would get none. Recipients would get it as an empty message.
      if (this.#isLmtp || this.#isTakenUnasked) return "garbage";
      // RFC 2920 3.1: the host took DATA without recipients; an empty message ends it.
      this.phase = "void";
      return "lone-dot";
    }
    if (reply.code < 400) return "garbage";
    const outcome = outcomeOfReply(reply, "data", this.#host);
    for (const position of this.#accepted) this.#refuse(position, outcome);
    return this.#reset();
  }

  /** A 354 is the one to DATA: what was taken for that one was meant for somebody else. */
  #onReset(reply: ServerReply): Next {
    if (isNoAnswer(reply)) return "garbage";
    this.#release();
    return reply.code < 300 ? "over" : "garbage";
  }

  /** A reply before the end of data: a host that has seen enough. What it says counts, and then it is left. */
  #onEarly(reply: ServerReply): Next {
    if (reply.code >= 400) this.abandon(outcomeOfReply(reply, "end-of-data", this.#host));
    return "garbage";
  }

  #onFinal(reply: ServerReply): Next {
    if (isNoAnswer(reply)) return "garbage";
    this.#release();
    const outcome = this.#outcomeOfEnd(reply);
    if (this.#isLmtp) return this.#onLmtpFinal(outcome);
    for (const position of this.#accepted) this.job.settle(position, outcome);
    this.#accepted = [];
    if (outcome.kind !== "delivered") this.#settleOverflow();
    return "over";
  }

  #onLmtpFinal(outcome: Outcome): Next {
    this.job.settle(this.#accepted.shift() as number, outcome);
    if (this.#accepted.length > 0) return "wait";
    if (outcome.kind !== "delivered") this.#settleOverflow();
    return "over";
  }

  /** A host that was told what the sender wants to hear reports it (RFC 3461 5.2.1). */
  #outcomeOfEnd(reply: ServerReply): Outcome {
    const outcome = outcomeOfReply(reply, "end-of-data", this.#host);
    return this.#parameters.dsn === null ? outcome : { ...outcome, success: "reported" };
  }

  #reset(): Next {
    this.#accepted = [];
    this.#settleOverflow();
    this.phase = "reset";
    return "reset";
  }

  #settleOverflow(): void {
    for (const { position, outcome } of this.#overflow) this.job.settle(position, outcome);
    this.#overflow = [];
  }
}

/** 221 is how a host closes (RFC 5321 4.2.3), and takes nothing. */
function isNoAnswer({ code }: ServerReply): boolean {
  return code === 221 || (code >= 300 && code < 400);
}
