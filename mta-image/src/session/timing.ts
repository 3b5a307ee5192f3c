/**
 * What a client may ask about time and urgency: FUTURERELEASE (RFC 4865), DELIVERBY (RFC 2852), MT-PRIORITY (RFC 6710).
 * Only those who may relay are granted the first and a priority above 0: anybody else could fill the queue with mail
 * that nothing may move, or push in front of everybody. Pure.
 */
import type { Envelope } from "../message/envelope.ts";
import type { MailParameters } from "../smtp/parameters.ts";
import { type Reply, replies } from "../smtp/reply.ts";

const MAX_HOLD_SECONDS = 30 * 86_400;

export type Timing = Pick<Envelope, "holdUntil" | "deliverBy" | "priority">;

export interface Asked {
  readonly parameters: MailParameters;
  readonly mayRelay: boolean;
  /** Wall-clock ms. */
  readonly now: number;
}

/** EHLO keywords; the first one counts from now, so it is made at each EHLO. */
export function timingKeywords(options: { readonly mayHold: boolean; readonly now: number }): string[] {
  const latest = new Date(options.now + MAX_HOLD_SECONDS * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  const hold = options.mayHold ? [`FUTURERELEASE ${MAX_HOLD_SECONDS} ${latest}`] : [];
  return [...hold, "DELIVERBY", "MT-PRIORITY"];
}

/** What the envelope keeps, or the reply that refuses the command. */
export function timingOf({ parameters, mayRelay, now }: Asked): Timing | Reply {
  const { hold, deliverBy } = parameters;
  if (hold !== null && !mayRelay) return replies.loginFirst;
  const holdUntil = hold === null ? null : "seconds" in hold ? now + hold.seconds * 1000 : hold.untilMs;
  // RFC 4865 5: one that is over already is no error and means now.
  if (holdUntil !== null && holdUntil > now + MAX_HOLD_SECONDS * 1000) return replies.holdTooLong;
  const priority = mayRelay ? parameters.priority : Math.min(parameters.priority, 0);
  return {
    ...(holdUntil === null || holdUntil <= now ? {} : { holdUntil }),
    ...(priority === 0 ? {} : { priority }),
    ...(deliverBy === null
      ? {}
      : {
          deliverBy: {
            at: now + deliverBy.seconds * 1000,
            mode: deliverBy.mode,
            trace: deliverBy.trace,
          },
        }),
  };
}
