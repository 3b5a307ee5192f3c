/**
 * The spool's promise, method by method. A spool holds one shard of messages: the bytes of each, and how far
 * each recipient has come. It knows nothing of destinations or retry rules: EntryState is the queue's word,
 * kept verbatim.
 *
 * Failures are `SpoolFailure` with a code:
 *   spool-full    free space or inodes are under the floor, or a body or record found no room; nothing counts as written;
 *                 452 4.3.1, try later.
 *   spool-broken  a write failed for another reason, or an fdatasync for any; the shard takes no more mail until the process restarts and
 *                 recovers (a failed fsync must never be retried into a 250); 451 4.3.0.
 *   spool-closed  the shard is shutting down; 421.
 */
import { Failure, describe } from "#base/error.ts";

import type { Envelope, Origin } from "../message/envelope.ts";
import type { SpoolFile } from "./files.ts";
import type { Addresses, LineFacts, Seeker } from "./packed-facts.ts";

export type SpoolFailureCode = "spool-full" | "spool-broken" | "spool-closed";

export class SpoolFailure extends Failure {
  override readonly name = "SpoolFailure";
  declare readonly code: SpoolFailureCode;

  constructor(code: SpoolFailureCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
  }
}

/** Of a write of what nobody was promised yet: for want of room it may be there later, all else is broken. */
export function failureOfWrite(error: unknown): SpoolFailure {
  const { code = "" } = error as NodeJS.ErrnoException;
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  return new SpoolFailure(isFull ? "spool-full" : "spool-broken", describe(error), { cause: error });
}

/** For want of room alone. */
export function isForRoom(error: unknown): boolean {
  return failureOfWrite(error).code === "spool-full";
}

/** How far one recipient has come. Absent from the spool once settled. */
export interface EntryState {
  readonly status: "queued" | "hold";
  readonly attempts: number;
  /** Wall-clock ms of the next attempt. */
  readonly dueAt: number;
  /** The last reply or error, one line, cleaned of control bytes, at most 512 bytes; "" before any attempt. */
  readonly lastReply: string;
  /** How many delay notices were sent. */
  readonly delayNotices: number;
  /** What scripts keep with the recipient; absent for nothing. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Absent for a recipient that nobody has moved. */
  readonly moved?: Moved | undefined;
}

/** What an administrator or a script has put in place of facts of the envelope. */
export interface Moved {
  readonly transportId?: string | undefined;
  readonly jobId?: string | undefined;
  readonly tenantId?: string | undefined;
  /** In place of the group of its mail exchangers. */
  readonly grouping?: string | undefined;
}

/** Whoever moves a recipient on. */
export interface StateSource {
  state(): EntryState;
}

export interface SpooledRecipient {
  readonly address: string;
  readonly state: EntryState;
}

export interface SpooledMessage {
  readonly id: string;
  readonly receivedAt: number;
  readonly envelope: Envelope;
  readonly origin: Origin;
  /** Bytes of header and body in CRLF form, trace field included, not dot-stuffed. */
  readonly sizeBytes: number;
  /** As things stand when asked: index i belongs to envelope.recipients[i]; null where already settled. */
  readonly recipients: readonly (SpooledRecipient | null)[];
}

/** One that the spool holds, as the queue works with it. */
export interface LiveMail extends SpooledMessage {
  /** Where mail of it waits; cheap also at rest. */
  readonly line: LineFacts;
  /** Names that each of its recipients is counted under; asked for each, so it costs the same however many they are. */
  readonly quotas: readonly string[];
  /** The same, for whoever looks through a long queue. */
  readonly addresses: Addresses;
  /** False: none of its addresses holds what the seeker is for; true: look. */
  mayHold(seeker: Seeker): boolean;
  /** Wall-clock ms by which ids are in order; null where an id does not say: then only the ids themselves tell. */
  readonly idMadeAt: number | null;
  /** Nobody will look at the message for a while: it makes itself small, and looking is slow until `wake`. */
  rest(): void;
  wake(): void;
  /** From now on `source` says how far the recipient has come; spares a copy of it. */
  follow(recipient: number, source: StateSource): void;
  /** All that are followed. */
  readonly sources: readonly StateSource[];
  /** Null where settled. */
  stateOf(recipient: number): EntryState | null;
}

/** What intake hands over. Either the bytes, perhaps in pieces, or a body file that `createBody` opened and that is complete. */
export interface Draft {
  readonly id: string;
  readonly receivedAt: number;
  readonly envelope: Envelope;
  readonly origin: Origin;
  readonly dueAt: number;
  /** For mail that comes from a peer: how far each recipient has come there. Absent: nobody was tried yet. */
  readonly states?: readonly (EntryState | null)[];
  readonly content: Buffer | readonly Buffer[] | BodyWriter;
  /** All of it has lines that end in CRLF, and none begins with a dot. Absent: not known. */
  readonly isPlain?: boolean;
}

/** A message too large to hold in memory, on its way to a file of its own. */
export interface BodyWriter {
  readonly sizeBytes: number;
  /** Resolves when the writer wants more (back-pressure). Rejects with a SpoolFailure. */
  write(chunk: Buffer): Promise<void>;
  /** Puts bytes in front of all that was written, which copies the file. Rejects with a SpoolFailure. */
  prepend(head: Buffer): Promise<void>;
  /** What was written so far; fewer bytes only at its end. Rejects when they cannot be read. */
  read(offset: number, length: number): Promise<Buffer>;
  /** Gives the file up; harmless after commit. */
  abort(): Promise<void>;
}

/** The bytes of a stored message: in memory when small, else to be read in pieces of at most 64 KiB. */
export type Content =
  | {
      readonly kind: "memory";
      readonly bytes: Buffer;
      /** The same in the pieces that it came in, for whoever needs it not in one; absent: it is in one. */
      readonly pieces?: readonly Buffer[];
      /** Each line ends in CRLF and none begins with a dot; absent: not known. */
      readonly isPlain?: boolean;
    }
  | {
      readonly kind: "file";
      readonly chunks: () => AsyncIterable<Buffer>;
      /** The file itself, which holds nothing else; whoever opens it closes it. Absent from content made elsewhere. */
      readonly open?: () => Promise<BodySource>;
    };

export type BodySource = Pick<SpoolFile, "fd" | "size" | "read" | "close">;

export interface SpoolFigures {
  readonly messages: number;
  readonly bytesOnDisk: number;
  readonly segments: number;
  readonly bytesFree: number | null;
  /** Null while the shard takes mail, else why it does not. */
  readonly closedBecause: SpoolFailureCode | null;
}

export interface Spool {
  /** The mail in it is to be left alone. */
  readonly isFenced: boolean;
  /** A write has failed: nothing is kept any more, neither mail nor what becomes of it, until the next process. */
  readonly isBroken: boolean;
  /** The disk is full: what became of mail is known here and not on disk, until there is room again. */
  readonly isBehind: boolean;
  /**
   * Resolves only after the message is on disk: its record (and body file) written and fdatasync returned.
   * From then on it is found again after any crash. Rejects with a SpoolFailure, and then nothing is kept.
   */
  commit(draft: Draft): Promise<LiveMail>;

  /** Opens a body file for a draft larger than the inline limit. Rejects with a SpoolFailure. */
  createBody(id: string): Promise<BodyWriter>;

  /**
   * The bytes of a live message. Rejects with a Failure of code `message-corrupt` when its CRC no longer
   * holds (the record stays where it is) or `message-unknown` when it was settled before.
   */
  read(id: string): Promise<Content>;

  /**
   * Records a recipient's new state. Written with the next batch and not waited for: when it is lost in a
   * crash, the recipient is tried earlier than planned, which harms nobody.
   */
  update(id: string, recipient: number, state: EntryState): void;

  /**
   * Records that a recipient needs nothing more. Written with the next batch; when the record is lost in a
   * crash, the recipient may get a second copy, which is why the batch follows at once. The message is
   * forgotten with its last recipient.
   */
  settle(id: string, recipient: number): void;

  /** A live message. */
  find(id: string): LiveMail | undefined;

  /** All live messages, in order of arrival. They may come and go meanwhile. */
  messages(): Iterable<LiveMail>;

  /** Every live message, once, before anything else is called. A damaged record was copied aside and logged. */
  recover(): AsyncIterable<LiveMail>;

  /** Resolves when all that was handed over before is on disk. */
  flush(): Promise<void>;

  figures(): SpoolFigures;

  /** Flushes, then refuses all that follows with `spool-closed`. */
  close(): Promise<void>;
}
