/**
 * The commands of one conversation, up to the reply to a message: what each asks of the transaction, the login, the
 * screening and the content, and what it counts. It knows no socket: the session parses lines, gives commands here,
 * and is asked for the floor (`Floor`) to reply, to wait and to read content. Never throws for what a client sends.
 */
import type { Command } from "../smtp/command.ts";
import { type Reply, replies } from "../smtp/reply.ts";
import { Content } from "./content.ts";
import { countMessage } from "./counters.ts";
import type { Flow } from "./flow.ts";
import type { IncomingMail } from "./incoming-mail.ts";
import { Login } from "./login.ts";
import type { SessionNeighbours, SessionSettings } from "./options.ts";
import { type ClientFacts, messageOf } from "./origin.ts";
import { Patience } from "./patience.ts";
import type { Screening } from "./screening.ts";
import { Transaction } from "./transaction.ts";

/** What commands may do with the connection. */
export interface Floor {
  /** One that hangs up ends everything after its bytes. */
  say(reply: Reply): void;
  /** Nothing more is read until the promise is there; `then` is left out when the client has gone. */
  wait<T>(asked: Promise<T>, then: (value: T) => void): void;
  /** What the next bytes are. */
  read(what: "commands" | "content"): void;
  /** The 220 was said. */
  startTls(): void;
}

export interface CommandsOptions {
  readonly settings: SessionSettings;
  readonly near: SessionNeighbours;
  readonly client: Omit<ClientFacts, "serverId" | "tls" | "isLoggedIn">;
  readonly mayRelay: boolean;
  readonly screening: Screening;
  readonly flow: Flow;
  readonly floor: Floor;
}

type Special = "foreign" | "data" | "bdat" | "startTls" | "auth";

export class Commands {
  readonly #options: CommandsOptions;
  readonly #patience: Patience;
  readonly #login: Login;
  readonly #content: Content;
  #transaction: Transaction;
  #tls: string | null = null;

  constructor(options: CommandsOptions) {
    const { settings, near, screening, flow } = options;
    this.#options = options;
    this.#patience = new Patience(settings);
    this.#login = new Login(settings.credentials);
    this.#transaction = this.#newTransaction();
    this.#content = new Content({
      intake: screening.intake,
      clock: near.clock,
      flow,
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
  secured(description: string): void {
    this.#tls = description;
    this.#transaction = this.#newTransaction();
  }

  run(command: Command): void {
    const { near, floor } = this.#options;
    if (this.#runSpecial(command)) return;
    if (command.kind === "mail" && !near.accepting()) return floor.say(replies.notTakingMail);
    if (command.kind === "rcpt" && this.#content.hasChunks) return this.#refuse(replies.inChunks);
    const reply = this.#transaction.handle(command);
    if (!this.#transaction.isOpen) this.#content.abort();
    if (reply.code >= 400) {
      if (command.kind === "rcpt") near.counters.refusedRecipients++;
      return this.#refuse(reply);
    }
    const isProgress = command.kind === "mail" || command.kind === "rcpt";
    if (!isProgress && this.#patience.endsWithIdle()) return floor.say(replies.tooManyErrors);
    if (command.kind === "mail") this.#answerMail(command.path.address, reply);
    else floor.say(reply);
  }

  /** A line of an exchange that AUTH began; `fault` is what is wrong with its form. */
  answer(line: string, fault: Reply | null): void {
    if (fault === null) return this.#followLogin(this.#login.answer(line));
    this.#login.cancel();
    this.#answer(fault);
  }

  #newTransaction(): Transaction {
    const { settings, mayRelay } = this.#options;
    return new Transaction(settings, { mayRelay, isSecure: this.#tls !== null });
  }

  #answerMail(sender: string, reply: Reply): void {
    const { screening, floor } = this.#options;
    const asked = screening.mailFrom(this.#transaction.heloName, sender);
    if (asked === null) return floor.say(reply);
    floor.wait(asked, (refusal) => {
      if (refusal !== null) this.#transaction.reset();
      this.#answer(refusal ?? reply);
    });
  }

  /** Commands that change what the next bytes mean, or end the conversation. */
  #runSpecial(command: Command): command is Extract<Command, { kind: Special }> {
    if (command.kind === "foreign") this.#options.floor.say(replies.notSmtp);
    else if (command.kind === "data") this.#startData();
    else if (command.kind === "bdat") this.#startChunk(command);
    else if (command.kind === "startTls") this.#startTls();
    else if (command.kind === "auth") this.#followLogin(this.#login.start(command, this.#transaction));
    else return false;
    return true;
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
      serverId: settings.serverId,
      tls: this.#tls,
      isLoggedIn,
    });
  }

  #commit(mail: IncomingMail): void {
    const { floor } = this.#options;
    const finished = mail.commit().then(({ reply, isAccepted }) => {
      this.#finish(mail, isAccepted);
      return reply;
    });
    floor.wait(finished, (reply) => floor.say(reply));
  }

  /** Counts, and forgets the transaction, also when nobody waits for the reply any more. */
  #finish(mail: IncomingMail, isAccepted: boolean): void {
    const { counters } = this.#options.near;
    countMessage(counters, mail.bytes, isAccepted ? this.#transaction.recipientCount : 0);
    if (isAccepted) this.#patience.renew();
    this.#transaction.reset();
    this.#content.forget();
  }
}
