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

/** What of an envelope decides about notices. */
export interface Wishing {
  readonly dsn?: NoticeWishes | undefined;
  /** DELIVERBY (RFC 2852). */
  readonly deliverBy?: { readonly trace: boolean } | undefined;
}

/** Whether the sender is to hear of it: failures and delays unless told otherwise, success only when asked for. */
export function wantsNotice({ dsn, deliverBy }: Wishing, recipient: number, kind: NoticeKind): boolean {
  const notify = dsn?.recipients[recipient]?.notify ?? null;
  const word = WORDS[kind];
  if (word === "SUCCESS" && isTraced(deliverBy)) return notify?.[0] !== "NEVER";
  return notify === null ? word !== "SUCCESS" : notify.includes(word);
}

/** What a notice of a delivery says: "final": this was the last hop. See Outcome in queue/courier.ts. */
export function kindOfArrival(success: "reported" | "final" | undefined): "relayed" | "delivered" {
  return success === "final" ? "delivered" : "relayed";
}

/** Whether we tell the sender of a delivery. "reported": the host does that (RFC 3461 5.2), but for those who trace. */
export function wantsToHear(
  wishing: Wishing,
  recipient: number,
  success: "reported" | "final" | undefined,
): boolean {
  if (success === "reported" && !isTraced(wishing.deliverBy)) return false;
  return wantsNotice(wishing, recipient, kindOfArrival(success));
}

/** RFC 2852 4.1.4.3: with T every host tells that it has passed the message on, but to those who want no notice. */
export function isTraced(deliverBy: Wishing["deliverBy"]): boolean {
  return deliverBy?.trace === true;
}
