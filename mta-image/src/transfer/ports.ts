/**
 * What handing over asks of the rooms around it. Spool and queue implement their parts through `mta.ts`; tests
 * use small fakes. A message is handed over whole: all recipients that are left, none of them being tried.
 */
import type { FrameHead } from "#contract/transfer-api.ts";

export interface Parcel {
  readonly head: FrameHead;
  readonly sizeBytes: number;
}

/** At most so much is taken at once; `recipients`, where given, means due ones alone. */
export interface Bounds {
  readonly messages: number;
  readonly bytes: number;
  readonly recipients?: number;
  /** These stay, whatever fits. */
  readonly except?: ReadonlySet<string>;
}

/** The giving side of queue and spool. */
export interface Store {
  /**
   * Takes messages out of the queue's hands, the earliest due first, as many as fit the bounds: from now on
   * nobody tries them. Messages with a recipient being tried, on hold with a verdict, or larger than a batch may
   * be stay. With a bound of recipients only messages all of whose recipients are due and could be tried by any engine.
   */
  checkOut(bounds: Bounds): readonly Parcel[];
  /** The content of a message that was checked out. Rejects when it cannot be read. */
  content(id: string): Promise<Buffer>;
  /** Puts messages back in the queue as they were. */
  giveBack(ids: readonly string[]): void;
  /** Forgets messages that somebody else has now; resolves when that is on disk. */
  settle(ids: readonly string[]): Promise<void>;
}

/** The taking side. */
export interface Door {
  /** Resolves when the message is durable; rejects with a SpoolFailure. Not in the queue yet. */
  store(head: FrameHead, content: Buffer): Promise<void>;
  has(id: string): boolean;
  /** A write has failed: what was refused since may be durable all the same, and only the next process can tell. */
  readonly isBroken: boolean;
  /** Hands stored messages to the queue. */
  enqueue(ids: readonly string[]): void;
}

/** One peer, over the network. Every call rejects with a Failure when no sound answer came in time. */
export interface Peer {
  readonly name: string;
  /** Which messages of the batch the peer has now. A Failure that is not transient: some message in it is none for the peer. */
  send(batch: string, frames: readonly Buffer[]): Promise<readonly string[]>;
  /** Closes the batch and tells which of its messages the peer has. */
  taken(batch: string, ids: readonly string[]): Promise<readonly string[]>;
  forgotten(batch: string, ids: readonly string[]): Promise<void>;
}
