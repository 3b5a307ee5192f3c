/**
 * One recipient's place in the queue. README.md of this folder has the states and who may cause each
 * transition; `queue.ts` is the only writer.
 */
import type { EntryState, Moved, SpooledMessage, StateSource } from "../spool/spool.ts";
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

/** A class, so that a million of them stay small: fields of a literal that was put together live outside of it. */
export class Entry implements StateSource {
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
  /** What an administrator has put in place of the envelope's facts; null for nothing. */
  readonly moved: Moved | null;
  /** Set when it is decided that the recipient failed and only the notice is missing. */
  verdict: Outcome | null = null;
  /** Who refused it last at a door of the queue, and what was said; null once it has come through. */
  givenBack: { readonly by: string; readonly value: unknown } | null = null;
  /** Place in the due heap, -1 outside. */
  heapIndex = -1;

  constructor(
    place: {
      readonly message: SpooledMessage;
      readonly recipient: number;
      readonly destination: DestinationQueue<Entry>;
    },
    state: EntryState,
  ) {
    this.message = place.message;
    this.recipient = place.recipient;
    this.destination = place.destination;
    this.phase = state.status === "hold" ? "hold" : "waiting";
    this.attempts = state.attempts;
    this.dueAt = state.dueAt;
    this.lastReply = state.lastReply;
    this.delayNotices = state.delayNotices;
    this.metadata = state.metadata ?? null;
    this.moved = state.moved ?? null;
  }

  /** What the spool keeps of it. */
  state(): EntryState {
    const { phase, attempts, dueAt, lastReply, delayNotices, metadata, moved } = this;
    const status = phase === "hold" ? "hold" : "queued";
    return {
      status,
      attempts,
      dueAt,
      lastReply,
      delayNotices,
      ...(metadata === null ? {} : { metadata }),
      ...(moved === null ? {} : { moved }),
    };
  }
}

export function entryId(entry: Entry): string {
  return `${entry.message.id}/${entry.recipient}`;
}

/** What administrators are shown. */
export function statusOf({ phase }: Entry): "active" | "deferred" | "hold" {
  if (phase === "hold") return "hold";
  return phase === "waiting" ? "deferred" : "active";
}
