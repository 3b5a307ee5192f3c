/**
 * What happened to mail, as whoever keeps books wants it: one flat record a recipient and happening. The names of the
 * fields are a promise (docs/events.md); none is ever given another meaning. Pure.
 */
import type { eventTypes } from "#contract/events-config.ts";

import { type Envelope, domainOf } from "../message/envelope.ts";
import type { Outcome, OutcomeKind } from "../queue/courier.ts";
import type { Entry } from "../queue/entry.ts";
import type { SpooledMessage } from "../spool/spool.ts";

export type EventType = (typeof eventTypes)[number];

export interface MailEvent {
  readonly type: EventType;
  /** ISO 8601, milliseconds. */
  readonly time: string;
  readonly messageId: string;
  readonly sender: string;
  readonly recipient: string;
  readonly domain: string;
  readonly transportId: string;
  readonly jobId?: string;
  readonly tenantId?: string;
  /** W3C Trace Context of the message; only while spans are exported (docs/tracing.md). */
  readonly traceparent?: string;
  /** Bytes of the message. */
  readonly size: number;
  /** Attempts made, this one included; 0 when it was received. */
  readonly attempts: number;
  /** Of attempts: the enhanced status, the reply on one line, who gave it ("" when nobody did). */
  readonly status?: string;
  readonly reply?: string;
  readonly remoteMta?: string;
  /** Of attempts that were no delivery: why, in a word. */
  readonly class?: string;
  /** Of what came later: whether it is known to be about this very recipient, and what it says. */
  readonly verified?: boolean;
  readonly action?: string;
  /** Of received mail: who brought it. */
  readonly remoteIp?: string;
  readonly serverId?: string;
}

const TYPES: Readonly<Record<OutcomeKind, EventType>> = {
  delivered: "delivered",
  deferred: "deferred",
  failed: "bounced",
  unclear: "unclear",
};

/** One for each recipient. */
export function receivedEvents(message: SpooledMessage, now: number): MailEvent[] {
  const { remoteIp, serverId } = message.origin;
  return message.envelope.recipients.map((recipient) => ({
    type: "received",
    ...commonFacts(message, { recipient, ...message.envelope }, now),
    attempts: 0,
    remoteIp,
    serverId,
  }));
}

export function outcomeEvent(
  { message, recipient, attempts, destination }: Entry,
  outcome: Outcome & { readonly class: string },
  now: number,
): MailEvent {
  const { status, reply, remoteMta } = outcome;
  return {
    type: TYPES[outcome.kind],
    ...commonFacts(
      message,
      { ...factsOf(destination), recipient: message.envelope.recipients[recipient] ?? "" },
      now,
    ),
    attempts: attempts + 1,
    status,
    reply,
    remoteMta,
    ...(outcome.class === "" ? {} : { class: outcome.class }),
  };
}

/** They may differ from the envelope's, since administrators move mail. */
function factsOf({ transportId, jobId, tenantId }: Entry["destination"]) {
  return {
    transportId,
    jobId: jobId === "" ? undefined : jobId,
    tenantId: tenantId === "" ? undefined : tenantId,
  };
}

interface Facts extends Pick<Envelope, "transportId" | "jobId" | "tenantId"> {
  readonly recipient: string;
}

function commonFacts(
  message: SpooledMessage,
  { recipient, transportId, jobId, tenantId }: Facts,
  now: number,
) {
  const { sender } = message.envelope;
  return {
    time: new Date(now).toISOString(),
    messageId: message.id,
    sender,
    recipient,
    domain: domainOf(recipient),
    transportId,
    ...(jobId === undefined ? {} : { jobId }),
    ...(tenantId === undefined ? {} : { tenantId }),
    size: message.sizeBytes,
  } as const;
}
