/**
 * DELIVERBY (RFC 2852) in the queue: mail that its sender wants back by a time is not tried after it, and is tried once
 * more right at that time; a sender that only wants to know hears then that the mail is late. Of mail whose turn does not
 * come by then, latecomers.ts sees to it. Pure, but for the courier that it wraps.
 */
import type { Clock } from "#base/clock.ts";

import type { DeliverBy, Envelope } from "../message/envelope.ts";
import type { Attempt, Courier, Outcome, TimeLeft } from "./courier.ts";
import type { RetryDecision } from "./retry.ts";
import { wrapCourier } from "./wrapped-courier.ts";

/** RFC 3463 3.5. */
export const tooLate: Outcome = {
  kind: "failed",
  reply: "Not delivered by the time that the sender asked for",
  status: "5.4.7",
  remoteMta: "",
};

/** The status of what was put off until its end (RFC 3463 3.5). */
export function expiredStatus(envelope: Pick<Envelope, "deliverBy">, now: number): string {
  return isTooLate(envelope, now) ? tooLate.status : "4.4.7";
}

export function isTooLate({ deliverBy }: Pick<Envelope, "deliverBy">, now: number): boolean {
  return deliverBy?.mode === "return" && now >= deliverBy.at;
}

/** Of mail that waits on: its sender only wants to know (RFC 3463 3.5). */
export const late: Outcome = { ...tooLate, kind: "deferred", status: "4.4.7" };

/**
 * A sender's time is still to be minded: of mail that is wanted back always, else until its sender was told. What is due
 * behind that time was told of: who tells lets it be due there, so that a restart knows.
 */
export function isToBeTold({ mode, at }: DeliverBy, { dueAt }: { readonly dueAt: number }): boolean {
  return mode === "return" || dueAt <= at;
}

/** What is planned, with the sender's time in mind. `wasDueAt`: when the attempt that was just made was due. */
export function withDeadline(
  planned: RetryDecision,
  { deliverBy }: Pick<Envelope, "deliverBy">,
  { now, wasDueAt }: { readonly now: number; readonly wasDueAt: number },
): RetryDecision {
  if (deliverBy === undefined || planned.kind === "give-up") return planned;
  const { at, mode } = deliverBy;
  if (now < at) return { ...planned, dueAt: Math.min(planned.dueAt, at) };
  if (mode === "return") return { kind: "give-up" };
  // The first attempt past the time is the one that was due at it or before.
  return { ...planned, notify: planned.notify || wasDueAt <= at };
}

/** A courier that is not asked to try mail that is too late, but hears of it. */
export function withDeadlines(courier: Courier, clock: Clock): Courier {
  return wrapCourier(courier, (attempt) => {
    const { deliverBy } = attempt.message.envelope;
    if (deliverBy === undefined) return courier.deliver(attempt);
    if (isTooLate({ deliverBy }, clock.now())) return expire(courier, attempt);
    const { at, mode, trace } = deliverBy;
    const left: TimeLeft = {
      get seconds() {
        return Math.ceil((at - clock.now()) / 1000);
      },
      mode,
      trace,
    };
    return courier.deliver({ ...attempt, deliverBy: left });
  });
}

/** What becomes of an attempt that is not made any more. Never rejects. */
export function expire(courier: Courier, attempt: Attempt): Promise<readonly Outcome[]> {
  return courier.expired?.(attempt, tooLate) ?? Promise.resolve(attempt.recipients.map(() => tooLate));
}
