/** A message that leaves the queue's hands, as the one who takes it finds it (pure). */
import type { EntryState, SpooledMessage, StateSource } from "../spool/spool.ts";
import type { Entry } from "./entry.ts";

/** With how far each of its recipients has come now; null for those that have no entry any more. */
export function withdrawn(message: SpooledMessage, entries: readonly Entry[]): SpooledMessage {
  const { id, receivedAt, envelope, origin, sizeBytes } = message;
  const states = new Map(entries.map((entry) => [entry.recipient, entry.state()]));
  const recipients = envelope.recipients.map((address, index) => {
    const state = states.get(index);
    return state === undefined ? null : { address, state };
  });
  return { id, receivedAt, envelope, origin, sizeBytes, recipients };
}

/** For an entry that is given away: what it said last. */
export function keeping(state: EntryState): StateSource {
  return { state: () => state };
}
