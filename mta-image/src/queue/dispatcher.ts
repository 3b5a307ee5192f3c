/**
 * Starts attempts: destinations take turns, one attempt each, within the window of each destination and the
 * bound over all. The queue puts ready entries in; what an attempt brings goes to `settle`.
 * A courier that rejects is a bug: it is logged, and the entries of that attempt are tried again.
 */
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { Courier, Outcome } from "./courier.ts";
import { DestinationQueue, destinationKey } from "./destination-queue.ts";
import type { Entry } from "./entry.ts";
import { Round } from "./round.ts";

export interface DispatcherOptions {
  readonly courier: Courier;
  readonly log: Log;
  /** Attempts under way over all destinations. */
  readonly maxRunning: number;
  /** One outcome per entry, in order. Resolves when notices, if any are due, are sent or put off. */
  readonly settle: (entries: readonly Entry[], outcomes: readonly Outcome[]) => Promise<void>;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #destinations = new Map<string, DestinationQueue<Entry>>();
  readonly #round = new Round();
  #running = 0;
  #isClosed = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  /** The line that a recipient belongs to; counts one more entry that names it. */
  join(transportId: string, domain: string): DestinationQueue<Entry> {
    const key = destinationKey(transportId, domain);
    let destination = this.#destinations.get(key);
    if (destination === undefined) {
      destination = new DestinationQueue<Entry>(transportId, domain);
      this.#destinations.set(key, destination);
    }
    destination.entries++;
    return destination;
  }

  /** An entry is gone; its destination is forgotten with the last one. */
  quit(destination: DestinationQueue<Entry>): void {
    destination.entries--;
    if (destination.entries === 0) this.#destinations.delete(destination.key);
  }

  /** Puts a ready entry into its line. Nothing starts before `pump`. */
  line(entry: Entry): void {
    entry.phase = "ready";
    entry.destination.push(entry);
    this.#round.add(entry.destination);
  }

  /** Starts what may start, one attempt per destination and turn, so that no destination starves another. */
  pump(): void {
    const { courier, maxRunning } = this.#options;
    while (!this.#isClosed && this.#running < maxRunning) {
      const destination = this.#round.take();
      if (destination === undefined) return;
      if (destination.peek() === null || destination.running >= courier.attemptsPerDestination) continue;
      void this.#run(destination, destination.take());
      this.#round.add(destination);
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  /** When the entry that has been due for longest became due, or null when none is in line. */
  oldestDueAt(): number | null {
    let oldest: number | null = null;
    for (const destination of this.#destinations.values()) {
      const first = destination.peek();
      if (first !== null && (oldest === null || first.dueAt < oldest)) oldest = first.dueAt;
    }
    return oldest;
  }

  async #run(destination: DestinationQueue<Entry>, entries: readonly Entry[]): Promise<void> {
    destination.running++;
    this.#running++;
    // Entries that failed before and only miss their notice (all of them do, see take) are not tried again.
    const verdicts = entries.flatMap((entry) => (entry.verdict === null ? [] : [entry.verdict]));
    const outcomes = verdicts.length > 0 ? verdicts : await this.#attempt(destination, entries);
    const settled = this.#options.settle(entries, outcomes);
    // A notice on its way holds no place of the destination, unless the notice is all there is to do.
    if (verdicts.length > 0) await settled;
    destination.running--;
    this.#running--;
    this.#round.add(destination);
    this.pump();
  }

  async #attempt(
    destination: DestinationQueue<Entry>,
    entries: readonly Entry[],
  ): Promise<readonly Outcome[]> {
    const [first] = entries as readonly [Entry];
    const recipients = entries.map((entry) => entry.recipient);
    try {
      return await this.#options.courier.deliver({ destination, message: first.message, recipients });
    } catch (error) {
      this.#options.log.error({ message: first.message.id, error: describe(error) }, "courier-bug");
      return [];
    }
  }
}
