/**
 * One recipient's place in the queue. README.md of this folder has the states and who may cause each transition; nobody
 * outside of this folder writes. Never fails.
 */
import type { EntryState, Moved, LiveMail, StateSource } from "../spool/spool.ts";
import type { Outcome } from "./courier.ts";
import type { DestinationQueue, LineName } from "./destination-queue.ts";
import { Wordings } from "./wordings.ts";

/**
 * waiting   in the due heap, its time has not come.
 * ready     due, in the line of its destination.
 * running   in an attempt, or its notice is being sent.
 * hold      an administrator or a script stopped it.
 * gone      settled.
 */
export type EntryPhase = "waiting" | "ready" | "running" | "hold" | "gone";

/** Where a recipient waits by its message, and how far it has come. */
export interface Beginning {
  readonly name: Pick<LiveMail["line"], "transportId" | "jobId" | "tenantId"> & Pick<LineName, "domain">;
  readonly state: EntryState;
}

/** What hardly any entry has. */
interface Rare {
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly moved: Moved | null;
  readonly verdict: Outcome | null;
}

const nothing: Rare = { metadata: null, moved: null, verdict: null };
const wordings = new Wordings();

/** A class, so that a million of them stay small: fields of a literal that was put together live outside of it. */
export class Entry implements StateSource {
  readonly message: LiveMail;
  readonly recipient: number;
  /** Another one when a doorkeeper lets it use some source addresses only. */
  destination: DestinationQueue<Entry>;
  phase: EntryPhase;
  attempts: number;
  /** Wall-clock ms. */
  dueAt: number;
  lastReply: string;
  delayNotices: number;
  /** Place in the due heap, -1 outside. */
  heapIndex = -1;
  #rare: Rare | null;

  constructor(
    place: {
      readonly message: LiveMail;
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
    this.lastReply = wordings.share(state.lastReply);
    this.delayNotices = state.delayNotices;
    const { metadata = null, moved = null } = state;
    this.#rare = metadata === null && moved === null ? null : { ...nothing, metadata, moved };
  }

  /** What scripts keep with it; null for nothing. */
  get metadata(): Rare["metadata"] {
    return this.#rare === null ? null : this.#rare.metadata;
  }

  set metadata(metadata: Rare["metadata"]) {
    this.#note({ metadata });
  }

  /** What an administrator or a script has put in place of the envelope's facts; null for nothing. */
  get moved(): Moved | null {
    return this.#rare === null ? null : this.#rare.moved;
  }

  set moved(moved: Moved | null) {
    this.#note({ moved });
  }

  /** Set when it is decided that the recipient failed and only the notice is missing. */
  get verdict(): Outcome | null {
    return this.#rare === null ? null : this.#rare.verdict;
  }

  set verdict(verdict: Outcome | null) {
    this.#note({ verdict });
  }

  /** It was answered for now. */
  replied(reply: string): void {
    this.lastReply = wordings.share(reply);
  }

  #note(change: Partial<Rare>): void {
    const rare = { ...(this.#rare ?? nothing), ...change };
    this.#rare = Object.values(rare).every((value) => value === null) ? null : rare;
  }

  /** For an entry that is given away: what it says now. */
  copy(): StateSource {
    const state = this.state();
    return { state: () => state };
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
