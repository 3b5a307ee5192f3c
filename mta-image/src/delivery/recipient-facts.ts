/** What scripts around an attempt hear of one of its recipients (pure): the content is read when a script asks for it. */
import type { RecipientFacts } from "../hooks/queue-hooks.ts";
import type { TryWish } from "../hooks/try-wish.ts";
import type { Attempt } from "../queue/courier.ts";
import type { Content } from "../spool/spool.ts";
import { messageSource } from "./message-source.ts";

/** Before the attempt. `position` is that among the recipients of the attempt. */
export function recipientFacts(
  { message, recipients, destination, retries, metadata }: Attempt,
  position: number,
  read: (id: string) => Promise<Content>,
): RecipientFacts {
  const index = recipients[position] as number;
  const { id, envelope, receivedAt, origin, sizeBytes } = message;
  const { marks, dsn } = envelope;
  return {
    transaction: marks?.transaction ?? id,
    queueId: (marks?.first ?? 1) + index,
    receivedAt,
    serverId: origin.serverId,
    sender: envelope.sender,
    recipient: envelope.recipients[index] ?? "",
    transportId: destination.transportId,
    tenantId: destination.tenantId ?? envelope.tenantId ?? "",
    jobId: destination.jobId ?? envelope.jobId ?? "",
    priority: envelope.priority ?? 0,
    sizeBytes,
    envid: dsn?.envid ?? null,
    ret: dsn?.ret ?? null,
    notify: dsn?.recipients[index]?.notify ?? null,
    orcpt: dsn?.recipients[index]?.orcpt ?? null,
    content: messageSource(sizeBytes, () => read(id)),
    retry: retries?.[position] ?? 0,
    metadata: metadata?.[position] ?? marks?.metadata ?? {},
  };
}

/** What postdelivery hears of a message: as it was sent. */
export function asSent(facts: RecipientFacts, wish: TryWish | null): RecipientFacts {
  if (wish === null) return facts;
  const { sender, recipient, jobId } = wish.envelope;
  return {
    ...facts,
    sender: sender ?? facts.sender,
    recipient: recipient ?? facts.recipient,
    jobId: jobId ?? facts.jobId,
    transportId: wish.transportId ?? facts.transportId,
  };
}
