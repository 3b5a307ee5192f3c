/**
 * AUTH on one connection (RFC 4954): when it may begin, the exchange under way, and who the client turned out to be.
 * Only within TLS, once, outside a transaction. A script may decide, and speak mechanisms of its own; where it does not,
 * the passwords of the configuration do. Three wrong passwords end the connection. Nothing here knows how passwords are
 * kept; nothing of them is logged. Never rejects.
 */
import type { AuthAnswer, AuthFacts } from "../hooks/session-answers.ts";
import { type Reply, replies } from "../smtp/reply.ts";
import { type Identity, SaslExchange, type SaslStep } from "../smtp/sasl.ts";
import type { Credentials } from "./credentials.ts";
import { ScramLogin, type ScramStep } from "./scram-login.ts";

const MOST_FAILURES = 3;

/** Asks a script; null where there is none. */
export type AskScript = ((facts: AuthFacts) => AuthAnswer | Promise<AuthAnswer> | null) | null;

/** Who counts failures of the client over its connections. */
export interface Guard {
  isBarred(): boolean;
  failed(): void;
  succeeded(): void;
}

export interface LoginOptions {
  readonly credentials: Credentials | null;
  readonly script: AskScript;
  readonly guard: Guard;
}

interface Exchange {
  readonly mechanism: string;
  /** Null once a script leads the exchange. */
  readonly sasl: SaslExchange | ScramLogin | null;
  /** How often the script has asked. */
  readonly asked: number;
}

export class Login {
  readonly #credentials: Credentials | null;
  readonly #script: AskScript;
  readonly #guard: Guard;
  #exchange: Exchange | null = null;
  #failures = 0;
  /** Null until the client has shown who it is. */
  login: string | null = null;
  mechanism = "";

  constructor({ credentials, script, guard }: LoginOptions) {
    this.#credentials = credentials;
    this.#script = script;
    this.#guard = guard;
  }

  /** The next line is an answer and no command. */
  get isAsking(): boolean {
    return this.#exchange !== null;
  }

  start(
    command: { readonly mechanism: string; readonly initial: string | null },
    state: {
      readonly isSecure: boolean;
      readonly isExtended: boolean;
      readonly isOpen: boolean;
      readonly isLoggedIn: boolean;
    },
  ): Reply | Promise<Reply> {
    const { mechanism, initial } = command;
    if (this.#credentials === null && this.#script === null) return replies.notImplemented;
    if (!state.isSecure) return replies.authNeedsTls;
    if (!state.isExtended) return replies.helloFirst;
    if (state.isOpen || state.isLoggedIn || this.login !== null) return replies.authNotNow;
    if (this.#guard.isBarred()) return replies.loginBarred;
    const book = this.#credentials?.scram ?? null;
    if (mechanism === "SCRAM-SHA-256" && book !== null) {
      const scram = new ScramLogin(book);
      return this.#follow({ mechanism, sasl: scram, asked: 0 }, scram.start(initial), "");
    }
    if (mechanism !== "PLAIN" && mechanism !== "LOGIN") return this.#startForeign(mechanism, initial ?? "");
    const sasl = new SaslExchange(mechanism);
    return this.#follow({ mechanism, sasl, asked: 0 }, sasl.start(initial), initial ?? "");
  }

  answer(line: string): Reply | Promise<Reply> {
    const exchange = this.#exchange;
    this.#exchange = null;
    if (exchange === null) return replies.authNotNow;
    if (exchange.sasl !== null) return this.#follow(exchange, exchange.sasl.answer(line), line);
    return line === "*" ? replies.authCancelled : this.#judge(exchange, nobody, line);
  }

  /** A line that is no line ends the exchange. */
  cancel(): void {
    this.#exchange = null;
  }

  #startForeign(mechanism: string, initial: string): Reply | Promise<Reply> {
    if (this.#script === null) return replies.unknownMechanism;
    return this.#judge({ mechanism, sasl: null, asked: 0 }, nobody, initial);
  }

  #follow(exchange: Exchange, step: SaslStep | ScramStep, line: string): Reply | Promise<Reply> {
    if (step.kind === "identity") return this.#judge(exchange, step.identity, line);
    if (step.kind === "right") return this.#succeed(exchange, step.login);
    if (step.kind === "ask") this.#exchange = exchange;
    return step.reply === replies.authFailed ? this.#failed(step.reply) : step.reply;
  }

  async #judge(exchange: Exchange, identity: Identity, response: string): Promise<Reply> {
    const { mechanism, asked } = exchange;
    const { login: username, password } = identity;
    const answer = await this.#script?.({ mechanism, username, password, state: asked, response });
    if (answer?.kind === "ask") {
      this.#exchange = { mechanism, sasl: null, asked: asked + 1 };
      return answer.reply;
    }
    if (answer?.kind === "refuse") return this.#failed(answer.reply);
    if (answer?.isDecided === true) return this.#succeed(exchange, answer.wish.username ?? username);
    if (identity === nobody) return replies.unknownMechanism;
    return this.#verify(exchange, identity);
  }

  async #verify(exchange: Exchange, { login, password }: Identity): Promise<Reply> {
    if (this.#credentials === null) return this.#failed(replies.authFailed);
    const verdict = await this.#credentials.verify(login, password);
    if (verdict === "unknown") return replies.authNotNowKnown;
    return verdict === "wrong" ? this.#failed(replies.authFailed) : this.#succeed(exchange, login);
  }

  #succeed({ mechanism }: Exchange, login: string): Reply {
    this.#guard.succeeded();
    this.login = login;
    this.mechanism = mechanism;
    return replies.authOk;
  }

  /** What a script defers is no wrong password. */
  #failed(reply: Reply): Reply {
    if (reply.code < 500) return reply;
    this.#guard.failed();
    return ++this.#failures < MOST_FAILURES ? reply : replies.tooManyLogins;
  }
}

/** Of mechanisms that only a script understands. */
const nobody: Identity = { login: "", password: "" };
