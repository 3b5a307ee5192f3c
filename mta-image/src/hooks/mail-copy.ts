/**
 * From one message with its envelope to the copies that are stored: by transport, or as a script asked with queue(). What is asked for
 * in a row with the same bytes, sender and way becomes one copy with several recipients, so that a list costs no more
 * than without a script. Pure.
 */
import type { Envelope } from "../message/envelope.ts";
import type { RecipientWishes } from "../message/notice-wishes.ts";
import { parseRcptParameters } from "../smtp/parameters.ts";
import type { Pieces } from "../script/mail/pieces.ts";
import type { QueueWish } from "../script/ports.ts";
import { LONGEST_SECONDS } from "./queue-wish.ts";
import { askedNotices } from "./asked-notices.ts";
import { isMailbox, textOf } from "./texts.ts";

export interface MailCopy {
  readonly envelope: Envelope;
  /** Null: the bytes as they came. */
  readonly content: Pieces | null;
}

/** What a script asked for; checked. */
export interface AskedCopy {
  readonly message: Pieces;
  readonly wish: QueueWish;
}

/** `transports` has one for each recipient. */
export function copiesByTransport(
  envelope: Envelope,
  transports: readonly string[],
  transaction: string,
): MailCopy[] {
  const [only = envelope.transportId] = transports;
  if (envelope.recipients.every((_, at) => (transports[at] ?? envelope.transportId) === only))
    return [
      { envelope: { ...envelope, transportId: only, marks: { transaction, first: 1 } }, content: null },
    ];
  const indexes = new Map<string, number[]>();
  envelope.recipients.forEach((_, at) => {
    const transport = transports[at] ?? envelope.transportId;
    indexes.set(transport, [...(indexes.get(transport) ?? []), at]);
  });
  let first = 1;
  return [...indexes].map(([transportId, members]) => {
    const copy = { ...part(envelope, members), transportId, marks: { transaction, first } };
    first += members.length;
    return { envelope: copy, content: null };
  });
}

interface Asking {
  readonly transaction: string;
  /** Wall-clock ms. */
  readonly now: number;
  /** The bytes as they came; absent for what a script made. */
  readonly came?: Pieces;
}

export function copiesAsked(envelope: Envelope, asked: readonly AskedCopy[], context: Asking): MailCopy[] {
  const copies: MailCopy[] = [];
  let from = 0;
  for (let to = 1; to <= asked.length; to++) {
    const [one, other] = [asked[from], asked[to]];
    if (one !== undefined && other !== undefined && isOneMessage(one, other)) continue;
    const marks = { transaction: context.transaction, first: from + 1 };
    copies.push(copyOf(envelope, asked.slice(from, to), marks, context));
    from = to;
  }
  return copies;
}

/** Why a wish cannot be fulfilled; null when it can. */
export function wishFault(wish: QueueWish, hasTransport: (id: string) => boolean): string | null {
  if (!isMailbox(textOf(wish.sender.address))) return "the sender is no address";
  const recipient = textOf(wish.recipient.address);
  if (recipient === "" || !isMailbox(recipient)) return "the recipient is no address";
  if (wish.dsn !== undefined && askedNotices(wish.dsn) === null)
    return "dsn says what RFC 3461 has no word for";
  return hasTransport(wish.transportId) ? null : `there is no transport "${wish.transportId}"`;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function copyOf(
  envelope: Envelope,
  group: readonly AskedCopy[],
  marks: Writable<NonNullable<Envelope["marks"]>>,
  { now, came }: Asking,
): MailCopy {
  const { message, wish } = group[0] as AskedCopy;
  const { jobId, quotas, delaySeconds, hold, metadata, transportId } = wish;
  const recipients = group.map((copy) => textOf(copy.wish.recipient.address));
  const wishes = group.map((copy, at) => wishesOf(envelope, copy.wish, recipients[at] ?? ""));
  const sender = textOf(wish.sender.address);
  const copy: Writable<Envelope> = { ...withoutWords(envelope), sender, recipients, transportId, marks };
  if (hold) marks.hold = hold;
  if (Object.keys(metadata).length > 0) marks.metadata = metadata;
  if (jobId !== null) copy.jobId = textOf(jobId).slice(0, 255);
  if (quotas.length > 0) copy.quotas = quotas.map(textOf);
  if (delaySeconds > 0) copy.holdUntil = now + Math.min(delaySeconds, LONGEST_SECONDS) * 1000;
  const said = wish.dsn === undefined ? (envelope.dsn ?? null) : askedNotices(wish.dsn);
  if (said !== null || wishes.some((one) => one !== null))
    copy.dsn = { ret: said?.ret ?? null, envid: said?.envid ?? null, recipients: wishes };
  return { content: came !== undefined && message.isSame(came) ? null : message, envelope: copy };
}

/** What a copy says for itself is taken out; nearly no envelope has any of it. */
function withoutWords(envelope: Envelope): Envelope {
  if (envelope.dsn === undefined && envelope.jobId === undefined) return envelope;
  const { dsn: _, jobId: __, ...kept } = envelope;
  return kept;
}

/** Parameters that the script gave, else those that the client gave the same recipient. */
function wishesOf(envelope: Envelope, wish: QueueWish, address: string): RecipientWishes | null {
  const { recipient } = wish;
  if (wish.dsn !== undefined) return askedNotices(wish.dsn)?.wishes ?? null;
  const { NOTIFY, ORCPT } = recipient.parameters;
  const notify = NOTIFY === undefined ? "" : ` NOTIFY=${NOTIFY}`;
  const given = ORCPT === undefined ? notify : `${notify} ORCPT=${ORCPT}`;
  const parsed = given === "" ? null : parseRcptParameters(given);
  if (parsed !== null && !("bytes" in parsed)) return parsed;
  const { dsn, recipients } = envelope;
  if (dsn === undefined) return null;
  const at = recipients.findIndex((one) => one.toLowerCase() === address.toLowerCase());
  return at === -1 ? null : (dsn.recipients[at] ?? null);
}

function isOneMessage(one: AskedCopy, other: AskedCopy): boolean {
  const key = ({ wish }: AskedCopy): string =>
    JSON.stringify([
      wish.sender.address,
      wish.transportId,
      wish.jobId,
      wish.quotas,
      wish.delaySeconds,
      wish.hold,
      wish.dsn?.ret,
      wish.dsn?.envid,
      Object.entries(wish.metadata),
    ]);
  return key(one) === key(other) && one.message.isSame(other.message);
}

function part(envelope: Envelope, members: readonly number[]): Envelope {
  const { dsn, recipients } = envelope;
  const kept = { ...envelope, recipients: members.map((at) => recipients[at] as string) };
  if (dsn === undefined) return kept;
  return { ...kept, dsn: { ...dsn, recipients: members.map((at) => dsn.recipients[at] ?? null) } };
}
