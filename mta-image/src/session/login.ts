/**
 * AUTH on one connection (RFC 4954): when it may begin, the exchange under way, and who the client turned out to be.
 * Only within TLS, once, outside a transaction. Three wrong passwords end the connection. Nothing here knows how
 * passwords are kept; nothing of them is logged. Never rejects.
 */
import { type Reply, replies } from "../smtp/reply.ts";
import { SaslExchange, type SaslStep } from "../smtp/sasl.ts";
import type { Credentials } from "./credentials.ts";

const MOST_FAILURES = 3;

export class Login {
  readonly #credentials: Credentials | null;
  #exchange: SaslExchange | null = null;
  #failures = 0;
  /** Null until the client has shown who it is. */
  login: string | null = null;

  constructor(credentials: Credentials | null) {
    this.#credentials = credentials;
  }

  /** The next line is an answer and no command. */
  get isAsking(): boolean {
    return this.#exchange !== null;
  }

  start(
    command: { readonly mechanism: string; readonly initial: string | null },
    state: { readonly isSecure: boolean; readonly isExtended: boolean; readonly isOpen: boolean },
  ): Reply | Promise<Reply> {
    const { mechanism, initial } = command;
    if (this.#credentials === null) return replies.notImplemented;
    if (!state.isSecure) return replies.authNeedsTls;
    if (!state.isExtended) return replies.helloFirst;
    if (state.isOpen || this.login !== null) return replies.authNotNow;
    if (mechanism !== "PLAIN" && mechanism !== "LOGIN") return replies.unknownMechanism;
    const exchange = new SaslExchange(mechanism);
    return this.#follow(exchange, exchange.start(initial));
  }

  answer(line: string): Reply | Promise<Reply> {
    const exchange = this.#exchange;
    this.#exchange = null;
    return exchange === null ? replies.authNotNow : this.#follow(exchange, exchange.answer(line));
  }

  /** A line that is no line ends the exchange. */
  cancel(): void {
    this.#exchange = null;
  }

  #follow(exchange: SaslExchange, step: SaslStep): Reply | Promise<Reply> {
    if (step.kind === "identity") return this.#verify(step.identity);
    if (step.kind === "ask") this.#exchange = exchange;
    return step.reply;
  }

  async #verify({ login, password }: { login: string; password: string }): Promise<Reply> {
    const verdict = await (this.#credentials as Credentials).verify(login, password);
    if (verdict === "unknown") return replies.authNotNowKnown;
    if (verdict === "wrong")
      return ++this.#failures < MOST_FAILURES ? replies.authFailed : replies.tooManyLogins;
    this.login = login;
    return replies.authOk;
  }
}
