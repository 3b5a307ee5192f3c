/**
 * The seam between the queue, which decides who is tried when, and delivery, which tries. The queue owns it;
 * `delivery/smtp-courier.ts` implements it, `testing/fake-courier.ts` fakes it.
 */
import type { NoticeKind } from "../message/notice-wishes.ts";
import type { NoticeWords } from "../message/notice-words.ts";
import type { SpooledMessage } from "../spool/spool.ts";
import type { AttemptRules, Reached } from "../smtp/reached.ts";
import type { SaidParameters } from "../smtp/said-parameters.ts";
import type { TalkChoice } from "../smtp/talk-choice.ts";
import type { TlsChoice } from "../smtp/tls-choice.ts";

/** What entries are grouped by for pacing: a transport and the recipients' domain. */
export interface Destination {
  /** Unique per transport and domain; the key of windows, pools and metrics. */
  readonly key: string;
  readonly transportId: string;
  readonly domain: string;
  /** "" when nobody gave one; absent: as in the envelope. */
  readonly jobId?: string;
  readonly tenantId?: string;
}

/** What rules say of an attempt. */
export interface AttemptTerms {
  /** Address to connect from, one of the transport's; "" leaves the choice to the courier. */
  readonly source: string;
  /** Asked before a connection is opened for the attempt: milliseconds to wait, or 0 and the connection counts. */
  readonly connect: (() => number) | null;
}

/** One try of one message for some recipients of one destination. */
export interface Attempt {
  readonly destination: Destination;
  readonly message: SpooledMessage;
  /** Indexes into message.envelope.recipients, at least one. */
  readonly recipients: readonly number[];
  /** Absent when no rule concerns it. */
  readonly terms?: AttemptTerms;
  /** What is left of the time that the sender gave (RFC 2852); absent when none was given. */
  readonly deliverBy?: TimeLeft;
  /** Who delivers, when a script has said so; absent: the transport says. */
  readonly plugin?: PluginOrder;
  /** How often each recipient was tried before, by position. */
  readonly retries?: readonly number[];
  /** What scripts keep with each recipient, by position; null where there is nothing. */
  readonly metadata?: readonly (Readonly<Record<string, string>> | null)[];
  /** What a script wants of this attempt; absent: as the transport says. */
  readonly wish?: AttemptWish;
  /** Somebody wants to hear what it went over. */
  readonly isWatched?: boolean;
  /** Which rules held for it, for who wants to hear that. */
  readonly rules?: () => AttemptRules;
}

export interface AttemptWish {
  /** Equal wishes have equal keys. */
  readonly key: string;
  readonly transportId: string | null;
  readonly server: string | null;
  readonly port: number | null;
  readonly sources: readonly { readonly ip: string; readonly helo: string | null }[];
  readonly tlsMode: string | null;
  /** Which mail exchangers of a domain may be used; absent: all. */
  readonly exchangers?: ExchangerChoice;
  /** The domain whose mail exchangers are used, in place of the recipient's. */
  readonly domain?: string;
  /** The first source that fits is used, not any. */
  readonly isSourceOrdered?: boolean;
  /** Who binds source addresses that this system need not have, as minus an errno or a descriptor; absent: nobody. */
  readonly bind?: (address: string, port: number, isStream: boolean) => number;
  readonly tls?: TlsChoice;
  readonly talk?: TalkChoice;
  /** What is said behind the addresses, in place of what the message brings; absent: just that. */
  readonly said?: { readonly sender: SaidParameters | null; readonly recipient: SaidParameters | null };
}

/** Names in lower case, perhaps with one * for any letters; an empty `include` takes all. */
export interface ExchangerChoice {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** What a script wants to come of an outcome, in place of what follows from it. */
export type OutcomeOrder =
  /** Nothing more is done, and nobody is told. */
  { readonly kind: "delete" } | RetryOrder;

/** Another try, also beyond the schedule. */
export interface RetryOrder {
  readonly kind: "retry";
  /** Null leaves the time to the schedule. */
  readonly delayMs: number | null;
  /** It waits until an administrator frees it. */
  readonly isHeld?: boolean;
  /** The tries that are counted from now on: as many as before, or none; absent: one more. */
  readonly counted?: "same" | "none";
  /** The transport that it goes on by; absent: as before. */
  readonly transportId?: string;
}

export interface TimeLeft {
  /** At the time of asking, since an attempt may wait for its connection. 0 and less: it is late already. */
  readonly seconds: number;
  readonly mode: "return" | "notify";
  readonly trace: boolean;
}

/** Delivery by a native plugin in place of SMTP. */
export interface PluginOrder {
  readonly id: string;
  /** What the plugin is given: from a script as plugins/native.ts writes values (Wire), else as in the configuration. */
  readonly args: unknown;
  readonly timeoutMs: number;
}

/**
 * What became of one recipient.
 *   delivered  the far side took responsibility.
 *   deferred   it may work later; nothing of this message was taken for this recipient.
 *   failed     it will not work: the sender must be told.
 *   unclear    the connection ended after the end of data and before the reply: it may have arrived. Tried
 *              again, since losing is worse than doubling (RFC 5321 4.5.3.2.6 and 6.1), and counted apart.
 */
export type OutcomeKind = "delivered" | "deferred" | "failed" | "unclear";

export interface Outcome {
  readonly kind: OutcomeKind;
  /** The reply or our own reason on one line, cleaned of control bytes, at most 512 bytes. */
  readonly reply: string;
  /** Enhanced status such as "5.1.1"; from the reply, or chosen by the outcome table. */
  readonly status: string;
  /** Name of the host that answered, "" when none did. */
  readonly remoteMta: string;
  /** What was wrong where no reply says so (Trouble of delivery/outcome.ts). */
  readonly trouble?: string;
  /** What the reply answers (Step of delivery/outcome.ts). */
  readonly step?: string;
  /** Of a reply with several lines, each without its code. */
  readonly lines?: readonly string[];
  /** What it went over, and the how manieth transaction there; only where the attempt is watched. */
  readonly via?: { readonly reached: Reached; readonly transactions: number };
  /**
   * For "delivered", who tells a sender that asked to hear of success (RFC 3461 5.2): "reported": the host was told
   * to. "final": we do, this was the last hop. Absent: we do, the host knows no notices and the trail ends with it.
   */
  readonly success?: "reported" | "final";
  readonly order?: OutcomeOrder;
  /** For how long the far side does not want to be asked again, where it has said so (Retry-After, RFC 9110 10.2.3). */
  readonly notBeforeMs?: number;
  /** What a script wants the notice of it to say, if there is one. */
  readonly words?: NoticeWords;
  /** The id that a script was told of the notice of that kind, should it come to one; several recipients may have the same. */
  readonly notice?: { readonly kind: NoticeKind; readonly transaction: string };
  /** What a script wants to be kept with the recipient from now on. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What a plugin that delivered wants scripts to know (Wire). */
  readonly plugin?: { readonly id: string; readonly ret: unknown };
}

/** What an attempt under way waits for, of which nothing was sent yet. */
export interface AttemptWait {
  readonly kind: "connection" | "locating";
  readonly detail: string;
}

export interface Courier {
  /**
   * Resolves with one outcome per recipient of the attempt, in order. Never rejects and always ends: every
   * step inside has a deadline.
   */
  deliver(attempt: Attempt): Promise<readonly Outcome[]>;

  /**
   * What becomes of the one recipient of an attempt that was refused at a door of the queue, with what was said there.
   * Null: it is put off. Absent: nobody wants to be asked. Never rejects.
   */
  refused?(attempt: Attempt, value: unknown): Promise<Outcome | null>;

  /**
   * What becomes of the recipients of an attempt that is not made, for it is too late (RFC 2852): failed, each in order, as
   * `outcome` is. Absent: nobody wants to hear of it. Never rejects.
   */
  expired?(attempt: Attempt, outcome: Outcome): Promise<readonly Outcome[]>;

  /**
   * What a recipient that is in an attempt waits for; null: somebody is at it, or nobody knows. Absent: nobody ever
   * knows. Looks through all that waits: for who asks why, not for the path of mail.
   */
  waitOf?(messageId: string, recipient: number): AttemptWait | null;

  /** Attempts of one destination worth having in flight at once (connections times pipelining depth). */
  readonly attemptsPerDestination: number;

  /** Lets running attempts end until the deadline, then cuts them (their outcome is deferred or unclear). */
  close(deadlineMs: number): Promise<void>;
}
