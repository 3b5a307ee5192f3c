/**
 * What the client said about notices (RFC 3461), as the envelope carries it from the session over spool and
 * hand-over to delivery and notifier. Absent from an envelope when nothing was said. Texts in xtext stay as they
 * were given, checked, so that they pass on unchanged. Pure.
 */

export type NotifyWord = "NEVER" | "SUCCESS" | "FAILURE" | "DELAY";

export interface RecipientWishes {
  /** Null: the sender left it to us. NEVER stands alone. */
  readonly notify: readonly NotifyWord[] | null;
  /** `type;xtext` (RFC 3461 4.2, for utf-8 RFC 6533 3), always ASCII. */
  readonly orcpt: string | null;
}

export interface NoticeWishes {
  /** How much of the message a notice of failure returns. */
  readonly ret: "FULL" | "HDRS" | null;
  /** The sender's name for the transaction, xtext. */
  readonly envid: string | null;
  /** By recipient; null for those of whom nothing was said. */
  readonly recipients: readonly (RecipientWishes | null)[];
}

export type NoticeKind = "failed" | "delayed" | "relayed" | "delivered";

const WORDS: Readonly<Record<NoticeKind, NotifyWord>> = {
  failed: "FAILURE",
  delayed: "DELAY",
  relayed: "SUCCESS",
  delivered: "SUCCESS",
};

/** Whether the sender is to hear of it: failures and delays unless told otherwise, success only when asked for. */
export function wantsNotice(wishes: NoticeWishes | undefined, recipient: number, kind: NoticeKind): boolean {
  const notify = wishes?.recipients[recipient]?.notify ?? null;
  const word = WORDS[kind];
  return notify === null ? word !== "SUCCESS" : notify.includes(word);
}
