/**
 * MAIL and RCPT: what the transaction makes of them, what the checks and scripts say to that, and under which addresses sender and
 * recipients are taken. Never throws for what a client sends.
 */
import type { ConnectionHooks } from "../hooks/connection-hooks.ts";
import type { CommandOf } from "../smtp/command.ts";
import { type Reply, replies } from "../smtp/reply.ts";
import type { Answers } from "./answers.ts";
import type { ContentCommands } from "./content-commands.ts";
import type { SessionNeighbours } from "./options.ts";
import type { Screening } from "./screening.ts";
import type { Transaction } from "./transaction.ts";

export interface EnvelopeCommandsOptions {
  readonly near: Pick<SessionNeighbours, "accepting" | "counters">;
  /** Of recipients for whom no script chooses another. */
  readonly transportId: string;
  readonly screening: Screening;
  readonly hooks: ConnectionHooks | null;
  readonly transaction: Transaction;
  readonly content: ContentCommands;
  readonly answers: Answers;
}

type RecipientAnswer = Extract<Awaited<NonNullable<ReturnType<ConnectionHooks["rcptTo"]>>>, { kind: "go" }>;

export class EnvelopeCommands {
  readonly #options: EnvelopeCommandsOptions;

  constructor(options: EnvelopeCommandsOptions) {
    this.#options = options;
  }

  mail(command: CommandOf<"mail">): void {
    const { near, transaction, screening, answers } = this.#options;
    if (!near.accepting()) return answers.say(replies.notTakingMail);
    const reply = transaction.handle(command);
    if (reply.code >= 400) return answers.refuse(reply);
    const asked = screening.mailFrom(transaction.heloName, command.path.address);
    if (asked === null) return this.#askAtMail(command, reply);
    answers.when(asked, (refusal) => {
      if (refusal === null) this.#askAtMail(command, reply);
      else this.#refuseMail(refusal);
    });
  }

  rcpt(command: CommandOf<"rcpt">): void {
    const { transaction, content, hooks, answers, transportId } = this.#options;
    if (content.hasChunks) return answers.refuse(replies.inChunks);
    const fault = transaction.recipientFault(command);
    const isAboutRelay = fault === replies.relayDenied || fault === replies.noPostmaster;
    if (hooks?.isAskedAtRcpt !== true || (fault !== null && !isAboutRelay))
      return this.#takeRcpt(command, fault, null);
    const { path, parameters } = command;
    const rcpt = { address: path.address, domain: path.domain, parameters, isRelay: fault === null };
    const asked = hooks.rcptTo({ ...rcpt, transportId });
    if (asked === null) return this.#takeRcpt(command, fault, null);
    answers.when(asked, (answer) => {
      if (answer.kind === "refuse") return this.#takeRcpt(command, answer.reply, null);
      this.#takeRcpt(command, answer.wish.mayRelay ? null : fault, answer);
    });
  }

  #askAtMail({ path, parameters }: CommandOf<"mail">, reply: Reply): void {
    const { hooks, transaction, answers } = this.#options;
    const asked = hooks?.mailFrom(path.address, parameters) ?? null;
    if (asked === null) return answers.say(reply);
    answers.when(asked, (answer) => {
      if (answer.kind === "refuse") return this.#refuseMail(answer.reply);
      if (answer.wish.sender !== null) transaction.changeSender(answer.wish.sender);
      answers.say(answer.reply ?? reply);
    });
  }

  #refuseMail(reply: Reply): void {
    const { transaction, answers } = this.#options;
    transaction.reset();
    answers.give(reply);
  }

  #takeRcpt(command: CommandOf<"rcpt">, fault: Reply | null, answer: RecipientAnswer | null): void {
    const { near, transaction, hooks, answers, transportId } = this.#options;
    if (fault !== null) {
      near.counters.refusedRecipients++;
      return answers.refuse(fault);
    }
    const address = answer?.wish.recipient ?? command.path.address;
    transaction.takeRecipient(address, command.parameters);
    hooks?.tookRecipient(address, command.parameters, answer?.wish.transportId ?? transportId);
    answers.say(answer?.reply ?? replies.rcptOk);
  }
}
