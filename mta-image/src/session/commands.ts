/**
 * The commands of one conversation: each goes to whoever knows what it asks for (introduction, envelope, content, login), perhaps
 * after a script has seen it. It knows no socket: the session parses lines, gives commands here, and is asked for the floor
 * (`Floor`) to reply, to wait and to read content. Never throws for what a client sends.
 */
import type { ConnectionHooks } from "../hooks/connection-hooks.ts";
import type { Command, CommandOf } from "../smtp/command.ts";
import { type Reply, replies } from "../smtp/reply.ts";
import type { Secured } from "../smtp/secured.ts";
import type { NamedClient } from "../smtp/xclient.ts";
import type { Traced } from "../trace/traced.ts";
import { Answers } from "./answers.ts";
import { filter, isFiltered } from "./command-filter.ts";
import { ContentCommands } from "./content-commands.ts";
import { EnvelopeCommands } from "./envelope-commands.ts";
import type { Floor } from "./floor.ts";
import type { Flow } from "./flow.ts";
import { Introduction } from "./introduction.ts";
import { LoginCommands } from "./login-commands.ts";
import type { SessionNeighbours, SessionSettings } from "./options.ts";
import type { ClientFacts } from "./origin.ts";
import { Patience } from "./patience.ts";
import type { Screening } from "./screening.ts";
import { Transaction } from "./transaction.ts";

export interface CommandsOptions {
  readonly settings: SessionSettings;
  readonly near: SessionNeighbours;
  readonly client: ClientFacts;
  readonly mayRelay: boolean;
  readonly maySpeakForOthers: boolean;
  /** What whoever named the client knew of it; empty for one that came by itself. */
  readonly named: NamedClient;
  readonly screening: Screening;
  /** Null where the server has no scripts. */
  readonly hooks: ConnectionHooks | null;
  readonly flow: Flow;
  readonly traced: Traced;
  readonly floor: Floor;
}

export class Commands {
  readonly #options: CommandsOptions;
  readonly #answers: Answers;
  readonly #transaction: Transaction;
  readonly #introduction: Introduction;
  readonly #envelope: EnvelopeCommands;
  readonly #content: ContentCommands;
  readonly #login: LoginCommands;

  constructor(options: CommandsOptions) {
    const { settings, near, client, screening, hooks, flow, traced, floor } = options;
    const { clock, counters, loginGuard: guard } = near;
    const { transportId, hostname, credentials, maxSizeBytes: maxBytes } = settings;
    const { remoteIp } = client;
    const answers = new Answers(floor, counters, new Patience(settings));
    const transaction = openTransaction(options);
    const content = new ContentCommands({
      ...{ clock, counters, flow, traced, maxBytes, client, transaction, answers, floor },
      intake: screening.intake,
    });
    this.#options = options;
    this.#answers = answers;
    this.#transaction = transaction;
    this.#content = content;
    const shared = { screening, hooks, transaction, answers };
    this.#introduction = new Introduction({ ...shared, hostname, counters, client });
    this.#envelope = new EnvelopeCommands({ ...shared, near, transportId, content });
    this.#login = new LoginCommands({ ...shared, credentials, guard, remoteIp });
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

  get introduction(): Introduction {
    return this.#introduction;
  }

  get content(): ContentCommands {
    return this.#content;
  }

  /** TLS is on: everything said in the clear is forgotten (RFC 3207 4.2). */
  secured(secured: Secured): void {
    const { client, hooks } = this.#options;
    client.tls = secured.description;
    this.#transaction.secured();
    hooks?.secured(secured);
  }

  /** A line that a script sees before it is run as the command that it is, or as another. */
  runAsked(line: string, command: Command): void {
    const asked = isFiltered(command) ? (this.#options.hooks?.proxy(line) ?? null) : null;
    if (asked === null) return this.run(command);
    this.#answers.when(asked, (answer) => {
      const filtered = filter(line, command, answer);
      if (filtered.kind === "run") this.run(filtered.command);
      else if (filtered.kind === "skip") this.#content.skipChunk(filtered.chunk, filtered.reply);
      else if (filtered.reply.code >= 400 || !this.#answers.endsWithIdle())
        this.#answers.give(filtered.reply);
    });
  }

  run(command: Command): void {
    switch (command.kind) {
      case "rcpt":
        return this.#envelope.rcpt(command);
      case "mail":
        return this.#envelope.mail(command);
      case "data":
        return this.#content.startData();
      case "bdat":
        return this.#content.startChunk(command);
      case "startTls":
        return this.#startTls();
      case "auth":
        return this.#login.start(command);
      case "xclient":
        return this.#takeName(command.client);
      case "foreign":
        return this.#answers.say(replies.notSmtp);
      default:
        return this.#runIdle(command);
    }
  }

  /** A line of an exchange that AUTH began; `fault` is what is wrong with its form. */
  answer(line: string, fault: Reply | null): void {
    this.#login.answer(line, fault);
  }

  /** Commands that bring mail no further. */
  #runIdle(command: CommandOf<"hello" | "rset" | "noop" | "quit" | "verify" | "help" | "refused">): void {
    const reply = this.#transaction.handle(command);
    if (!this.#transaction.isOpen) this.#content.abort();
    if (command.kind === "rset" || command.kind === "hello") this.#options.hooks?.forgetTransaction();
    if (reply.code >= 400) return this.#answers.refuse(reply);
    if (this.#answers.endsWithIdle()) return;
    if (command.kind === "hello") this.#introduction.hello(command, reply);
    else this.#answers.say(reply);
  }

  /** A new conversation begins, with the client that was named. */
  #takeName(client: NamedClient): void {
    const { floor, maySpeakForOthers } = this.#options;
    if (!maySpeakForOthers) return this.#answers.refuse(replies.notTrusted);
    if (this.#transaction.isOpen) return this.#answers.refuse(replies.nestedMail);
    floor.become(client);
  }

  #startTls(): void {
    const { settings, floor } = this.#options;
    if (this.#transaction.isSecure) return this.#answers.refuse(replies.alreadyTls);
    if (settings.tls === null) return this.#answers.refuse(replies.noTls);
    floor.say(replies.startTls);
    floor.startTls();
  }
}

/** With what whoever named the client has said for it. */
function openTransaction(options: CommandsOptions): Transaction {
  const { settings, near, client, mayRelay, maySpeakForOthers, named, hooks } = options;
  const transaction = new Transaction(settings, {
    mayRelay,
    isSecure: client.tls !== null,
    maySpeakForOthers,
    now: () => near.clock.now(),
  });
  transaction.assume(named);
  // As Postfix calls such a login.
  if (named.login !== undefined) hooks?.loggedIn("XCLIENT", named.login);
  return transaction;
}
