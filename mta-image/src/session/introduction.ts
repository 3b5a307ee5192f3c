/**
 * Client and server introduce themselves: what is asked before the greeting, the greeting that a script wants, and the answer to
 * EHLO and HELO. Never rejects.
 */
import type { ConnectionHooks } from "../hooks/connection-hooks.ts";
import type { CommandOf } from "../smtp/command.ts";
import { type Reply, makeReply } from "../smtp/reply.ts";
import type { Answers } from "./answers.ts";
import type { SessionCounters } from "./counters.ts";
import type { ClientFacts } from "./origin.ts";
import type { Screening } from "./screening.ts";
import type { Transaction } from "./transaction.ts";

export interface IntroductionOptions {
  /** Our name. */
  readonly hostname: string;
  readonly counters: SessionCounters;
  readonly client: ClientFacts;
  readonly screening: Screening;
  readonly hooks: ConnectionHooks | null;
  readonly transaction: Transaction;
  readonly answers: Answers;
}

export class Introduction {
  readonly #options: IntroductionOptions;
  /** In place of the usual greeting. */
  banner: Reply | null = null;

  constructor(options: IntroductionOptions) {
    this.#options = options;
  }

  /** Before the greeting: what to say instead; null when nobody is asked. */
  welcome(): Promise<Reply | null> | null {
    const { screening, hooks } = this.#options;
    const screened = screening.connect();
    if (hooks?.isAskedAtConnect !== true) return screened;
    return Promise.resolve(screened).then((refusal) => refusal ?? this.#askAtConnect(hooks));
  }

  async #askAtConnect(hooks: ConnectionHooks): Promise<Reply | null> {
    const { counters, client } = this.#options;
    const answer = await hooks.connect();
    if (answer === null) return null;
    if (answer.kind === "refuse") {
      counters.refusedConnections++;
      return answer.reply;
    }
    this.banner = answer.reply;
    client.remoteIp = answer.wish.remoteIp ?? client.remoteIp;
    return null;
  }

  /** `reply` is what the transaction made of the command, unless a script wants another. */
  hello({ extended, name: host }: CommandOf<"hello">, reply: Reply): void {
    const { hooks, answers, transaction, hostname } = this.#options;
    const extensions = extended && hooks?.has("helo") === true ? transaction.extensions : [];
    const asked = hooks?.hello({ verb: extended ? "EHLO" : "HELO", host, extensions }) ?? null;
    if (asked === null) return answers.say(reply);
    answers.when(asked, (answer) => {
      if (answer.kind === "refuse") {
        transaction.forgetHello();
        return answers.refuse(answer.reply);
      }
      const { wish } = answer;
      transaction.heloName = wish.host ?? host;
      const lines = extended && wish.extensions !== null ? [hostname, ...wish.extensions] : null;
      answers.say(lines === null ? (answer.reply ?? reply) : makeReply(250, "", lines));
    });
  }
}
