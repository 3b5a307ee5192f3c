/**
 * The taking side of a hand-over. For each batch: the ids are noted as arriving, the messages are stored (one
 * group commit), the ids are noted as taken, only then the answer goes out and the queue may try them. What was
 * taken before in the same batch is answered with yes and not stored again; in another batch it comes anew, since it
 * may have left again meanwhile.
 *
 * A giver that got no answer asks "taken?". That closes the batch: a "no" must stay true, so the same batch, still
 * on its way somewhere, is refused when it comes. Closed batches are kept in memory only: what was on its way
 * belongs to a connection of this process.
 *
 * An engine that is leaving takes none: it may be seen empty and go at any moment.
 *
 * A crash at any point: an arriving id that is found in the spool at start was stored, so it is taken; one that is
 * not found was not, and the giver still has it. The same is looked up when the ledger failed in between. A spool that
 * is broken does not know what is on its disk: until the next start there is no answer then. Rejects with the spool's or the ledger's Failure; the giver then
 * keeps everything that the answer does not name.
 */
import type { Clock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";
import type { TransferAnswer, TransferQuestion } from "#contract/transfer-api.ts";

import { type Frame, decodeFrames } from "./frames.ts";
import type { Arrivals, Ledger } from "./ledger.ts";
import type { Door } from "./ports.ts";

/** A batch is on its way for seconds; this many questions take hours. */
const MAX_CLOSED = 10_000;

export class Receiver {
  readonly #ledger: Ledger;
  readonly #door: Door;
  readonly #clock: Clock;
  readonly #isOpen: () => boolean;
  /** Ids of batches being stored: the same batch sent again waits for the first. */
  readonly #storing = new Map<string, Promise<void>>();
  readonly #closed = new Set<string>();

  constructor(options: {
    readonly ledger: Ledger;
    readonly door: Door;
    readonly clock: Clock;
    readonly isOpen: () => boolean;
  }) {
    this.#ledger = options.ledger;
    this.#door = options.door;
    this.#clock = options.clock;
    this.#isOpen = options.isOpen;
  }

  /** Messages that are being stored. */
  get arriving(): number {
    return this.#storing.size;
  }

  /** Once at start, before the spool's messages are queued. */
  recover(): void {
    for (const arrivals of this.#ledger.arriving()) this.#decide(arrivals);
  }

  async receive(batch: string, bytes: Buffer): Promise<TransferAnswer> {
    const frames = decodeFrames(bytes);
    const ids = frames.map(({ head }) => head.id);
    while (this.#areStoring(ids)) await this.#stored(ids);
    // From here to the note in #storing nothing is waited for: a question comes before or after, never between.
    if (this.#closed.has(batch))
      throw new Failure("batch-closed", `batch ${batch} was given up by its sender`);
    // Whoever sees an engine that is leaving empty may believe it: nothing comes to it any more.
    if (!this.#isOpen()) throw new Failure("engine-leaving", "this engine is leaving and takes no mail");
    this.#decideBatch(batch);
    const known = new Set(this.#ledger.taken({ batch, ids }));
    const fresh = frames.filter(({ head }) => !known.has(head.id) && !this.#door.has(head.id));
    const stored = fresh.length === 0 ? [] : await this.#store(batch, fresh);
    return { ids: [...known, ...stored] };
  }

  async taken({ batch, ids }: TransferQuestion): Promise<TransferAnswer> {
    this.#close(batch);
    while (this.#areStoring(ids)) await this.#stored(ids);
    this.#decideBatch(batch);
    return { ids: [...this.#ledger.taken({ batch, ids })] };
  }

  forgotten(question: TransferQuestion): TransferAnswer {
    this.#ledger.forget(question, this.#clock.now());
    return { ids: question.ids };
  }

  /** Asked anew after each wait: of several who waited for the same messages the first may store them again. */
  #areStoring(ids: readonly string[]): boolean {
    return ids.some((id) => this.#storing.has(id));
  }

  async #stored(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#storing.get(id)));
  }

  #close(batch: string): void {
    this.#closed.add(batch);
    if (this.#closed.size <= MAX_CLOSED) return;
    const [oldest] = this.#closed;
    this.#closed.delete(oldest as string);
  }

  /** Of a batch that is not being stored now. */
  #decideBatch(batch: string): void {
    const arrivals = this.#ledger.arriving().find((other) => other.batch === batch);
    if (arrivals !== undefined) this.#decide(arrivals);
  }

  /** What became of messages that were to be stored. */
  #decide({ batch, ids }: Arrivals): void {
    if (this.#door.isBroken) throw broken();
    const stored = ids.filter((id) => this.#door.has(id));
    this.#ledger.take({ batch, ids: stored }, this.#clock.now());
    this.#ledger.dropArriving({ batch, ids: ids.filter((id) => !this.#door.has(id)) });
    this.#door.enqueue(stored);
  }

  async #store(batch: string, frames: readonly Frame[]): Promise<string[]> {
    if (this.#door.isBroken) throw broken();
    const ids = frames.map(({ head }) => head.id);
    this.#ledger.arrive({ batch, ids });
    const work = this.#storeAll(batch, frames);
    const quiet = work.then(
      () => {},
      () => {},
    );
    for (const id of ids) this.#storing.set(id, quiet);
    try {
      return await work;
    } finally {
      for (const id of ids) this.#storing.delete(id);
    }
  }

  /**
   * What could not be stored is not in the answer; what could is taken, whatever became of the others. When the spool broke
   * there is no answer, since it would say "no" of what may be on disk.
   */
  async #storeAll(batch: string, frames: readonly Frame[]): Promise<string[]> {
    const results = await Promise.allSettled(
      frames.map(({ head, content }) => this.#door.store(head, content)),
    );
    const ids = frames.map(({ head }) => head.id);
    const stored = ids.filter((_, i) => results[i]?.status === "fulfilled");
    this.#ledger.take({ batch, ids: stored }, this.#clock.now());
    this.#door.enqueue(stored);
    const refusal = results.find((result) => result.status === "rejected");
    if (refusal !== undefined && this.#door.isBroken) throw refusal.reason;
    const refused = ids.filter((_, i) => results[i]?.status === "rejected");
    this.#ledger.dropArriving({ batch, ids: refused });
    if (refusal === undefined || stored.length > 0) return stored;
    throw refusal.reason;
  }
}

function broken(): Failure {
  return new Failure("spool-broken", "the spool is broken; what is on its disk is known after a restart");
}
