/**
 * A courier that fails recipients on the suppression list without trying them, and hands the others on. When the list
 * cannot be read they are put off: mail that nobody wants is worse than mail that is late.
 */
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { Attempt, Courier, Outcome } from "../queue/courier.ts";
import { wrapCourier } from "../queue/wrapped-courier.ts";
import type { Suppression } from "./suppression-store.ts";

export interface Suppressing {
  readonly isOn: boolean;
  find(tenant: string, recipient: string): Suppression | null;
}

export function suppressBefore(inner: Courier, list: Suppressing, log: Log): Courier {
  return wrapCourier(inner, (attempt) =>
    list.isOn ? deliver(attempt, inner, list, log) : inner.deliver(attempt),
  );
}

async function deliver(
  attempt: Attempt,
  inner: Courier,
  list: Suppressing,
  log: Log,
): Promise<readonly Outcome[]> {
  const { message, destination, recipients } = attempt;
  const tenant = destination.tenantId ?? message.envelope.tenantId ?? "";
  const decided = recipients.map((index) => {
    const address = message.envelope.recipients[index] ?? "";
    try {
      const found = list.find(tenant, address);
      return found === null ? null : suppressed(found);
    } catch (error) {
      log.error({ message: message.id, error: describe(error) }, "suppression-list-not-read");
      return unreadable;
    }
  });
  const left = recipients.flatMap((_, at) => (decided[at] === null ? [at] : []));
  if (left.length === recipients.length) return inner.deliver(attempt);
  const outcomes = left.length === 0 ? [] : await inner.deliver(narrowed(attempt, left));
  let next = 0;
  return decided.map((outcome) => outcome ?? outcomes[next++] ?? unreadable);
}

/** The attempt for the recipients at these positions. */
function narrowed(attempt: Attempt, positions: readonly number[]): Attempt {
  const pick = <T>(all: readonly T[]): T[] => positions.map((at) => all[at] as T);
  return {
    ...attempt,
    recipients: pick(attempt.recipients),
    ...(attempt.retries === undefined ? {} : { retries: pick(attempt.retries) }),
    ...(attempt.metadata === undefined ? {} : { metadata: pick(attempt.metadata) }),
  };
}

function suppressed({ reason, source, since }: Suppression): Outcome {
  const day = new Date(since).toISOString().slice(0, 10);
  const reply = `The recipient is suppressed since ${day} (${source}: ${reason})`;
  return { kind: "failed", reply, status: "5.7.1", remoteMta: "" };
}

const unreadable: Outcome = {
  kind: "deferred",
  reply: "The suppression list cannot be read",
  status: "4.3.0",
  remoteMta: "",
};
