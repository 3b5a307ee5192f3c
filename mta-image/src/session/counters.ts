/** What sessions count. Plain numbers: counting costs nothing on the mail path, and nothing here fails. */

/** Plain numbers that only grow; metrics read them. */
export interface SessionCounters {
  connections: number;
  refusedConnections: number;
  acceptedMessages: number;
  acceptedBytes: number;
  refusedMessages: number;
  /** Of these, because the disk was full. */
  refusedForRoom: number;
  acceptedRecipients: number;
  refusedRecipients: number;
  refusedCommands: number;
  timeouts: number;
  tlsFailures: number;
}

export function makeSessionCounters(): SessionCounters {
  return {
    connections: 0,
    refusedConnections: 0,
    acceptedMessages: 0,
    acceptedBytes: 0,
    refusedMessages: 0,
    refusedForRoom: 0,
    acceptedRecipients: 0,
    refusedRecipients: 0,
    refusedCommands: 0,
    timeouts: 0,
    tlsFailures: 0,
  };
}

/** How a message ended that was sent to its end. "no room": the disk is full, whatever the mail is. */
export type MailEnd = "accepted" | "refused" | "no room";

/** Counts a message at the reply to its end. */
export function countMessage(
  counters: SessionCounters,
  { bytes, recipients, end }: { readonly bytes: number; readonly recipients: number; readonly end: MailEnd },
): void {
  if (end === "accepted") {
    counters.acceptedMessages++;
    counters.acceptedBytes += bytes;
    counters.acceptedRecipients += recipients;
    return;
  }
  counters.refusedMessages++;
  if (end === "no room") counters.refusedForRoom++;
}
