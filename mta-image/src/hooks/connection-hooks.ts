/**
 * The hooks of one connection: what the session asks at each phase. It keeps the scripts that the connection began with, whatever
 * is reloaded meanwhile. An answer comes at once when its script did not wait. Null means that no script was asked, and costs
 * nothing. Never throws and never rejects: a script that fails is an answer, by the configuration's `onerror`.
 */
import type { Secured } from "../smtp/secured.ts";
import type { Envelope } from "../message/envelope.ts";
import { type MailParameters, NO_MAIL, NO_RCPT, type RcptParameters } from "../smtp/parameters.ts";
import { Refusal } from "../script/error.ts";
import { makeMessage } from "../script/library/mail-message.ts";
import { type ByteSource, Pieces, after } from "../script/mail/pieces.ts";
import { HslArray } from "../script/value.ts";
import { eodMailMessageClass } from "./actions.ts";
import { connectWish } from "./connect-wish.ts";
import { Connection } from "./connection.ts";
import { type Ending, endingArguments } from "./ending-tree.ts";
import { Inquiry } from "./inquiry.ts";
import { type MailCopy, copiesAsked, copiesByTransport } from "./mail-copy.ts";
import type { Asked, HookRunner } from "./runner.ts";
import type { ServerScripts } from "./scripts.ts";
import {
  type AuthAnswer,
  type AuthFacts,
  type EndAnswer,
  type ProxyAnswer,
  authAnswer,
  proxyAnswer,
} from "./session-answers.ts";
import type { SessionHook } from "./stages.ts";
import { type Branch, arrayOf, bytesOf, listOf } from "./texts.ts";
import { Transaction } from "./transaction.ts";
import {
  type ConnectionFacts,
  connectArguments,
  recipientArguments,
  senderArguments,
  tlsTree,
} from "./trees.ts";
import { type Answer, type Verdict, wishedAddress, wordsOf } from "./verdict.ts";

/** What is known of a message that nobody spoke. */
export interface InjectedFacts {
  readonly sender: string | null;
  readonly recipients: readonly string[];
  readonly transportId: string;
  /** More arguments of the script at the end of data. */
  readonly told?: Branch;
}

export class ConnectionHooks {
  readonly #scripts: ServerScripts;
  readonly #runner: HookRunner;
  readonly #connection: Connection;
  readonly #inquiry: Inquiry;

  constructor(scripts: ServerScripts, runner: HookRunner, facts: ConnectionFacts) {
    this.#scripts = scripts;
    this.#runner = runner;
    this.#connection = new Connection(facts);
    this.#inquiry = new Inquiry(runner, this.#connection);
  }

  has(hook: Exclude<SessionHook, "rcptto">): boolean {
    return this.#scripts.byHook.has(hook);
  }

  /** A script may want to be asked about recipients. */
  get isAskedAtRcpt(): boolean {
    return this.#scripts.rcptto.length > 0;
  }

  /** The client is to be greeted: a script is to be asked, or its name to be found. */
  get isAskedAtConnect(): boolean {
    return this.has("connect") || this.#scripts.wantsRemoteName;
  }

  async connect(): Promise<Answer<{ remoteIp: string | null }> | null> {
    await this.#findName();
    const script = this.#scripts.byHook.get("connect");
    if (script === undefined) return null;
    const connection = this.#connection;
    return this.#inquiry.judged(
      script,
      () => connectArguments(connection.facts),
      (run) => {
        const { remoteIp, name, priority } = connectWish(run);
        if (priority !== null) connection.know({ priority });
        if (remoteIp !== null) connection.know({ remoteIp });
        const result = connection.facts.remoteName?.result ?? new HslArray();
        if (name !== null) connection.know({ remoteName: { name, result } });
        return { remoteIp };
      },
    );
  }

  proxy(command: string): Asked<ProxyAnswer> | null {
    const script = this.#scripts.byHook.get("proxy");
    if (script === undefined) return null;
    return after(
      this.#inquiry.ask(script, () => arrayOf({ command })),
      proxyAnswer,
    );
  }

  hello(hello: {
    readonly verb: "HELO" | "EHLO";
    readonly host: string;
    readonly extensions: readonly string[];
  }): Asked<Answer<{ host: string | null; extensions: readonly string[] | null }>> | null {
    const { verb, host, extensions } = hello;
    const script = this.#scripts.byHook.get("helo");
    const known = (name: string): void => this.#connection.learn({ helo: { verb, host: name } });
    if (script === undefined) {
      known(host);
      return null;
    }
    const given = (): HslArray => arrayOf({ verb, host, extensions: listOf(extensions) });
    return this.#inquiry.judged(script, given, (run) => {
      const name = run.wish("host");
      if (name !== null && (typeof name !== "string" || !/^[\x21-\x7e]{1,255}$/.test(name)))
        throw new Refusal("host is no name");
      known(name ?? host);
      return { host: name, extensions: wordsOf(run.wish("extensions")) };
    });
  }

  /** TLS is on: what was known of the conversation before is forgotten. */
  secured(secured: Secured): void {
    this.#connection.forget();
    this.#connection.learn({ tls: () => tlsTree(secured) });
    this.forgetTransaction();
  }

  /** The client gave up what it had said of a message, or begins anew (RFC 5321 4.1.4, 4.1.1.5). */
  forgetTransaction(): void {
    this.#inquiry.transaction = null;
  }

  auth(facts: AuthFacts): Asked<AuthAnswer> | null {
    const script = this.#scripts.byHook.get("auth");
    if (script === undefined) return null;
    const { mechanism, username, password, state, response } = facts;
    const given = (): HslArray =>
      arrayOf({ mechanism, username: bytesOf(username), password: bytesOf(password), state, response });
    return after(this.#inquiry.ask(script, given), authAnswer);
  }

  /** The client is logged in. */
  loggedIn(mechanism: string, username: string): void {
    this.#connection.learn({ auth: { mechanism, username: bytesOf(username) } });
  }

  mailFrom(address: string, parameters: MailParameters): Asked<Answer<{ sender: string | null }>> | null {
    const transaction = this.#startTransaction();
    const script = this.#scripts.byHook.get("mailfrom");
    if (script === undefined) {
      transaction.begin(address, parameters);
      return null;
    }
    return this.#inquiry.judged(
      script,
      () => senderArguments(address, parameters),
      (run) => {
        const sender = wishedAddress(run, "sender");
        transaction.begin(sender ?? address, parameters);
        return { sender };
      },
    );
  }

  /** `isRelay` says that the engine's own rules take the recipient. */
  rcptTo(rcpt: {
    readonly address: string;
    readonly domain: string;
    readonly parameters: RcptParameters;
    readonly transportId: string;
    readonly isRelay: boolean;
  }): Asked<Answer<{ recipient: string | null; transportId: string | null; mayRelay: boolean }>> | null {
    const found = this.#scripts.rcptto.find(({ domains }) => domains === null || domains.has(rcpt.domain));
    if (found === undefined) return null;
    return this.#inquiry.judged(
      found.script,
      () => recipientArguments(rcpt.address, rcpt),
      (run) => {
        const transportId = run.wish("transportid");
        if (
          transportId !== null &&
          (typeof transportId !== "string" || !this.#runner.hasTransport(transportId))
        )
          throw new Refusal("transportid is no transport");
        const recipient = wishedAddress(run, "recipient");
        if (recipient === "") throw new Refusal("recipient is empty");
        return { recipient, transportId, mayRelay: run.wish("relay") === true };
      },
    );
  }

  /** The recipient was taken. */
  tookRecipient(address: string, parameters: RcptParameters, transportId: string): void {
    this.#transaction?.take(address, parameters, transportId);
  }

  /** A message that nobody spoke: it comes whole, with what is known of its envelope. */
  injected(mail: InjectedFacts): void {
    const transaction = this.#startTransaction();
    transaction.told = mail.told ?? null;
    if (mail.sender !== null) transaction.begin(mail.sender, NO_MAIL);
    for (const address of mail.recipients) this.tookRecipient(address, NO_RCPT, mail.transportId);
  }

  /** The message has to be held until all of it is there. */
  get mustHold(): boolean {
    return this.has("eod") || this.#transaction?.hasSeveralTransports === true;
  }

  /** "" before the first transaction. */
  get transactionId(): string {
    return this.#transaction?.id ?? "";
  }

  /** The envelope with what later scripts learn of this transaction. */
  marked(envelope: Envelope): Envelope {
    const marks = { transaction: this.transactionId, first: 1 };
    const transportId = this.#transaction?.firstTransport ?? envelope.transportId;
    return { ...this.#ranked(envelope), transportId, marks };
  }

  /** What the client says of its mail counts before what the connection has. */
  #ranked(envelope: Envelope): Envelope {
    const { priority = 0 } = this.#connection.facts;
    return priority === 0 || envelope.priority !== undefined ? envelope : { ...envelope, priority };
  }

  endOfData(content: ByteSource, given: Envelope): Asked<EndAnswer> {
    const envelope = this.#ranked(given);
    const script = this.#scripts.byHook.get("eod");
    if (script === undefined) return { kind: "go", copies: this.#asItCame(envelope), reply: null };
    const came = Pieces.over(content);
    const asked = this.#inquiry.ask(script, () => this.#mailArguments(came));
    return asked instanceof Promise
      ? this.#endLater(asked, envelope, came)
      : this.#endAnswer(asked, envelope, came);
  }

  async #endLater(asked: Promise<Verdict>, envelope: Envelope, came: Pieces): Promise<EndAnswer> {
    return this.#endAnswer(await asked, envelope, came);
  }

  #mailArguments(came: Pieces): HslArray {
    const mail = makeMessage(eodMailMessageClass, came);
    const told = this.#transaction?.told ?? null;
    return arrayOf(told === null ? { mail } : { mail, ...told });
  }

  #endAnswer(verdict: Verdict, envelope: Envelope, came: Pieces): EndAnswer {
    if (verdict.kind === "refuse") return verdict;
    if (verdict.kind === "other") throw new Error(`bug: ${verdict.action.kind} is no action of this hook`);
    const { isDecided, reply } = verdict;
    const asked = verdict.wish.copies;
    // A script that says nothing of the message leaves it to the engine; one that accepts has said it all.
    if (!isDecided && asked.length === 0) return { kind: "go", copies: this.#asItCame(envelope), reply };
    const context = { transaction: this.transactionId, clock: this.#runner.clock, came };
    return { kind: "go", copies: copiesAsked(envelope, asked, context), reply };
  }

  disconnect(ending: Ending): void {
    const script = this.#scripts.byHook.get("disconnect");
    if (script !== undefined) void this.#inquiry.ask(script, () => endingArguments(ending));
  }

  get #transaction(): Transaction | null {
    return this.#inquiry.transaction;
  }

  #startTransaction(): Transaction {
    const transaction = new Transaction(this.#runner.clock.now());
    this.#inquiry.transaction = transaction;
    return transaction;
  }

  #asItCame(envelope: Envelope): MailCopy[] {
    return copiesByTransport(envelope, this.#transaction?.transports ?? [], this.transactionId);
  }

  /** Finds the name of the client where a script wants to know it. */
  async #findName(): Promise<void> {
    const { remoteIp } = this.#connection.facts;
    if (!this.#scripts.wantsRemoteName || remoteIp === "") return;
    this.#connection.know({ remoteName: await this.#runner.remoteName(remoteIp) });
  }
}
