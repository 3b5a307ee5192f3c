/**
 * From one message with its envelope to the copies that are stored: by transport, or as a script asked with queue(). What is asked for
 * in a row with the same bytes, sender and way becomes one copy with several recipients, so that a list costs no more
 * than without a script. Pure, but for the clock of what is to wait.
 */
import type { Clock } from "#base/clock.ts";

import type { Envelope } from "../message/envelope.ts";
import type { NoticeWishes, RecipientWishes } from "../message/notice-wishes.ts";
import { parseRcptParameters } from "../smtp/parameters.ts";
import type { Pieces } from "../script/mail/pieces.ts";
import {
  type EnvelopeAddress,
  type QueueOptions,
  type QueueWish,
  noParameters,
  usualQueue,
} from "../script/mail-port.ts";
import { LONGEST_SECONDS } from "./queue-wish.ts";
import { type AskedNotices, askedNotices } from "./asked-notices.ts";
import { isMailbox, textOf } from "./texts.ts";

export interface MailCopy {
  readonly envelope: Envelope;
  /** Null: the bytes as they came. */
  readonly content: Pieces | null;
}

/** What a script asked for, checked. */
export interface AskedCopy {
  readonly message: Pieces;
  readonly sender: string;
  readonly recipient: string;
  /** Of the recipient, as the script gave them. */
  readonly parameters: EnvelopeAddress["parameters"];
  readonly transportId: string;
  readonly options: QueueOptions;
  /** Null: the script says nothing of them. */
  readonly notices: AskedNotices | null;
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
  readonly clock: Clock;
  /** The bytes as they came; absent for what a script made. */
  readonly came?: Pieces;
}

export function copiesAsked(envelope: Envelope, asked: readonly AskedCopy[], context: Asking): MailCopy[] {
  const end = endOfGroup(asked, 0);
  // Nearly always it is one: spared are lists that could take more.
  if (end === asked.length) return [copyOf(envelope, asked as Group, 1, context)];
  const copies: MailCopy[] = [];
  for (let from = 0; from < asked.length; ) {
    const to = endOfGroup(asked, from);
    copies.push(copyOf(envelope, asked.slice(from, to) as unknown as Group, from + 1, context));
    from = to;
  }
  return copies;
}

/** Behind the last in a row that goes as one message with the one at `from`; -1: none is there. */
function endOfGroup(asked: readonly AskedCopy[], from: number): number {
  const first = asked[from];
  if (first === undefined) return -1;
  for (let to = from + 1; ; to++) {
    const other = asked[to];
    if (other === undefined || !isOneMessage(first, other)) return to;
  }
}

/** What is asked for, or why it cannot be. */
export function askedCopy(
  message: Pieces,
  { sender: from, recipient: to, transportId, options }: QueueWish,
  hasTransport: (id: string) => boolean,
): AskedCopy | string {
  const [sender, recipient] = [mailboxOf(from), mailboxOf(to)];
  if (sender === null) return "the sender is no address";
  if (recipient === null || recipient === "") return "the recipient is no address";
  const notices = options.dsn === undefined ? null : askedNotices(options.dsn);
  if (options.dsn !== undefined && notices === null) return "dsn says what RFC 3461 has no word for";
  if (!hasTransport(transportId)) return `there is no transport "${transportId}"`;
  return { message, sender, recipient, parameters: to.parameters, transportId, options, notices };
}

function mailboxOf({ address, known }: EnvelopeAddress): string | null {
  if (known !== undefined) return known;
  const text = textOf(address);
  return isMailbox(text) ? text : null;
}

/** Those that go as one message. */
type Group = readonly [AskedCopy, ...AskedCopy[]];
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** `first` is the number of its first recipient among all that were asked for. */
function copyOf(
  envelope: Envelope,
  group: Group,
  first: number,
  { transaction, clock, came }: Asking,
): MailCopy {
  const marks: Writable<NonNullable<Envelope["marks"]>> = { transaction, first };
  const [{ message, sender, transportId, options }] = group;
  const recipients = group.map(({ recipient }) => recipient);
  const copy: Writable<Envelope> = { ...withoutWords(envelope), sender, recipients, transportId, marks };
  if (options !== usualQueue) {
    const { jobId, quotas, delaySeconds, hold, metadata } = options;
    if (hold) marks.hold = hold;
    if (Object.keys(metadata).length > 0) marks.metadata = metadata;
    if (jobId !== null) copy.jobId = textOf(jobId).slice(0, 255);
    if (quotas.length > 0) copy.quotas = quotas.map(textOf);
    if (delaySeconds > 0) copy.holdUntil = clock.now() + Math.min(delaySeconds, LONGEST_SECONDS) * 1000;
  }
  const dsn = wishesOf(envelope, group);
  if (dsn !== null) copy.dsn = dsn;
  return { content: came !== undefined && message.isSame(came) ? null : message, envelope: copy };
}

/** What a copy says for itself is taken out; nearly no envelope has any of it. */
function withoutWords(envelope: Envelope): Envelope {
  if (envelope.dsn === undefined && envelope.jobId === undefined) return envelope;
  const { dsn: _, jobId: __, ...kept } = envelope;
  return kept;
}

/** Of notices: what the script says, else what the client said; null where nobody says anything. */
function wishesOf(envelope: Envelope, group: Group): NoticeWishes | null {
  const [{ notices }] = group;
  const said = notices ?? envelope.dsn ?? null;
  if (said === null && group.every(({ parameters }) => parameters === noParameters)) return null;
  const recipients = group.map((asked) => wishOf(envelope, asked));
  if (said === null && recipients.every((wish) => wish === null)) return null;
  return { ret: said?.ret ?? null, envid: said?.envid ?? null, recipients };
}

/** Parameters that the script gave, else those that the client gave the same recipient. */
function wishOf({ dsn, recipients }: Envelope, asked: AskedCopy): RecipientWishes | null {
  if (asked.notices !== null) return asked.notices.wishes;
  const { NOTIFY, ORCPT } = asked.parameters;
  const notify = NOTIFY === undefined ? "" : ` NOTIFY=${NOTIFY}`;
  const given = ORCPT === undefined ? notify : `${notify} ORCPT=${ORCPT}`;
  const parsed = given === "" ? null : parseRcptParameters(given);
  if (parsed !== null && !("bytes" in parsed)) return parsed;
  if (dsn === undefined) return null;
  const address = asked.recipient.toLowerCase();
  const at = recipients.findIndex((one) => one.toLowerCase() === address);
  return at === -1 ? null : (dsn.recipients[at] ?? null);
}

function isOneMessage(one: AskedCopy, other: AskedCopy): boolean {
  return (
    one.sender === other.sender &&
    one.transportId === other.transportId &&
    (one.options === other.options || keyOf(one.options) === keyOf(other.options)) &&
    one.message.isSame(other.message)
  );
}

/** Equal for what one message can say. */
function keyOf({ jobId, quotas, delaySeconds, hold, dsn, metadata }: QueueOptions): string {
  const named = Object.entries(metadata);
  return JSON.stringify([jobId, quotas, delaySeconds, hold, dsn?.ret, dsn?.envid, named]);
}

function part(envelope: Envelope, members: readonly number[]): Envelope {
  const { dsn, recipients } = envelope;
  const kept = { ...envelope, recipients: members.map((at) => recipients[at] as string) };
  if (dsn === undefined) return kept;
  return { ...kept, dsn: { ...dsn, recipients: members.map((at) => dsn.recipients[at] ?? null) } };
}
