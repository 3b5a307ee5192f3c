/** A courier around another: it delivers in its own way and does all else as the inner one does, what is optional too. */
import type { Courier } from "./courier.ts";

export function wrapCourier(inner: Courier, deliver: Courier["deliver"]): Courier {
  return {
    get attemptsPerDestination() {
      return inner.attemptsPerDestination;
    },
    deliver,
    refused: async (attempt, value) => (await inner.refused?.(attempt, value)) ?? null,
    expired: async (attempt, outcome) =>
      (await inner.expired?.(attempt, outcome)) ?? attempt.recipients.map(() => outcome),
    waitOf: (messageId, recipient) => inner.waitOf?.(messageId, recipient) ?? null,
    close: (deadlineMs) => inner.close(deadlineMs),
  };
}
