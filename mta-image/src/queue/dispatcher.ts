/**
 * Starts attempts: lines take turns, one attempt each, within the window of each destination and the bound over
 * all, and as far as policies and suspensions admit it. The queue puts ready entries in; what an attempt brings goes
 * to `settle`. A courier that rejects is a bug: it is logged, and the entries of that attempt are tried again.
 */
import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { Admission, Ticket } from "./admission.ts";
import type { Attempt, AttemptTerms, Courier, Outcome } from "./courier.ts";
import { DestinationQueue, type LineName, destinationKey } from "./destination-queue.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import type { Entry } from "./entry.ts";
import { type Quotas, leave } from "./quotas.ts";
import type { Reactions } from "./reactions.ts";
import type { AttemptRules } from "../smtp/reached.ts";
import type { Spool } from "../spool/spool.ts";
import { Round } from "./round.ts";
import type { Made } from "./settlement.ts";

export interface DispatcherOptions {
  readonly courier: Courier;
  readonly log: Log;
  /** Attempts under way over all destinations. */
  readonly maxRunning: number;
  readonly clock: Clock;
  readonly admission: Admission;
  readonly doorkeeper: Doorkeeper;
  readonly quotas: Quotas;
  /** Broken, or behind for now: what becomes of an attempt is kept nowhere, and the next process would make it again. */
  readonly spool: Pick<Spool, "isBroken" | "isBehind">;
  readonly reactions: Reactions;
  /** Hears which entries stand in a line, and which have left it for an attempt. */
  readonly latecomers: { watch(entry: Entry): void; forget(entry: Entry): void };
  /** An entry that was refused at the pick-up. */
  readonly refused: (entry: Entry, by: string, value: unknown) => void;
  /** One outcome per entry, in order. Resolves when notices, if any are due, are sent or put off. */
  readonly settle: (entries: readonly Entry[], outcomes: readonly Outcome[], made: Made) => Promise<void>;
}

/** Of entries in line; times in milliseconds of the wall clock. */
export interface DueFigures {
  readonly oldestAt: number | null;
  /** Of those that no rule holds back. */
  readonly oldestFreeAt: number | null;
  readonly blocked: number;
}

type Line = DestinationQueue<Entry>;

const TURNS_AT_ONCE = 1000;
/** Nobody tells when a disk has room again. */
const LOOK_FOR_ROOM_MS = 1000;
const nobody: LineName = { transportId: "", domain: "", jobId: "", tenantId: "" };

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #destinations = new Map<string, Line>();
  readonly #notices: Line = new DestinationQueue<Entry>("", nobody);
  readonly #round = new Round();
  /** Attempts that have ended, and the milliseconds that they took together. */
  readonly ended = { attempts: 0, ms: 0 };
  /** Nothing is started, until somebody says otherwise and pumps. */
  isPaused = false;
  #running = 0;
  #isClosed = false;
  #isPumpPlanned = false;
  #waitsForRoom = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  /** Why nothing may begin, and nobody be told of anything; null: it may. */
  get stoppedBecause(): string | null {
    if (this.isPaused) return "the engine is fenced";
    if (this.#options.spool.isBroken) return "the spool is broken";
    if (this.#options.spool.isBehind) return "the disk is full, and what becomes of mail could not be kept";
    return null;
  }

  /** Why no attempt may start, whatever the line; null: it may. */
  get idleBecause(): string | null {
    const stopped = this.stoppedBecause;
    if (stopped !== null) return stopped;
    const isFull = this.#isClosed || this.#running >= this.#options.maxRunning;
    return isFull ? "all attempts of the engine are under way" : null;
  }

  find(key: string): Line | undefined {
    return this.#destinations.get(key);
  }

  get lines(): Iterable<Line> {
    return this.#destinations.values();
  }

  /** The line that a recipient belongs to; counts one more entry that names it. */
  join(name: LineName): Line {
    const key = destinationKey(name);
    let destination = this.#destinations.get(key);
    if (destination === undefined) {
      destination = new DestinationQueue<Entry>(key, name);
      this.#destinations.set(key, destination);
      this.#options.quotas.follow(destination);
    }
    destination.entries++;
    for (const count of destination.quotas) count.used++;
    return destination;
  }

  /** An entry is gone; its destination is forgotten with the last one. */
  quit(destination: Line): void {
    destination.entries--;
    for (const count of destination.quotas) leave(count, 1);
    if (destination.entries > 0) return;
    this.#destinations.delete(destination.key);
    this.#options.admission.forget(destination);
  }

  /** For an entry that stands in no line: from now on it belongs to the line of this name. */
  change(entry: Entry, name: LineName): void {
    const { destination } = entry;
    if (destinationKey(name) === destination.key) return;
    entry.destination = this.join(name);
    this.quit(destination);
  }

  /** The same for another transport, which the spool hears of. */
  moveTo(entry: Entry, transportId: string): void {
    const { domain, jobId, tenantId, grouping } = entry.destination;
    entry.moved = { ...entry.moved, transportId };
    this.change(entry, { transportId, domain, jobId, tenantId, grouping });
  }

  /** Puts a ready entry into its line. Nothing starts before `pump`. */
  line(entry: Entry): void {
    entry.phase = "ready";
    const line = entry.verdict === null ? entry.destination : this.#notices;
    line.push(entry);
    if (entry.verdict === null) this.#options.latecomers.watch(entry);
    this.#list(line);
  }

  /**
   * Starts what may start, one attempt per destination and turn, so that no destination starves another. After
   * `TURNS_AT_ONCE` the event loop has its turn too: a hundred thousand lines, or one that wakes itself, block nobody.
   */
  pump(): void {
    for (let turns = 0; this.idleBecause === null; turns++) {
      if (turns === TURNS_AT_ONCE) return this.#planPump();
      const line = this.#round.take();
      if (line === undefined) return;
      this.#turn(line);
      if (line.state !== null) this.#options.admission.turnEnded(line);
    }
    if (this.#options.spool.isBehind) this.#pumpLater();
  }

  close(): void {
    this.#isClosed = true;
  }

  /** When the entry that has been due for longest became due, null when there is none; and how many a rule holds back. */
  dueFigures(): DueFigures {
    const isHeld = (line: Line): boolean => this.isPaused || this.#options.admission.isHeld(line);
    let oldestAt = this.#notices.peek()?.dueAt ?? null;
    let oldestFreeAt = this.isPaused ? null : oldestAt;
    let blocked = this.isPaused ? this.#notices.ready : 0;
    for (const destination of this.#destinations.values()) {
      const dueAt = destination.peek()?.dueAt ?? null;
      if (dueAt === null) continue;
      oldestAt = earlier(oldestAt, dueAt);
      if (isHeld(destination)) blocked += destination.ready;
      else oldestFreeAt = earlier(oldestFreeAt, dueAt);
    }
    return { oldestAt, oldestFreeAt, blocked };
  }

  #turn(line: Line): void {
    const { admission, courier } = this.#options;
    const first = line.peek();
    if (first === null || line.running >= courier.attemptsPerDestination) return;
    if (line.isForNotices || (admission.isOpen && line.localIps === null)) {
      void this.#run(line, this.#take(line), null);
    } else {
      const wake = (): void => this.#wake(line);
      const ticket = admission.admit(line, { isFirstTry: first.attempts === 0, wake });
      if (ticket === null) return;
      const entries = this.#pickUp(line, this.#take(line, ticket.room), ticket);
      if (entries.length > 0) void this.#run(line, entries, ticket);
    }
    this.#list(line);
  }

  #take(line: Line, most?: number): readonly Entry[] {
    const entries = line.take(most);
    for (const entry of entries) this.#options.latecomers.forget(entry);
    return entries;
  }

  /** Those that the doorkeeper lets go. */
  #pickUp(line: Line, entries: readonly Entry[], { source }: Ticket): readonly Entry[] {
    const { admission, doorkeeper, refused } = this.#options;
    if (!doorkeeper.isAsked("pickup")) return entries;
    const facts = admission.factsOf(line, source);
    return entries.filter((entry) => {
      const { message, recipient } = entry;
      const answer = doorkeeper.ask("pickup", { message, recipient, facts, localIps: [source] });
      if (answer.kind === "refused") refused(entry, answer.by, answer.value);
      return answer.kind === "accepted";
    });
  }

  #wake(line: Line): void {
    this.#list(line);
    this.#planPump();
  }

  #planPump(): void {
    if (this.#isPumpPlanned) return;
    this.#isPumpPlanned = true;
    setImmediate(() => {
      this.#isPumpPlanned = false;
      this.pump();
    });
  }

  #pumpLater(): void {
    if (this.#waitsForRoom || this.#isClosed) return;
    this.#waitsForRoom = true;
    this.#options.clock.after(LOOK_FOR_ROOM_MS, () => {
      this.#waitsForRoom = false;
      this.pump();
    });
  }

  /** A line that waits for a rule has no turns. */
  #list(line: Line): void {
    if (line.state === null || !line.state.isParked) this.#round.add(line);
  }

  async #run(line: Line, entries: readonly Entry[], ticket: Ticket | null): Promise<void> {
    const { admission } = this.#options;
    line.running++;
    this.#running++;
    if (ticket !== null) admission.started(ticket, entries.length);
    // Entries that failed before and only miss their notice (all of them do, see take) are not tried again.
    const verdicts = entries.flatMap((entry) => (entry.verdict === null ? [] : [entry.verdict]));
    const outcomes = verdicts.length > 0 ? verdicts : await this.#attempt(line, entries, ticket);
    const retryMs = ticket === null ? null : this.#learn(line, ticket, outcomes);
    const settled = this.#options.settle(entries, outcomes, { retryMs, source: ticket?.source ?? "" });
    // A notice on its way holds no place of the destination, unless the notice is all there is to do.
    if (verdicts.length > 0) await settled;
    line.running--;
    this.#running--;
    if (ticket !== null) admission.ended(ticket);
    this.#list(line);
    this.pump();
  }

  /** When what was put off is to be tried again; null: as its schedule says. */
  #learn(line: Line, { source }: Ticket, outcomes: readonly Outcome[]): number | null {
    const { reactions, admission } = this.#options;
    if (!reactions.isListening) return null;
    const facts = admission.factsOf(line, source);
    reactions.hear(facts, outcomes);
    return reactions.retryAfter(facts);
  }

  async #attempt(line: Line, entries: readonly Entry[], ticket: Ticket | null): Promise<readonly Outcome[]> {
    const rules = (): AttemptRules => this.#options.admission.rulesOf(line, ticket?.source ?? "");
    const attempt = { ...attemptOf(line, entries), rules };
    const startedAt = this.#options.clock.monotonic();
    try {
      return await this.#options.courier.deliver(
        ticket === null ? attempt : { ...attempt, terms: this.#terms(ticket) },
      );
    } catch (error) {
      this.#options.log.error({ message: attempt.message.id, error: describe(error) }, "courier-bug");
      return [];
    } finally {
      this.ended.attempts++;
      this.ended.ms += this.#options.clock.monotonic() - startedAt;
    }
  }

  #terms(ticket: Ticket): AttemptTerms {
    return { source: ticket.source, connect: this.#options.admission.connectGate(ticket) };
  }
}

/** One try for entries of one message, at least one. */
export function attemptOf(destination: Line, entries: readonly Entry[]): Attempt {
  const [first] = entries as readonly [Entry];
  return {
    destination,
    message: first.message,
    recipients: entries.map(({ recipient }) => recipient),
    retries: entries.map(({ attempts }) => attempts),
    metadata: entries.map(({ metadata }) => metadata),
  };
}

function earlier(known: number | null, at: number): number {
  return known === null || at < known ? at : known;
}
