/** What sessions count. Plain numbers: counting costs nothing on the mail path, and nothing here fails. */

/** Plain numbers that only grow; metrics read them. */
export interface SessionCounters {
  connections: number;
  refusedConnections: number;
  acceptedMessages: number;
  acceptedBytes: number;
  refusedMessages: number;
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
    acceptedRecipients: 0,
    refusedRecipients: 0,
    refusedCommands: 0,
    timeouts: 0,
    tlsFailures: 0,
  };
}

/** Counts a message at the reply to its end; `recipients` is 0 for one that was refused. */
export function countMessage(counters: SessionCounters, bytes: number, recipients: number): void {
  if (recipients === 0) counters.refusedMessages++;
  else {
    counters.acceptedMessages++;
    counters.acceptedBytes += bytes;
    counters.acceptedRecipients += recipients;
  }
}
