/**
 * One recipient's place in the queue. README.md of this folder has the states and who may cause each
 * transition; `queue.ts` is the only writer.
 */
import type { EntryState, SpooledMessage } from "../spool/spool.ts";
import type { Outcome } from "./courier.ts";
import type { DestinationQueue } from "./destination-queue.ts";

/**
 * waiting   in the due heap, its time has not come.
 * ready     due, in the line of its destination.
 * running   in an attempt, or its notice is being sent.
 * hold      an administrator stopped it.
 * gone      settled.
 */
export type EntryPhase = "waiting" | "ready" | "running" | "hold" | "gone";

export interface Entry {
  readonly message: SpooledMessage;
  readonly recipient: number;
  /** Another one when a doorkeeper lets it use some source addresses only. */
  destination: DestinationQueue<Entry>;
  phase: EntryPhase;
  attempts: number;
  /** Wall-clock ms. */
  dueAt: number;
  lastReply: string;
  delayNotices: number;
  /** What scripts keep with it; null for nothing. */
  metadata: Readonly<Record<string, string>> | null;
  /** Set when it is decided that the recipient failed and only the notice is missing. */
  verdict: Outcome | null;
  /** Place in the due heap, -1 outside. */
  heapIndex: number;
}

export function entryId(entry: Entry): string {
  return `${entry.message.id}/${entry.recipient}`;
}

/** What administrators are shown. */
export function statusOf({ phase }: Entry): "active" | "deferred" | "hold" {
  if (phase === "hold") return "hold";
  return phase === "waiting" ? "deferred" : "active";
}

/** What the spool keeps of an entry. */
export function stateOf(entry: Entry): EntryState {
  return {
    status: entry.phase === "hold" ? "hold" : "queued",
    attempts: entry.attempts,
    dueAt: entry.dueAt,
    lastReply: entry.lastReply,
    delayNotices: entry.delayNotices,
    ...(entry.metadata === null ? {} : { metadata: entry.metadata }),
  };
}
