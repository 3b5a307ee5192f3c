/** AUTH and the lines of its exchange: who the client turns out to be is told to scripts, the checks and the transaction. Never rejects. */
import type { ConnectionHooks } from "../hooks/connection-hooks.ts";
import type { CommandOf } from "../smtp/command.ts";
import { type Reply, replies } from "../smtp/reply.ts";
import type { Answers } from "./answers.ts";
import type { Credentials } from "./credentials.ts";
import { Login } from "./login.ts";
import type { LoginGuard } from "./login-guard.ts";
import type { Screening } from "./screening.ts";
import type { Transaction } from "./transaction.ts";

export interface LoginCommandsOptions {
  readonly credentials: Credentials | null;
  readonly guard: LoginGuard;
  /** Whose failures count. */
  readonly remoteIp: string;
  readonly screening: Screening;
  readonly hooks: ConnectionHooks | null;
  readonly transaction: Transaction;
  readonly answers: Answers;
}

export class LoginCommands {
  readonly #options: LoginCommandsOptions;
  readonly #login: Login;

  constructor(options: LoginCommandsOptions) {
    const { credentials, guard, remoteIp, hooks } = options;
    this.#options = options;
    this.#login = new Login({
      credentials,
      script: hooks?.has("auth") === true ? (facts) => hooks.auth(facts) : null,
      guard: {
        isBarred: () => guard.isBarred(remoteIp),
        failed: () => guard.failed(remoteIp),
        succeeded: () => guard.succeeded(remoteIp),
      },
    });
  }

  /** The next line is an answer and no command. */
  get isAsking(): boolean {
    return this.#login.isAsking;
  }

  start(command: CommandOf<"auth">): void {
    this.#follow(this.#login.start(command, this.#options.transaction));
  }

  /** A line of an exchange that AUTH began; `fault` is what is wrong with its form. */
  answer(line: string, fault: Reply | null): void {
    if (fault === null) return this.#follow(this.#login.answer(line));
    this.#login.cancel();
    this.#say(fault);
  }

  #follow(said: Reply | Promise<Reply>): void {
    if (!(said instanceof Promise)) return this.#say(said);
    this.#options.answers.when(
      said.then((reply) => this.#admit(reply)),
      (reply) => this.#say(reply),
    );
  }

  /** Who has shown its password may still be refused for where it comes from. */
  async #admit(reply: Reply): Promise<Reply> {
    if (reply !== replies.authOk) return reply;
    const { hooks, screening } = this.#options;
    hooks?.loggedIn(this.#login.mechanism, this.#login.login ?? "");
    return (await screening.authenticated()) ?? reply;
  }

  #say(reply: Reply): void {
    const { transaction, answers } = this.#options;
    if (reply === replies.authOk) transaction.isLoggedIn = true;
    answers.give(reply);
  }
}
