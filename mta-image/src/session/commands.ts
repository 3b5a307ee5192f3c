/**
 * The commands of one conversation, up to the reply to a message: what each asks of the transaction, the login, the
 * screening and the content, and what it counts. It knows no socket: the session parses lines, gives commands here,
 * and is asked for the floor (`Floor`) to reply, to wait and to read content. Never throws for what a client sends.
 */
import type { Secured } from "../smtp/secured.ts";
import type { ConnectionHooks } from "../hooks/connection-hooks.ts";
import type { Command } from "../smtp/command.ts";
import type { NamedClient } from "../smtp/xclient.ts";
import { type Reply, makeReply, replies } from "../smtp/reply.ts";
import type { Traced } from "../trace/traced.ts";
import { filter, isFiltered } from "./command-filter.ts";
import { Content } from "./content.ts";
import { type MailEnd, countMessage } from "./counters.ts";
import type { Floor } from "./floor.ts";
import type { Flow } from "./flow.ts";
import type { IncomingMail } from "./incoming-mail.ts";
import { Login } from "./login.ts";
import type { SessionNeighbours, SessionSettings } from "./options.ts";
import { type ClientFacts, messageOf } from "./origin.ts";
import { Patience } from "./patience.ts";
import type { Screening } from "./screening.ts";
import { Transaction } from "./transaction.ts";

export interface CommandsOptions {
  readonly settings: SessionSettings;
  readonly near: SessionNeighbours;
  readonly client: Omit<ClientFacts, "serverId" | "tls" | "isLoggedIn">;
  readonly mayRelay: boolean;
  readonly maySpeakForOthers: boolean;
  /** TLS was on before this client was named. */
  readonly tls: string | null;
  /** What whoever named the client knew of it; empty for one that came by itself. */
  readonly named: NamedClient;
  readonly screening: Screening;
  /** Null where the server has no scripts. */
  readonly hooks: ConnectionHooks | null;
  readonly flow: Flow;
  readonly traced: Traced;
  readonly floor: Floor;
}

type Of<K extends Command["kind"]> = Extract<Command, { kind: K }>;
type Special = "foreign" | "data" | "bdat" | "startTls" | "auth" | "xclient";

export class Commands {
  readonly #options: CommandsOptions;
  readonly #patience: Patience;
  readonly #login: Login;
  readonly #content: Content;
  #transaction: Transaction;
  /** Cipher description, or null in the clear. */
  #tls: string | null;
  /** In place of the usual greeting. */
  banner: Reply | null = null;
  /** As a script wants it to be known; the client's own address when it does not. */
  #remoteIp: string;

  constructor(options: CommandsOptions) {
    const { settings, near, screening, flow, traced, hooks } = options;
    this.#options = options;
    this.#tls = options.tls;
    const { remoteIp } = options.client;
    this.#remoteIp = remoteIp;
    this.#patience = new Patience(settings);
    this.#login = new Login({
      credentials: settings.credentials,
      script: hooks?.has("auth") === true ? (facts) => hooks.auth(facts) : null,
      guard: {
        isBarred: () => near.loginGuard.isBarred(remoteIp),
        failed: () => near.loginGuard.failed(remoteIp),
        succeeded: () => near.loginGuard.succeeded(remoteIp),
      },
    });
    this.#transaction = this.#newTransaction();
    this.#transaction.assume(options.named);
    this.#content = new Content({
      intake: screening.intake,
      clock: near.clock,
      flow,
      traced,
      maxBytes: settings.maxSizeBytes,
      owner: {
        answerChunk: (reply, { isOver }) => this.#answerChunk(reply, isOver),
        commit: (mail) => this.#commit(mail),
      },
    });
  }

  /** MAIL was accepted and its message is not decided yet. */
  get isInMail(): boolean {
    return this.#transaction.isOpen;
  }

  /** The client said EHLO: it may send ahead. */
  get isExtended(): boolean {
    return this.#transaction.isExtended;
  }

  /** The next line is an answer and no command. */
  get isAsking(): boolean {
    return this.#login.isAsking;
  }

  /** Reads content from `start` on; returns the offset behind what was read. */
  readContent(data: Buffer, start: number): number {
    return this.#content.read(data, start);
  }

  /** What is wrong with the pace of a client that is sending content, or null. */
  judgePace(now: number, idleTimeoutMs: number): Reply | null {
    return this.#content.judgePace(now, idleTimeoutMs);
  }

  /** Forgets a message on its way. A commit under way goes on: the spool alone decides about its message. */
  abort(): void {
    this.#content.abort();
  }

  /** TLS is on: everything said in the clear is forgotten (RFC 3207 4.2). */
  secured(secured: Secured): void {
    this.#tls = secured.description;
    this.#transaction = this.#newTransaction();
    this.#options.hooks?.secured(secured);
  }

  /** Before the greeting: what to say instead; null when nobody is asked. */
  welcome(): Promise<Reply | null> | null {
    const { screening, hooks } = this.#options;
    const screened = screening.connect();
    if (hooks?.isAskedAtConnect !== true) return screened;
    return Promise.resolve(screened).then((refusal) => refusal ?? this.#askAtConnect(hooks));
  }

  async #askAtConnect(hooks: ConnectionHooks): Promise<Reply | null> {
    const answer = await hooks.connect();
    if (answer === null) return null;
    if (answer.kind === "refuse") {
      this.#options.near.counters.refusedConnections++;
      return answer.reply;
    }
    this.banner = answer.reply;
    this.#remoteIp = answer.wish.remoteIp ?? this.#remoteIp;
    return null;
  }

  /** A line that a script sees before it is run as the command that it is, or as another. */
  runAsked(line: string, command: Command): void {
    const asked = isFiltered(command) ? (this.#options.hooks?.proxy(line) ?? null) : null;
    if (asked === null) return this.run(command);
    this.#when(asked, (answer) => {
      const filtered = filter(line, command, answer);
      if (filtered.kind === "run") this.run(filtered.command);
      else if (filtered.kind === "skip") this.#skipChunk(filtered.chunk, filtered.reply);
      else if (filtered.reply.code < 400 && this.#patience.endsWithIdle())
        this.#options.floor.say(replies.tooManyErrors);
      else this.#answer(filtered.reply);
    });
  }

  run(command: Command): void {
    const { near, floor } = this.#options;
    if (this.#runSpecial(command)) return;
    if (command.kind === "mail" && !near.accepting()) return floor.say(replies.notTakingMail);
    if (command.kind === "rcpt") return this.#runRcpt(command);
    const reply = this.#transaction.handle(command);
    if (!this.#transaction.isOpen) this.#content.abort();
    if (reply.code >= 400) return this.#refuse(reply);
    if (command.kind === "mail") return this.#answerMail(command, reply);
    if (this.#patience.endsWithIdle()) return floor.say(replies.tooManyErrors);
    if (command.kind === "hello") this.#answerHello(command, reply);
    else floor.say(reply);
  }

  #runRcpt(command: Of<"rcpt">): void {
    const { settings, hooks } = this.#options;
    if (this.#content.hasChunks) return this.#refuse(replies.inChunks);
    const fault = this.#transaction.recipientFault(command);
    const isAboutRelay = fault === replies.relayDenied || fault === replies.noPostmaster;
    if (hooks?.isAskedAtRcpt !== true || (fault !== null && !isAboutRelay))
      return this.#takeRcpt(command, fault, null);
    const { path, parameters } = command;
    const rcpt = { address: path.address, domain: path.domain, parameters, isRelay: fault === null };
    const asked = hooks.rcptTo({ ...rcpt, transportId: settings.transportId });
    if (asked === null) return this.#takeRcpt(command, fault, null);
    this.#when(asked, (answer) => {
      if (answer.kind === "refuse") return this.#takeRcpt(command, answer.reply, null);
      this.#takeRcpt(command, answer.wish.mayRelay ? null : fault, answer);
    });
  }

  #takeRcpt(command: Of<"rcpt">, fault: Reply | null, answer: RecipientAnswer | null): void {
    const { near, settings, hooks, floor } = this.#options;
    if (fault !== null) {
      near.counters.refusedRecipients++;
      return this.#refuse(fault);
    }
    const address = answer?.wish.recipient ?? command.path.address;
    this.#transaction.takeRecipient(address, command.parameters);
    hooks?.tookRecipient(address, command.parameters, answer?.wish.transportId ?? settings.transportId);
    floor.say(answer?.reply ?? replies.rcptOk);
  }

  #answerHello({ extended, name: host }: Of<"hello">, reply: Reply): void {
    const { hooks, floor, settings } = this.#options;
    const extensions = extended && hooks?.has("helo") === true ? this.#transaction.extensions : [];
    const asked = hooks?.hello({ verb: extended ? "EHLO" : "HELO", host, extensions }) ?? null;
    if (asked === null) return floor.say(reply);
    this.#when(asked, (answer) => {
      if (answer.kind === "refuse") {
        this.#transaction.forgetHello();
        return this.#refuse(answer.reply);
      }
      const { wish } = answer;
      this.#transaction.heloName = wish.host ?? host;
      const lines = extended && wish.extensions !== null ? [settings.hostname, ...wish.extensions] : null;
      floor.say(lines === null ? (answer.reply ?? reply) : makeReply(250, "", lines));
    });
  }

  /** A line of an exchange that AUTH began; `fault` is what is wrong with its form. */
  answer(line: string, fault: Reply | null): void {
    if (fault === null) return this.#followLogin(this.#login.answer(line));
    this.#login.cancel();
    this.#answer(fault);
  }

  #newTransaction(): Transaction {
    const { settings, near, mayRelay } = this.#options;
    return new Transaction(settings, {
      mayRelay,
      isSecure: this.#tls !== null,
      maySpeakForOthers: this.#options.maySpeakForOthers,
      now: () => near.clock.now(),
    });
  }

  #answerMail(command: Of<"mail">, reply: Reply): void {
    const { screening } = this.#options;
    const asked = screening.mailFrom(this.#transaction.heloName, command.path.address);
    if (asked === null) return this.#askAtMail(command, reply);
    this.#when(asked, (refusal) => {
      if (refusal === null) return this.#askAtMail(command, reply);
      this.#transaction.reset();
      this.#answer(refusal);
    });
  }

  #askAtMail({ path, parameters }: Of<"mail">, reply: Reply): void {
    const { hooks, floor } = this.#options;
    const asked = hooks?.mailFrom(path.address, parameters) ?? null;
    if (asked === null) return floor.say(reply);
    this.#when(asked, (answer) => {
      if (answer.kind === "refuse") {
        this.#transaction.reset();
        return this.#answer(answer.reply);
      }
      if (answer.wish.sender !== null) this.#transaction.changeSender(answer.wish.sender);
      floor.say(answer.reply ?? reply);
    });
  }

  /** Goes on at once where nobody has to be waited for. */
  #when<T>(asked: T | Promise<T>, then: (value: T) => void): void {
    if (!(asked instanceof Promise)) return then(asked);
    this.#options.floor.wait(asked, (value) => {
      this.#content.excuse();
      then(value);
    });
  }

  /** Commands that change what the next bytes mean, or end the conversation. */
  #runSpecial(command: Command): command is Extract<Command, { kind: Special }> {
    if (command.kind === "foreign") this.#options.floor.say(replies.notSmtp);
    else if (command.kind === "data") this.#startData();
    else if (command.kind === "bdat") this.#startChunk(command);
    else if (command.kind === "startTls") this.#startTls();
    else if (command.kind === "xclient") this.#takeName(command.client);
    else if (command.kind === "auth") this.#followLogin(this.#login.start(command, this.#transaction));
    else return false;
    return true;
  }

  /** A new conversation begins, with the client that was named. */
  #takeName(client: NamedClient): void {
    const { floor, maySpeakForOthers } = this.#options;
    if (!maySpeakForOthers) return this.#refuse(replies.notTrusted);
    if (this.#transaction.isOpen) return this.#refuse(replies.nestedMail);
    floor.become(client);
  }

  #followLogin(said: Reply | Promise<Reply>): void {
    if (!(said instanceof Promise)) return this.#answer(said);
    const { floor } = this.#options;
    floor.wait(
      said.then((reply) => this.#admit(reply)),
      (reply) => this.#answer(reply),
    );
  }

  /** Who has shown its password may still be refused for where it comes from. */
  async #admit(reply: Reply): Promise<Reply> {
    if (reply !== replies.authOk) return reply;
    this.#options.hooks?.loggedIn(this.#login.mechanism, this.#login.login ?? "");
    return (await this.#options.screening.authenticated()) ?? reply;
  }

  #answer(reply: Reply): void {
    if (reply === replies.authOk) this.#transaction.logIn();
    if (reply.code >= 400) this.#refuse(reply);
    else this.#options.floor.say(reply);
  }

  #refuse(reply: Reply): void {
    const { near, floor } = this.#options;
    near.counters.refusedCommands++;
    floor.say(reply);
    if (this.#patience.endsWith(reply)) floor.say(replies.tooManyErrors);
  }

  #startTls(): void {
    const { settings, floor } = this.#options;
    if (this.#tls !== null) return this.#refuse(replies.alreadyTls);
    if (settings.tls === null) return this.#refuse(replies.noTls);
    floor.say(replies.startTls);
    floor.startTls();
  }

  #startData(): void {
    const { floor } = this.#options;
    const refusal = this.#transaction.dataRefusal ?? (this.#content.hasChunks ? replies.inChunks : null);
    if (refusal !== null) return this.#refuse(refusal);
    this.#content.startData(this.#message());
    floor.read("content");
    floor.say(replies.sendData);
  }

  /** The bytes of a chunk follow whatever we make of it (RFC 3030 2). */
  #startChunk(chunk: { size: number; isLast: boolean }): void {
    this.#options.floor.read("content");
    const refusal = this.#transaction.dataRefusal;
    if (refusal === null) this.#content.startChunk(chunk, this.#message());
    else this.#content.refuseChunk(chunk, refusal);
  }

  #skipChunk(chunk: Of<"bdat">, reply: Reply): void {
    this.#content.abort();
    this.#transaction.reset();
    if (reply.hangUp) return this.#refuse(reply);
    this.#options.floor.read("content");
    this.#content.refuseChunk(chunk, reply);
  }

  #answerChunk(reply: Reply, isOver: boolean): void {
    this.#options.floor.read("commands");
    if (isOver) {
      this.#transaction.reset();
      this.#options.near.counters.refusedMessages++;
    }
    this.#answer(reply);
  }

  #message(): ReturnType<typeof messageOf> {
    const { settings, client } = this.#options;
    const isLoggedIn = this.#login.login !== null;
    return messageOf(this.#transaction, {
      ...client,
      remoteIp: this.#remoteIp,
      serverId: settings.serverId,
      tls: this.#tls,
      isLoggedIn,
    });
  }

  #commit(mail: IncomingMail): void {
    const { floor } = this.#options;
    const finished = mail.commit().then(({ reply, end }) => {
      this.#finish(mail, end);
      return reply;
    });
    floor.wait(finished, (reply) => floor.say(reply));
  }

  /** Counts, and forgets the transaction, also when nobody waits for the reply any more. */
  #finish(mail: IncomingMail, end: MailEnd): void {
    const recipients = this.#transaction.recipientCount;
    countMessage(this.#options.near.counters, { bytes: mail.bytes, recipients, end });
    if (end === "accepted") this.#patience.renew();
    this.#transaction.reset();
    this.#content.forget();
  }
}

type RecipientAnswer = Extract<Awaited<NonNullable<ReturnType<ConnectionHooks["rcptTo"]>>>, { kind: "go" }>;
