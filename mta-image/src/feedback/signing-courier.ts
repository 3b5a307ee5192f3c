/**
 * A courier that gives each recipient a signed return path of its own, and so a transaction of its own, and hands on.
 * Notices (null sender) keep theirs. Outcomes are those of the inner courier, in order.
 */
import type { Attempt, Courier, Outcome } from "../queue/courier.ts";
import { wrapCourier } from "../queue/wrapped-courier.ts";
import { makeReturnPath } from "./return-path.ts";

export interface Signing {
  readonly domain: string;
  readonly key: Buffer;
}

export function signReturnPaths(inner: Courier, signing: () => Signing | null): Courier {
  return wrapCourier(inner, (attempt) => {
    const how = signing();
    if (how === null || attempt.message.envelope.sender === "") return inner.deliver(attempt);
    return deliverEach(attempt, inner, how);
  });
}

async function deliverEach(attempt: Attempt, inner: Courier, signing: Signing): Promise<readonly Outcome[]> {
  const outcomes = await Promise.all(
    attempt.recipients.map((_, position) => inner.deliver(signed(attempt, position, signing))),
  );
  return outcomes.flat();
}

function signed(attempt: Attempt, position: number, { domain, key }: Signing): Attempt {
  const { destination, recipients, retries, metadata } = attempt;
  const { id, receivedAt, envelope, origin, sizeBytes, recipients: states } = attempt.message;
  const index = recipients[position] ?? -1;
  const mail = {
    messageId: id,
    tenant: destination.tenantId ?? envelope.tenantId ?? "",
    recipient: envelope.recipients[index] ?? "",
  };
  const sender = makeReturnPath(mail, key, domain);
  return {
    ...attempt,
    message: { id, receivedAt, envelope: { ...envelope, sender }, origin, sizeBytes, recipients: states },
    recipients: [index],
    ...(retries === undefined ? {} : { retries: [retries[position] ?? 0] }),
    ...(metadata === undefined ? {} : { metadata: [metadata[position] ?? null] }),
  };
}
