/**
 * One message in memory: what its record says, how far its recipients have come now, and where the record is.
 * The same object is what the queue is handed (SpooledMessage), so that a queued message costs one object and
 * not two; `recipients` is made from it when somebody asks. Only the spool writes to it. Never fails.
 */
import type { Envelope, Origin } from "../message/envelope.ts";
import type { MessageMeta } from "./record.ts";
import type { Location } from "./segment-log.ts";
import type { EntryState, SpooledMessage, SpooledRecipient } from "./spool.ts";

export class LiveMessage implements SpooledMessage {
  readonly id: string;
  readonly receivedAt: number;
  readonly envelope: Envelope;
  readonly origin: Origin;
  readonly sizeBytes: number;
  readonly inFile: boolean;
  /** By recipient; null where settled. */
  readonly states: (EntryState | null)[];
  /** Recipients that are not settled. */
  left: number;
  location: Location;
  /** The bytes while the catalog has room for them. */
  content: Buffer | null;

  constructor(meta: MessageMeta, location: Location, content: Buffer | null) {
    this.id = meta.id;
    this.receivedAt = meta.receivedAt;
    this.envelope = meta.envelope;
    this.origin = meta.origin;
    this.sizeBytes = meta.sizeBytes;
    this.inFile = meta.inFile;
    this.states = [...meta.states];
    this.left = this.states.reduce((sum, state) => sum + (state === null ? 0 : 1), 0);
    this.location = location;
    this.content = content;
  }

  get recipients(): (SpooledRecipient | null)[] {
    return this.envelope.recipients.map((address, i) => {
      const state = this.states[i] ?? null;
      return state === null ? null : { address, state };
    });
  }

  /** What a record written now would say. */
  meta(): MessageMeta {
    const { id, receivedAt, envelope, origin, sizeBytes, inFile } = this;
    return { id, receivedAt, envelope, origin, sizeBytes, states: [...this.states], inFile };
  }
}
