/**
 * What a client is told when its mail cannot be taken, in one place for all that stand at the door (pure). A full disk
 * is 452, so that the client comes again; what is broken is 451; an end is 421.
 */
import { SpoolFailure } from "../spool/spool.ts";
import type { Refused } from "./intake.ts";

export const refusals = {
  loop: refused(554, "5.4.6", "Too many hops, this message is in a loop"),
  busy: refused(451, "4.3.1", "Too much mail on its way, try again"),
  full: { ...refused(452, "4.3.1", "Insufficient system storage"), isDiskFull: true },
  broken: refused(451, "4.3.0", "The mail could not be stored"),
  closed: refused(421, "4.3.2", "Shutting down"),
} as const;

/** Whatever is no failure of the spool counts as broken. */
export function refusalFor(error: unknown): Refused {
  if (!(error instanceof SpoolFailure)) return refusals.broken;
  const byCode = {
    "spool-full": refusals.full,
    "spool-broken": refusals.broken,
    "spool-closed": refusals.closed,
  };
  return byCode[error.code];
}

/** The client is to come again when some of what it has sent is gone. */
export function noRoomIn(quota: string): Refused {
  return refused(452, "4.3.1", `Quota ${quota} is full, too much is queued already; try again later`);
}

function refused(code: number, enhanced: string, text: string): Refused {
  return { kind: "refused", reply: { code, enhanced, text } };
}
