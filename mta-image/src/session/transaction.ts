/**
 * What has been said so far, and what each command makes of it. No socket, no waiting and nobody to ask: a command
 * comes in and its reply goes out. RCPT, about which a script may be asked in between, comes in two steps; commands that
 * change what the next bytes mean come from commands.ts to others. Never throws for what a client sends.
 *
 * Order (RFC 5321 4.1.4): EHLO/HELO, then MAIL, RCPT (one or more), DATA. EHLO and RSET forget the
 * transaction; STARTTLS forgets everything (RFC 3207 4.2).
 */
import { assert, unreachable } from "#base/assert.ts";

import type { Envelope } from "../message/envelope.ts";
import type { RecipientWishes } from "../message/notice-wishes.ts";
import type { CommandOf } from "../smtp/command.ts";
import type { MailParameters } from "../smtp/parameters.ts";
import { type Reply, makeReply, replies } from "../smtp/reply.ts";
import { type NamedClient, xclientNames } from "../smtp/xclient.ts";
import { checkRecipient } from "./access.ts";
import { helloReply } from "./hello-reply.ts";
import type { SessionSettings } from "./options.ts";
import { type Timing, timingKeywords, timingOf } from "./timing.ts";

export interface TransactionOptions {
  readonly mayRelay: boolean;
  readonly isSecure: boolean;
  /** By XCLIENT. */
  readonly maySpeakForOthers: boolean;
  /** Wall-clock ms. */
  readonly now: () => number;
}

export class Transaction {
  readonly #settings: SessionSettings;
  /** It may send anywhere for where it comes from. */
  readonly #isTrusted: boolean;
  /** The client has shown who it is, or whoever named it vouches for that: it may send anywhere. */
  isLoggedIn = false;
  isSecure: boolean;
  readonly #now: () => number;
  readonly #maySpeakForOthers: boolean;
  heloName = "";
  isExtended = false;
  #sender: {
    readonly address: string;
    readonly parameters: MailParameters;
    readonly timing: Timing;
  } | null = null;
  #recipients: string[] = [];
  /** By recipient; null for those of whom nothing was said. */
  #wishes: (RecipientWishes | null)[] = [];

  constructor(settings: SessionSettings, options: TransactionOptions) {
    this.#settings = settings;
    this.#isTrusted = options.mayRelay;
    this.isSecure = options.isSecure;
    this.#now = options.now;
    this.#maySpeakForOthers = options.maySpeakForOthers;
  }

  /** MAIL was accepted and its transaction has not ended. */
  get isOpen(): boolean {
    return this.#sender !== null;
  }

  get #mayRelay(): boolean {
    return this.#isTrusted || this.isLoggedIn;
  }

  get recipientCount(): number {
    return this.#recipients.length;
  }

  /** The reply that DATA gets now, or null when content may follow. */
  get dataRefusal(): Reply | null {
    if (this.#sender === null) return this.heloName === "" ? replies.helloFirst : replies.mailFirst;
    return this.#recipients.length === 0 ? replies.rcptFirst : null;
  }

  /** The envelope as it stands. Only valid when dataRefusal is null. */
  envelope(): Envelope {
    const sender = this.#sender;
    assert(sender !== null, "an envelope was asked for outside a transaction");
    const { smtpUtf8, eightBit, ret, envid, requireTls } = sender.parameters;
    const wishes = this.#wishes.some((wish) => wish !== null) ? this.#wishes : [];
    const isSilent = ret === null && envid === null && wishes.length === 0;
    return {
      sender: sender.address,
      recipients: this.#recipients,
      smtpUtf8,
      eightBit,
      transportId: this.#settings.transportId,
      ...(requireTls ? { requireTls } : {}),
      ...sender.timing,
      ...(isSilent ? {} : { dsn: { ret, envid, recipients: wishes } }),
    };
  }

  reset(): void {
    this.#sender = null;
    this.#recipients = [];
    this.#wishes = [];
  }

  /** Another one named the client, with what it had said before. */
  assume({ helo, login }: NamedClient): void {
    if (helo !== undefined) this.heloName = helo;
    if (login !== undefined) this.isLoggedIn = true;
  }

  /** TLS is on: everything said in the clear is forgotten (RFC 3207 4.2). */
  secured(): void {
    this.forgetHello();
    this.isLoggedIn = false;
    this.isSecure = true;
  }

  /** What EHLO is told that we can do. */
  get extensions(): readonly string[] {
    const settings = this.#settings;
    const mayHold = this.#mayRelay || mayLogIn(settings);
    const timing = timingKeywords({ mayHold, now: this.#now() });
    const naming = this.#maySpeakForOthers ? [`XCLIENT ${xclientNames.join(" ")}`] : [];
    return [...keywords(settings, this.isSecure), ...timing, ...naming];
  }

  /** The greeting was refused: it counts as not said. */
  forgetHello(): void {
    this.reset();
    this.heloName = "";
    this.isExtended = false;
  }

  /** Another sender than the one that MAIL named. */
  changeSender(address: string): void {
    if (this.#sender !== null) this.#sender = { ...this.#sender, address };
  }

  /** Why a recipient may not be taken now, or null. */
  recipientFault(command: CommandOf<"rcpt">): Reply | null {
    if (this.#sender === null) return this.heloName === "" ? replies.helloFirst : replies.mailFirst;
    if (command.path.isUtf8 && !this.#sender.parameters.smtpUtf8) return replies.needsSmtpUtf8;
    if (this.#recipients.length >= this.#settings.maxRecipients) return replies.tooManyRecipients;
    return checkRecipient(this.#settings.access, this.#mayRelay, command.path);
  }

  /** Takes a recipient, perhaps under another address than the one that RCPT named. */
  takeRecipient(address: string, { notify, orcpt }: RecipientWishes): void {
    this.#recipients.push(address);
    this.#wishes.push(notify === null && orcpt === null ? null : { notify, orcpt });
  }

  handle(
    command: CommandOf<"mail" | "hello" | "rset" | "noop" | "quit" | "verify" | "help" | "refused">,
  ): Reply {
    switch (command.kind) {
      case "mail":
        return this.#mail(command);
      case "hello":
        this.reset();
        this.heloName = command.name;
        this.isExtended = command.extended;
        return this.#hello();
      case "rset":
        this.reset();
        return replies.ok;
      case "noop":
        return replies.ok;
      case "quit":
        return replies.bye;
      case "verify":
        return replies.cannotVerify;
      case "help":
        return replies.help;
      case "refused":
        return command.reply;
      default:
        return unreachable(command);
    }
  }

  #mail(command: CommandOf<"mail">): Reply {
    if (this.heloName === "") return replies.helloFirst;
    if (this.#settings.mustLogIn && !this.isLoggedIn) return replies.loginFirst;
    if (this.#sender !== null) return replies.nestedMail;
    const { sizeBytes, requireTls } = command.parameters;
    if (requireTls && !this.isSecure) return replies.needsTls;
    if (sizeBytes !== null && sizeBytes > this.#settings.maxSizeBytes) return replies.tooLarge;
    return this.#open(command);
  }

  #open({ path, parameters }: CommandOf<"mail">): Reply {
    const mayRelay = this.#mayRelay;
    const timing = timingOf({ parameters, mayRelay, now: this.#now() });
    if ("bytes" in timing) return timing;
    this.#sender = { address: path.address, parameters, timing };
    const isGranted = (timing.priority ?? 0) === parameters.priority;
    return isGranted ? replies.mailOk : replies.priorityChanged;
  }

  #hello(): Reply {
    const { hostname } = this.#settings;
    if (!this.isExtended) return makeReply(250, "", hostname);
    const situation = {
      isSecure: this.isSecure,
      mayRelay: this.#mayRelay,
      maySpeakForOthers: this.#maySpeakForOthers,
    };
    return helloReply(this.#settings, situation, this.#now(), () =>
      makeReply(250, "", [hostname, ...this.extensions]),
    );
  }
}

function keywords(settings: SessionSettings, isSecure: boolean): string[] {
  const offered = [
    "PIPELINING",
    `SIZE ${settings.maxSizeBytes}`,
    "8BITMIME",
    "CHUNKING",
    "DSN",
    "SMTPUTF8",
    "ENHANCEDSTATUSCODES",
    `LIMITS RCPTMAX=${settings.maxRecipients}`,
  ];
  if (isSecure && mayLogIn(settings)) {
    const scram = settings.credentials?.scram == null ? "" : " SCRAM-SHA-256";
    offered.push(`AUTH PLAIN LOGIN${scram}`);
  }
  if (isSecure) offered.push("REQUIRETLS");
  else if (settings.tls !== null) offered.push("STARTTLS");
  return offered;
}

/** There is somebody who can tell right passwords from wrong ones. */
export function mayLogIn({ credentials, hooks }: SessionSettings): boolean {
  return credentials !== null || hooks?.byHook.has("auth") === true;
}
