/**
 * One message in memory: what its record says, how far its recipients have come now, and where the record is.
 * The same object is what the queue is handed (SpooledMessage), so that a queued message costs one object and
 * not two; `recipients` is made from it when somebody asks. Envelope and origin are packed while the message rests
 * and unpacked when somebody looks. Only the spool writes to it. Never fails.
 */
import type { Envelope, Origin } from "../message/envelope.ts";
import type { MessageMeta } from "./record.ts";
import { type Facts, FactsPacker } from "./packed-facts.ts";
import type { Location } from "./segment-log.ts";
import type { EntryState, SpooledMessage, SpooledRecipient } from "./spool.ts";

/** The words of all spools of the process. */
const packer = new FactsPacker();

export class LiveMessage implements SpooledMessage {
  readonly id: string;
  readonly receivedAt: number;
  readonly sizeBytes: number;
  readonly inFile: boolean;
  /** By recipient; null where settled. */
  readonly states: (EntryState | null)[];
  /** Recipients that are not settled. */
  left: number;
  location: Location;
  /** The bytes while the catalog has room for them. */
  content: Buffer | null;
  #facts: Facts | null;
  #packed: string | null = null;

  constructor(meta: MessageMeta, location: Location, content: Buffer | null) {
    this.id = meta.id;
    this.receivedAt = meta.receivedAt;
    this.#facts = { envelope: meta.envelope, origin: meta.origin };
    this.sizeBytes = meta.sizeBytes;
    this.inFile = meta.inFile;
    this.states = [...meta.states];
    this.left = this.states.reduce((sum, state) => sum + (state === null ? 0 : 1), 0);
    this.location = location;
    this.content = content;
  }

  get envelope(): Envelope {
    return this.#unpacked().envelope;
  }

  get origin(): Origin {
    return this.#unpacked().origin;
  }

  /** Nobody will look at it for a while. */
  rest(): void {
    if (this.#facts === null) return;
    this.#packed ??= packer.pack(this.#facts);
    this.#facts = null;
  }

  #unpacked(): Facts {
    this.#facts ??= packer.unpack(this.#packed ?? "");
    return this.#facts;
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
