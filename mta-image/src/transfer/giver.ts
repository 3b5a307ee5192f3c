/**
 * The giving side of a hand-over: batches of queued messages go to peers in turn until the queue is empty, the
 * hand-over is stopped, or every peer fails. An engine that goes on serving gives due mail alone, and to each peer no more
 * than its share; a peer that fails gets nothing more of it.
 *
 * For each batch: the messages leave the queue's hands, the ids are noted as leaving (on disk), the batch is
 * sent, the ids that the peer names are settled here (on disk), then struck from the ledger, and the peer is told
 * that it may forget them. What the peer does not name comes back to the queue.
 *
 * When no answer comes, nobody knows: the messages stay with nobody until that peer answers the question
 * "taken?". They are never sent to another peer meanwhile and never tried here, since both could double them.
 * After a crash the ledger tells the same. Nothing in here rejects.
 *
 * One message that a peer cannot read (an older version, say) must not keep the others here: a batch that is refused for
 * what is in it goes again in halves, and what is refused alone stays until the next order.
 */
import { type Clock, sleep } from "#base/clock.ts";
import { Failure, describe } from "#base/error.ts";
import { makeId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";

import { encodeFrame } from "./frames.ts";
import type { Batch, Ledger } from "./ledger.ts";
import type { Parcel, Peer, Store } from "./ports.ts";

/** What a drain waits for, in words for the status. */
export interface GiverFigures {
  readonly given: number;
  /** Messages that a peer may have or not have. */
  readonly unanswered: number;
  readonly waitsFor: string | null;
  /** Recipients that are still to go to peers while the engine serves, or are on their way to one. */
  readonly spreading: number;
  /** Recipients that went so. */
  readonly spread: number;
}

export interface GiverOptions {
  readonly ledger: Ledger;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** A message as it goes over. */
interface Loaded {
  readonly id: string;
  readonly recipients: number;
  readonly bytes: readonly Buffer[];
}

const BATCH = { messages: 500, bytes: 8 * 1024 * 1024 };
const PAUSE_MS = 1000;

export class Giver {
  readonly #options: GiverOptions;
  #unanswered: readonly Batch[];
  #peers: readonly Peer[] = [];
  #turn = 0;
  #given = 0;
  #waitsFor: string | null = null;
  #running: Promise<void> | null = null;
  /** Recipients that each peer may still get; null: all that there is. */
  #shares: Map<string, number> | null = new Map();
  #onWay = 0;
  #spread = 0;
  /** Messages in the next batch. */
  #most = BATCH.messages;
  /** Could not be read: left out until nothing else is there, or as many as fill a batch would keep all others here. */
  readonly #unread = new Set<string>();
  /** Refused alone. */
  readonly #unwanted = new Set<string>();
  readonly #stop = new AbortController();

  constructor(options: GiverOptions) {
    this.#options = options;
    this.#unanswered = options.ledger.leaving();
  }

  /** Ids that are with nobody: at start they must not be queued before their peer has been asked. */
  get withheld(): ReadonlySet<string> {
    return new Set(this.#unanswered.flatMap(({ ids }) => ids));
  }

  /** At start: of messages that are not `here` any more it is known that a peer has them, whether or not it can be asked. */
  forgetSettled(here: ReadonlySet<string>): void {
    this.#options.ledger.left([...this.withheld].filter((id) => !here.has(id)));
    this.#unanswered = this.#unanswered
      .map((batch) => ({ ...batch, ids: batch.ids.filter((id) => here.has(id)) }))
      .filter(({ ids }) => ids.length > 0);
  }

  get figures(): GiverFigures {
    const left = sumOf([...(this.#shares?.values() ?? [])]);
    return {
      given: this.#given,
      unanswered: this.withheld.size,
      waitsFor: this.#waitsFor,
      spreading: this.#shares === null ? 0 : Math.max(left, this.#onWay),
      spread: this.#spread,
    };
  }

  /** Hands over to these peers until `keep`, or goes on with another list of them. */
  give(peers: readonly Peer[]): void {
    this.#shares = null;
    this.#begin(peers);
  }

  /** Hands due mail over, to each of these peers at most so many recipients. */
  spread(peers: readonly Peer[], shares: ReadonlyMap<string, number>): void {
    this.#shares = new Map(shares);
    this.#begin(peers);
  }

  /** Gives no more. Peers that owe an answer are asked until they have told; what is left stays in the queue. */
  keep(peers: readonly Peer[]): void {
    this.#shares = new Map();
    this.#begin(peers);
  }

  /** Ends for good after the call under way: the process stops. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  get #isGiving(): boolean {
    return this.#shares === null || this.#shares.size > 0;
  }

  #begin(peers: readonly Peer[]): void {
    this.#peers = peers;
    this.#unwanted.clear();
    if (this.#running !== null || this.#stop.signal.aborted) return;
    this.#running = this.#run(this.#stop.signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#askUnanswered();
      if (!this.#isGiving && this.#unanswered.length === 0) {
        this.#waitsFor = null;
        // In this turn: an order that comes now must find nobody running who has looked already.
        this.#running = null;
        return;
      }
      const moved = this.#isGiving && (await this.#giveBatch());
      if (!moved) await sleep(this.#options.clock, PAUSE_MS, signal);
    }
  }

  /** True when a batch was taken, so that the next one may follow at once. */
  async #giveBatch(): Promise<boolean> {
    const peer = this.#nextPeer();
    if (peer === null) return false;
    const shares = this.#shares;
    const share = shares?.get(peer.name);
    const bounds = { ...BATCH, messages: this.#most, except: new Set([...this.#unwanted, ...this.#unread]) };
    const parcels = this.#options.store.checkOut(
      share === undefined ? bounds : { ...bounds, recipients: share },
    );
    if (parcels.length === 0) {
      shares?.clear();
      this.#unread.clear();
      return false;
    }
    this.#onWay = sumOf(parcels.map(({ head }) => recipientsIn(head)));
    const frames = await this.#frames(parcels);
    const recipients = sumOf(frames.map((frame) => frame.recipients));
    const isTaken = frames.length > 0 && (await this.#send(peer, frames));
    this.#onWay = 0;
    // Messages that cannot be read are no fault of the peer's.
    if (frames.length === 0) return true;
    if (share === undefined) return isTaken;
    if (isTaken) this.#spread += recipients;
    if (isTaken && share > recipients) shares?.set(peer.name, share - recipients);
    else shares?.delete(peer.name);
    return isTaken;
  }

  async #send(peer: Peer, frames: readonly Loaded[]): Promise<boolean> {
    const batch = {
      batch: makeId(this.#options.clock.now()),
      peer: peer.name,
      ids: frames.map(({ id }) => id),
    };
    if (!this.#noteLeaving(batch)) return false;
    try {
      const taken = await peer.send(
        batch.batch,
        frames.flatMap(({ bytes }) => bytes),
      );
      await this.#conclude(peer, batch, taken);
      this.#waitsFor = null;
      this.#most = Math.min(BATCH.messages, this.#most * 2);
      return true;
    } catch (error) {
      this.#waitsFor = `${peer.name}: ${describe(error)}`;
      this.#unanswered = [...this.#unanswered, batch];
      const facts = { peer: peer.name, messages: batch.ids.length, error: describe(error) };
      this.#options.log.warn(facts, "hand-over-unanswered");
      if (error instanceof Failure && !error.transient) this.#narrow(batch, error);
      return false;
    }
  }

  /** Something in the batch is none for the peer. */
  #narrow({ ids }: Batch, error: Failure): void {
    const [message] = ids;
    if (ids.length > 1) this.#most = Math.ceil(ids.length / 2);
    else if (message !== undefined) {
      this.#unwanted.add(message);
      this.#options.log.warn({ message, error: describe(error) }, "hand-over-skipped");
    }
  }

  /** A message that cannot be read is not handed over: it stays here, where its trouble is known. */
  async #frames(parcels: readonly Parcel[]): Promise<Loaded[]> {
    const { store, log } = this.#options;
    const read = await Promise.all(
      parcels.map(async ({ head }) => {
        try {
          const content = await store.content(head.id);
          return { id: head.id, recipients: recipientsIn(head), bytes: encodeFrame({ head, content }) };
        } catch (error) {
          log.warn({ message: head.id, error: describe(error) }, "hand-over-skipped");
          this.#unread.add(head.id);
          store.giveBack([head.id]);
          return null;
        }
      }),
    );
    return read.filter((frame) => frame !== null);
  }

  #noteLeaving(batch: Batch): boolean {
    try {
      this.#options.ledger.leave(batch);
      return true;
    } catch (error) {
      this.#waitsFor = describe(error);
      this.#options.store.giveBack(batch.ids);
      return false;
    }
  }

  /** The answer is known: `taken` are the peer's, the others ours. */
  async #conclude(peer: Peer, { batch, ids }: Batch, taken: readonly string[]): Promise<void> {
    const { store, ledger } = this.#options;
    const theirs = ids.filter((id) => taken.includes(id));
    const ours = ids.filter((id) => !taken.includes(id));
    await store.settle(theirs);
    ledger.left(ids);
    store.giveBack(ours);
    this.#given += theirs.length;
    // When this is lost, the peer remembers a little longer; nothing else.
    if (theirs.length > 0) await peer.forgotten(batch, theirs).catch(() => {});
  }

  async #askUnanswered(): Promise<void> {
    for (const batch of this.#unanswered) {
      const peer = this.#peers.find(({ name }) => name === batch.peer);
      if (peer === undefined) {
        this.#waitsFor = `${batch.peer}: ${batch.ids.length} messages were sent to it and it is not among the peers`;
        continue;
      }
      try {
        await this.#conclude(peer, batch, await peer.taken(batch.batch, batch.ids));
        this.#unanswered = this.#unanswered.filter((other) => other !== batch);
      } catch (error) {
        this.#waitsFor = `${batch.peer}: ${describe(error)}`;
      }
    }
  }

  /** In turn, without those that owe an answer. */
  #nextPeer(): Peer | null {
    const free = this.#peers.filter(
      ({ name }) => this.#shares?.has(name) !== false && !this.#unanswered.some(({ peer }) => peer === name),
    );
    return free[this.#turn++ % Math.max(free.length, 1)] ?? null;
  }
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function recipientsIn({ states }: Parcel["head"]): number {
  return states.filter((state) => state !== null).length;
}
