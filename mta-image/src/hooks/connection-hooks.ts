/**
 * The hooks of one connection: what the session asks at each phase, and what scripts of the connection share ($connection,
 * $transaction, $context). It keeps the scripts that the connection began with, whatever is reloaded meanwhile. An answer
 * comes at once when its script did not wait. Null means that no script was asked, and costs nothing. Never throws and
 * never rejects: a script that fails is an answer, by the configuration's `onerror`.
 */
import type { Secured } from "../smtp/secured.ts";
import type { Envelope } from "../message/envelope.ts";
import { type MailParameters, NO_MAIL, NO_RCPT, type RcptParameters } from "../smtp/parameters.ts";
import { type Reply, makeReply } from "../smtp/reply.ts";
import type { World } from "../script/context.ts";
import { Refusal } from "../script/error.ts";
import { makeMessage } from "../script/library/mail-message.ts";
import { type ByteSource, Pieces, after } from "../script/mail/pieces.ts";
import { onlyData } from "../script/only-data.ts";
import { type Value, HslArray } from "../script/value.ts";
import { eodMailMessageClass } from "./actions.ts";
import { connectWish } from "./connect-wish.ts";
import { type Ending, endingArguments } from "./ending-tree.ts";
import { HookRun } from "./hook-run.ts";
import { type MailCopy, copiesAsked, copiesByTransport } from "./mail-copy.ts";
import type { Asked, HookRunner } from "./runner.ts";
import type { HookScript, ServerScripts } from "./scripts.ts";
import { type SessionHook, acceptances } from "./stages.ts";
import { type Branch, arrayOf, bytesOf, listOf, textOf } from "./texts.ts";
import { Transaction } from "./transaction.ts";
import {
  type ConnectionFacts,
  connectArguments,
  connectionTree,
  recipientArguments,
  senderArguments,
  tlsTree,
} from "./trees.ts";
import { type Answer, type Verdict, afterFailure, judge, wishedAddress, wordsOf } from "./verdict.ts";
import { challengeOf, replyOf } from "./wording.ts";

export interface AuthFacts {
  readonly mechanism: string;
  /** "" for mechanisms that the engine does not know. */
  readonly username: string;
  readonly password: string;
  /** How often the script has asked back. */
  readonly state: number;
  /** The client's line, base64. */
  readonly response: string;
}

export type AuthAnswer =
  | Answer<{ readonly username: string | null }>
  /** 334: the client's next line is for the script. */
  | { readonly kind: "ask"; readonly reply: Reply };

export type EndAnswer =
  /** What is stored. */
  | { readonly kind: "go"; readonly copies: readonly MailCopy[]; readonly reply: Reply | null }
  | { readonly kind: "refuse"; readonly reply: Reply };

export type ProxyAnswer =
  | { readonly kind: "pass"; readonly command: string | null }
  | { readonly kind: "reply"; readonly reply: Reply };

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
  #facts: ConnectionFacts;
  readonly #world: World;
  /** $connection as the next script sees it; null when it is to be made. */
  #connection: HslArray | null = null;
  /** What of it the conversation brought, in this order. */
  #learnt: Branch = {};
  #transaction: Transaction | null = null;
  #told: InjectedFacts["told"] | null = null;
  #context: Value = null;

  constructor(scripts: ServerScripts, runner: HookRunner, facts: ConnectionFacts) {
    this.#scripts = scripts;
    this.#runner = runner;
    this.#facts = facts;
    this.#world = runner.world({ session: facts.id }, () => this.#transaction?.id ?? null);
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
    return this.#judged(
      script,
      () => connectArguments(this.#facts),
      (run) => {
        const { remoteIp, name, priority } = connectWish(run);
        if (priority !== null) this.#knowFacts({ priority });
        if (remoteIp !== null) this.#knowFacts({ remoteIp });
        const result = this.#facts.remoteName?.result ?? new HslArray();
        if (name !== null) this.#knowFacts({ remoteName: { name, result } });
        return { remoteIp };
      },
    );
  }

  proxy(command: string): Asked<ProxyAnswer> | null {
    const script = this.#scripts.byHook.get("proxy");
    if (script === undefined) return null;
    return after(
      this.#ask(script, () => arrayOf({ command })),
      (answer): ProxyAnswer => {
        if (answer.kind === "refuse") return { kind: "reply", reply: answer.reply };
        if (answer.kind === "go") return { kind: "pass", command: null };
        const { kind, options } = answer.action;
        if (kind === "reply") return { kind: "reply", reply: replyOf(answer.action, acceptances.proxy) };
        const changed = options?.get("command") ?? null;
        return { kind: "pass", command: typeof changed === "string" ? changed : null };
      },
    );
  }

  hello(hello: {
    readonly verb: "HELO" | "EHLO";
    readonly host: string;
    readonly extensions: readonly string[];
  }): Asked<Answer<{ host: string | null; extensions: readonly string[] | null }>> | null {
    const { verb, host, extensions } = hello;
    const script = this.#scripts.byHook.get("helo");
    const known = (name: string): void => this.#learn({ helo: { verb, host: name } });
    if (script === undefined) {
      known(host);
      return null;
    }
    const given = (): HslArray => arrayOf({ verb, host, extensions: listOf(extensions) });
    return this.#judged(script, given, (run) => {
      const name = run.wish("host");
      if (name !== null && (typeof name !== "string" || !/^[\x21-\x7e]{1,255}$/.test(name)))
        throw new Refusal("host is no name");
      known(name ?? host);
      return { host: name, extensions: wordsOf(run.wish("extensions")) };
    });
  }

  /** TLS is on: what was known of the conversation before is forgotten. */
  secured(secured: Secured): void {
    this.#learnt = {};
    this.#learn({ tls: () => tlsTree(secured) });
    this.#transaction = null;
  }

  auth(facts: AuthFacts): Asked<AuthAnswer> | null {
    const script = this.#scripts.byHook.get("auth");
    if (script === undefined) return null;
    const { mechanism, username, password, state, response } = facts;
    const given = (): HslArray =>
      arrayOf({ mechanism, username: bytesOf(username), password: bytesOf(password), state, response });
    return after(this.#ask(script, given), (answer): AuthAnswer => {
      if (answer.kind === "refuse") return answer;
      if (answer.kind === "go") {
        const name = answer.wish.wish("username");
        return { ...answer, wish: { username: typeof name === "string" ? textOf(name) : null } };
      }
      return { kind: "ask", reply: makeReply(334, "", challengeOf(answer.action.reason)) };
    });
  }

  /** The client is logged in. */
  loggedIn(mechanism: string, username: string): void {
    this.#learn({ auth: { mechanism, username: bytesOf(username) } });
  }

  mailFrom(address: string, parameters: MailParameters): Asked<Answer<{ sender: string | null }>> | null {
    const transaction = this.#startTransaction();
    const script = this.#scripts.byHook.get("mailfrom");
    if (script === undefined) {
      transaction.begin(address, parameters);
      return null;
    }
    return this.#judged(
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
    return this.#judged(
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
    this.#told = mail.told ?? null;
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
    const { priority = 0 } = this.#facts;
    return priority === 0 || envelope.priority !== undefined ? envelope : { ...envelope, priority };
  }

  endOfData(content: ByteSource, given: Envelope): Asked<EndAnswer> {
    const envelope = this.#ranked(given);
    const script = this.#scripts.byHook.get("eod");
    const transaction = this.transactionId;
    if (script === undefined) return { kind: "go", copies: this.#asItCame(envelope), reply: null };
    const came = Pieces.over(content);
    const told = (): HslArray => {
      const mail = makeMessage(eodMailMessageClass, came);
      return arrayOf(this.#told === null ? { mail } : { mail, ...this.#told });
    };
    return after(this.#ask(script, told, transaction), (answer): EndAnswer => {
      if (answer.kind === "refuse") return answer;
      if (answer.kind === "other") throw new Error(`bug: ${answer.action.kind} is no action of this hook`);
      const { isDecided, reply } = answer;
      const asked = answer.wish.copies;
      // A script that says nothing of the message leaves it to the engine; one that accepts has said it all.
      if (!isDecided && asked.length === 0) return { kind: "go", copies: this.#asItCame(envelope), reply };
      const now = this.#runner.clock.now();
      return { kind: "go", copies: copiesAsked(envelope, asked, { transaction, now, came }), reply };
    });
  }

  disconnect(ending: Ending): void {
    const script = this.#scripts.byHook.get("disconnect");
    if (script !== undefined) void this.#ask(script, () => endingArguments(ending));
  }

  #startTransaction(): Transaction {
    const transaction = new Transaction(this.#runner.clock.now());
    this.#transaction = transaction;
    return transaction;
  }

  #asItCame(envelope: Envelope): MailCopy[] {
    return copiesByTransport(envelope, this.#transaction?.transports ?? [], this.transactionId);
  }

  /** Finds the name of the client where a script wants to know it. */
  async #findName(): Promise<void> {
    const { remoteIp } = this.#facts;
    if (!this.#scripts.wantsRemoteName || remoteIp === "") return;
    this.#knowFacts({ remoteName: await this.#runner.remoteName(remoteIp) });
  }

  #knowFacts(facts: Partial<ConnectionFacts>): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#connection = null;
  }

  #learn(what: Branch): void {
    this.#learnt = { ...this.#learnt, ...what };
    this.#connection = null;
  }

  /** For hooks whose scripts only accept and refuse. Wishes that make no sense count as a failure of the script. */
  #judged<W>(script: HookScript, given: () => HslArray, wishOf: (run: HookRun) => W): Asked<Answer<W>> {
    return after(this.#ask(script, given), (answer) => {
      if (answer.kind === "refuse") return answer;
      if (answer.kind === "other") throw new Error(`bug: ${answer.action.kind} is no action of this hook`);
      try {
        return { ...answer, wish: wishOf(answer.wish) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#runner.complain(script, error.message);
        const after = afterFailure(script);
        return after.kind === "refuse" ? after : { ...after, wish: wishOf(after.wish) };
      }
    });
  }

  /** Only what the script names is made. */
  #ask(script: HookScript, given: () => HslArray, transactionId = ""): Asked<Verdict> {
    const { used } = script.compiled;
    if (used.has("connection")) this.#connection ??= connectionTree(this.#facts, this.#learnt);
    const variables = {
      arguments: used.has("arguments") ? given() : null,
      connection: this.#connection,
      transaction: used.has("transaction") ? (this.#transaction?.tree ?? new HslArray()) : null,
      context: this.#context,
    };
    const run = new HookRun(script.hook, transactionId);
    return after(this.#runner.run(script, run, { world: this.#world, variables }), (outcome) => {
      if (outcome.error !== null) return afterFailure(script);
      if (used.has("context")) this.#context = onlyData(outcome.variable("context"));
      return judge(script, run);
    });
  }
}
