/**
 * One message in memory: what its record says, how far its recipients have come now, and where the record is.
 * The same object is what the queue is handed (SpooledMessage), so that a queued message costs one object and
 * not two; `recipients` is made from it when somebody asks. What was said about it is packed while the message rests
 * and unpacked when somebody looks; where its record is stands in plain numbers, since an object for it would cost
 * twice as much. Only the spool writes to it. Never fails.
 */
import { isId, splitId } from "#base/ids.ts";

import { type Envelope, type Origin, domainOf } from "../message/envelope.ts";
import type { MessageMeta } from "./record.ts";
import { type Addresses, type Facts, type LineFacts, type Seeker, facts as packer } from "./packed-facts.ts";
import type { Location } from "./batch.ts";
import type { EntryState, LiveMail, SpooledRecipient, StateSource } from "./spool.ts";

/** How far a recipient has come, or who knows; null where settled. */
type Standing = EntryState | StateSource | null;

/** A message at rest, as a snapshot keeps it. */
export interface Rested {
  /** Packed. */
  readonly facts: string;
  readonly sizeBytes: number;
  readonly states: readonly (EntryState | null)[];
  readonly inFile: boolean;
}

export class LiveMessage implements LiveMail {
  readonly sizeBytes: number;
  /** By recipient, in a list unless there is one. */
  #states: Standing | Standing[];
  /** Recipients that are not settled, times two, and one for content in a file of its own. */
  #tally: number;
  #segment = 0;
  #offset = 0;
  #length = 0;
  /** Packed while the message rests. */
  #facts: Facts | string;

  constructor(meta: MessageMeta | Rested, location: Location) {
    this.#facts = "facts" in meta ? meta.facts : factsOf(meta);
    this.sizeBytes = meta.sizeBytes;
    this.#states = meta.states.length === 1 ? (meta.states[0] ?? null) : [...meta.states];
    this.#tally = meta.states.reduce<number>((sum, state) => sum + (state === null ? 0 : 2), +meta.inFile);
    this.location = location;
  }

  get id(): string {
    const facts = this.#facts;
    return typeof facts === "string" ? packer.id(facts) : facts.id;
  }

  get inFile(): boolean {
    return this.#tally % 2 === 1;
  }

  /** Recipients that are not settled. */
  get left(): number {
    return Math.floor(this.#tally / 2);
  }

  get receivedAt(): number {
    const facts = this.#facts;
    return typeof facts === "string" ? packer.receivedAt(facts) : facts.receivedAt;
  }

  get location(): Location {
    return { segment: this.#segment, offset: this.#offset, length: this.#length };
  }

  set location({ segment, offset, length }: Location) {
    this.#segment = segment;
    this.#offset = offset;
    this.#length = length;
  }

  get segment(): number {
    return this.#segment;
  }

  /** The record has not been written anew since it was at `location`. */
  isAt({ segment, offset }: Location): boolean {
    return this.#segment === segment && this.#offset === offset;
  }

  get envelope(): Envelope {
    return this.#looked().envelope;
  }

  get origin(): Origin {
    return this.#looked().origin;
  }

  get recipients(): (SpooledRecipient | null)[] {
    return this.envelope.recipients.map((address, i) => {
      const state = this.stateOf(i);
      return state === null ? null : { address, state };
    });
  }

  get idMadeAt(): number | null {
    const facts = this.#facts;
    if (typeof facts === "string") return packer.idMadeAt(facts);
    return isId(facts.id) ? splitId(facts.id).ms : null;
  }

  get addresses(): Addresses {
    const facts = this.#facts;
    return typeof facts === "string" ? packer.addresses(facts) : facts.envelope;
  }

  mayHold(seeker: Seeker): boolean {
    const facts = this.#facts;
    return typeof facts !== "string" || packer.mayHold(facts, seeker);
  }

  get line(): LineFacts {
    const facts = this.#facts;
    if (typeof facts === "string") return packer.line(facts);
    const { transportId, jobId, tenantId, recipients } = facts.envelope;
    return { transportId, jobId, tenantId, domains: recipients.map(domainOf) };
  }

  get quotas(): readonly string[] {
    const facts = this.#facts;
    return typeof facts === "string" ? packer.quotas(facts) : (facts.envelope.quotas ?? []);
  }

  get sources(): readonly StateSource[] {
    const states = Array.isArray(this.#states) ? this.#states : [this.#states];
    return states.filter((state) => state !== null && "state" in state);
  }

  rest(): void {
    if (typeof this.#facts !== "string") this.#facts = packer.pack(this.#facts);
  }

  wake(): void {
    this.#facts = this.#looked();
  }

  /** Null where settled. */
  stateOf(recipient: number): EntryState | null {
    const state = this.#standing(recipient);
    return state !== null && "state" in state ? state.state() : state;
  }

  follow(recipient: number, source: StateSource): void {
    if (this.#standing(recipient) !== null) this.#stand(recipient, source);
  }

  /** Kept unless somebody is followed who knows better. False for a recipient that is settled. */
  keep(recipient: number, state: EntryState): boolean {
    const known = this.#standing(recipient);
    if (known === null) return false;
    if (!("state" in known)) this.#stand(recipient, state);
    return true;
  }

  /** False when it was settled before. */
  settle(recipient: number): boolean {
    if (this.#standing(recipient) === null) return false;
    this.#stand(recipient, null);
    this.#tally -= 2;
    return true;
  }

  /** What a record written now would say. */
  meta(): MessageMeta {
    const { sizeBytes, inFile } = this;
    return { ...this.#looked(), sizeBytes, states: this.#allStates(), inFile };
  }

  /** What a snapshot taken now would say. */
  rested(): Rested {
    const { sizeBytes, inFile } = this;
    const facts = typeof this.#facts === "string" ? this.#facts : packer.pack(this.#facts);
    return { facts, sizeBytes, states: this.#allStates(), inFile };
  }

  #allStates(): (EntryState | null)[] {
    return Array.isArray(this.#states) ? this.#states.map((_, i) => this.stateOf(i)) : [this.stateOf(0)];
  }

  #standing(recipient: number): Standing {
    if (Array.isArray(this.#states)) return this.#states[recipient] ?? null;
    return recipient === 0 ? this.#states : null;
  }

  #stand(recipient: number, standing: Standing): void {
    if (Array.isArray(this.#states)) this.#states[recipient] = standing;
    else this.#states = standing;
  }

  /** Of a message at rest it is made anew each time, so that looking through a long queue does not fill the memory. */
  #looked(): Facts {
    return typeof this.#facts === "string" ? packer.unpack(this.#facts) : this.#facts;
  }
}

function factsOf({ id, receivedAt, envelope, origin }: MessageMeta): Facts {
  return { id, receivedAt, envelope, origin };
}
