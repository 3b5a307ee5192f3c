/**
 * Who is tried when. Keeps one entry per recipient, starts attempts, settles outcomes. README.md of this
 * folder tells the states as prose.
 *
 * What fails: a courier always answers; a notifier that fails keeps its entry here and is asked again after a
 * minute; a spool that is broken makes update and settle harmless no-ops, and the worst that follows a crash
 * is a second attempt. Nothing here rejects.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import { domainOf } from "../message/envelope.ts";
import type { EntryState, Spool, SpooledMessage, StateSource } from "../spool/spool.ts";
import { Admission, type AdmissionOptions } from "./admission.ts";
import type { Courier, Outcome } from "./courier.ts";
import { withDeadlines } from "./deadline.ts";
import { destinationKey } from "./destination-queue.ts";
import { Dispatcher, attemptOf } from "./dispatcher.ts";
import { type Doorkeeper, openDoors } from "./doorkeeper.ts";
import { DueTimer } from "./due-timer.ts";
import { DynamicRules } from "./dynamic-rules.ts";
import { Entry } from "./entry.ts";
import { type Explanation, explainEntry } from "./explain.ts";
import type { Notifier } from "./notifier.ts";
import type { RetrySchedule } from "./retry.ts";
import { Rulebook } from "./rulebook.ts";
import { type OutcomeCounters, Settlement } from "./settlement.ts";
import { WaitingRoom } from "./waiting-room.ts";

export interface QueueOptions {
  readonly spool: Spool;
  readonly courier: Courier;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Log;
  /** In 0..1. */
  readonly random: () => number;
  /** Looked up at each deferral, so a reload reaches mail that is queued already. */
  readonly scheduleFor: (transportId: string) => RetrySchedule;
  /** Attempts under way over all destinations. */
  readonly maxRunning: number;
  readonly locator: AdmissionOptions["locator"];
  readonly sourcesFor: AdmissionOptions["sourcesFor"];
  /** Absent: nobody stands at the doors. */
  readonly doorkeeper?: Doorkeeper;
  /** Hears each outcome once, for whoever watches. */
  readonly note?: (entry: Entry, outcome: Outcome) => void;
}

export interface QueueFigures {
  readonly total: number;
  readonly active: number;
  readonly deferred: number;
  readonly hold: number;
  readonly oldestDueSeconds: number;
  /** Due, and held back by a rule. */
  readonly blocked: number;
  /** Of entries that no rule holds back. */
  readonly oldestFreeSeconds: number;
  /** When the first deferred one is due. */
  readonly nextDueAt: string | null;
}

/** The entries of one message, and how many of them are not settled. */
interface Several {
  readonly entries: readonly Entry[];
  left: number;
}

/** Most messages have one recipient. */
type Kept = Entry | Several;

export class Queue {
  readonly #clock: Clock;
  readonly #spool: Spool;
  readonly #courier: Courier;
  readonly #messages = new Map<string, Kept>();
  /** Policies and suspensions; those of the files are put in here. */
  readonly rulebook: Rulebook;
  /** Policies and suspensions that come and go. */
  readonly rules: DynamicRules;
  readonly #dispatcher: Dispatcher;
  readonly #admission: Admission;
  readonly #settlement: Settlement;
  readonly #due: DueTimer;
  readonly #doorkeeper: Doorkeeper;
  readonly #sourcesFor: AdmissionOptions["sourcesFor"];
  #total = 0;
  #held = 0;

  constructor(options: QueueOptions) {
    const { clock, log, maxRunning } = options;
    const courier = withDeadlines(options.courier, clock);
    this.#clock = clock;
    this.#doorkeeper = options.doorkeeper ?? openDoors;
    this.#sourcesFor = options.sourcesFor;
    this.#spool = options.spool;
    this.#courier = courier;
    this.#settlement = new Settlement({
      ...options,
      place: (entry, { isNew }) => {
        this.#place(entry);
        if (isNew) this.#record(entry);
      },
      remove: (entry) => this.#remove(entry),
    });
    this.rulebook = new Rulebook(clock, new WaitingRoom(clock));
    this.rules = new DynamicRules(this.rulebook, clock);
    this.#admission = new Admission({
      rulebook: this.rulebook,
      clock,
      locator: options.locator,
      sourcesFor: options.sourcesFor,
      doorkeeper: this.#doorkeeper,
    });
    this.#dispatcher = new Dispatcher({
      courier,
      log,
      maxRunning,
      clock,
      admission: this.#admission,
      doorkeeper: this.#doorkeeper,
      refused: (entry, by, value) => void this.#giveBack(entry, by, value),
      settle: (entries, outcomes) => this.#settlement.settle(entries, outcomes),
    });
    this.#due = new DueTimer(clock, (entries) => {
      for (const entry of entries) this.#place(entry);
      this.#dispatcher.pump();
    });
  }

  /** Outcomes of attempts since start. */
  get counters(): Readonly<OutcomeCounters> {
    return this.#settlement.counters;
  }

  /** Attempts that have ended, and the milliseconds that they took together. */
  get ended(): { readonly attempts: number; readonly ms: number } {
    return this.#dispatcher.ended;
  }

  /** Attempts under way. */
  get running(): number {
    return this.#dispatcher.running;
  }

  figures(): QueueFigures {
    const deferred = this.#due.size;
    const { oldestAt, oldestFreeAt, blocked } = this.#dispatcher.dueFigures();
    const { nextAt } = this.#due;
    return {
      total: this.#total,
      active: this.#total - deferred - this.#held,
      deferred,
      hold: this.#held,
      oldestDueSeconds: this.#secondsSince(oldestAt),
      blocked,
      oldestFreeSeconds: this.#secondsSince(oldestFreeAt),
      nextDueAt: nextAt === null ? null : new Date(nextAt).toISOString(),
    };
  }

  #secondsSince(at: number | null): number {
    return at === null ? 0 : Math.max(0, (this.#clock.now() - at) / 1000);
  }

  /** Takes a durable message: fresh from intake, or found again at start. Attempts begin at once. */
  add(message: SpooledMessage): void {
    const entries = this.#makeEntries(message);
    const [first] = entries;
    if (first === undefined) return;
    this.#messages.set(message.id, entries.length === 1 ? first : { entries, left: entries.length });
    this.#total += entries.length;
    for (const entry of entries) {
      if (entry.phase === "hold") this.#held++;
      else this.#place(entry);
    }
    this.#dispatcher.pump();
  }

  #makeEntries(message: SpooledMessage): Entry[] {
    const { transportId, jobId = "", tenantId = "" } = message.envelope;
    const entries: Entry[] = [];
    for (const [index, recipient] of message.recipients.entries()) {
      if (recipient === null) continue;
      const domain = domainOf(recipient.address);
      const destination = this.#dispatcher.join({ transportId, jobId, tenantId, domain });
      const entry = new Entry({ message, recipient: index, destination }, recipient.state);
      message.follow?.(index, entry);
      entries.push(entry);
    }
    return entries;
  }

  /** Every entry that is not settled. Not to be kept across turns of the event loop. */
  *entries(): Iterable<Entry> {
    for (const kept of this.#messages.values()) {
      for (const entry of entriesOf(kept)) if (entry.phase !== "gone") yield entry;
    }
  }

  find(messageId: string): readonly Entry[] {
    const kept = this.#messages.get(messageId);
    return kept === undefined ? [] : entriesOf(kept).filter((entry) => entry.phase !== "gone");
  }

  /** Why an entry is where it is. */
  explain(entry: Entry): Explanation {
    const isRuled = entry.phase === "ready" && !this.#admission.isOpen;
    return explainEntry(entry, {
      now: this.#clock.now(),
      monotonic: this.#clock.monotonic(),
      candidates: isRuled ? this.#admission.candidates(entry.destination) : [],
      window: this.#courier.attemptsPerDestination,
      isEngineFull: this.#dispatcher.isFull,
    });
  }

  /** Makes waiting entries due now. False for an entry in another phase. */
  retryNow(entry: Entry): boolean {
    if (entry.phase !== "waiting") return false;
    this.#due.remove(entry);
    this.#makeDue(entry);
    return true;
  }

  /** Stops an entry that is not in an attempt. */
  hold(entry: Entry): boolean {
    if (entry.phase !== "waiting" && entry.phase !== "ready") return false;
    this.#due.remove(entry);
    leaveLine(entry);
    entry.phase = "hold";
    this.#held++;
    this.#record(entry);
    return true;
  }

  release(entry: Entry): boolean {
    if (entry.phase !== "hold") return false;
    this.#held--;
    entry.phase = "waiting";
    this.#makeDue(entry);
    this.#record(entry);
    return true;
  }

  /** Gives an entry up at once; its sender is told. */
  bounce(entry: Entry): boolean {
    if (entry.phase === "running" || entry.phase === "gone") return false;
    if (entry.phase === "hold") this.#held--;
    this.#due.remove(entry);
    leaveLine(entry);
    entry.phase = "running";
    const reply = "554 5.7.0 Returned by the administrator";
    void this.#settlement.settle([entry], [{ kind: "failed", reply, status: "5.7.0", remoteMta: "" }]);
    return true;
  }

  /** Forgets an entry that is not in an attempt; nobody is told. */
  drop(entry: Entry): boolean {
    if (entry.phase === "running" || entry.phase === "gone") return false;
    if (entry.phase === "hold") this.#held--;
    this.#due.remove(entry);
    leaveLine(entry);
    this.#remove(entry);
    return true;
  }

  /** Ids of all messages, in order of arrival. Not to be kept across turns of the event loop. */
  messageIds(): Iterable<string> {
    return this.#messages.keys();
  }

  /**
   * Takes a whole message out of the queue's hands, to be handed to somebody else; `add` brings it back. Null while
   * one of its recipients is being tried or only waits for its notice.
   */
  withdraw(messageId: string): SpooledMessage | null {
    const entries = this.find(messageId);
    const [first] = entries;
    if (first === undefined) return null;
    if (entries.some(({ phase, verdict }) => phase === "running" || verdict !== null)) return null;
    const states = new Map(entries.map((entry) => [entry.recipient, entry.state()]));
    for (const entry of entries) {
      if (entry.phase === "hold") this.#held--;
      this.#due.remove(entry);
      leaveLine(entry);
      entry.message.follow?.(entry.recipient, keeping(entry.state()));
      entry.phase = "gone";
      this.#dispatcher.quit(entry.destination);
    }
    this.#total -= entries.length;
    this.#messages.delete(messageId);
    return { ...factsOf(first.message), recipients: withStates(first.message, states) };
  }

  /** Starts nothing more. What runs is the courier's to end. */
  close(): void {
    this.#dispatcher.close();
    this.#due.close();
    this.rulebook.close();
  }

  #makeDue(entry: Entry): void {
    entry.dueAt = this.#clock.now();
    this.#place(entry);
    this.#dispatcher.pump();
  }

  /** Into the line when due, else into the heap. */
  #place(entry: Entry): void {
    if (entry.dueAt > this.#clock.now()) {
      entry.phase = "waiting";
      this.#due.add(entry);
      entry.message.rest?.();
      return;
    }
    entry.message.wake?.();
    if (entry.verdict !== null || this.#letIn(entry)) this.#dispatcher.line(entry);
  }

  /** Asks the doorkeeper; one who narrows the source addresses sends the entry to a line of their own. */
  #letIn(entry: Entry): boolean {
    if (!this.#doorkeeper.isAsked("insert")) return true;
    const { message, recipient, destination } = entry;
    const { transportId, domain, jobId, tenantId } = destination;
    const localIps = this.#sourcesFor(transportId);
    const facts = this.#admission.factsOf(destination, "");
    const answer = this.#doorkeeper.ask("insert", { message, recipient, facts, localIps });
    if (answer.kind === "refused") {
      void this.#giveBack(entry, answer.by, answer.value);
      return false;
    }
    const isNarrower = answer.localIps.length < localIps.length;
    const name = { transportId, domain, jobId, tenantId, localIps: isNarrower ? answer.localIps : null };
    if (destinationKey(name) !== destination.key) {
      entry.destination = this.#dispatcher.join(name);
      this.#dispatcher.quit(destination);
    }
    return true;
  }

  /** It was refused at a door: the courier may know what to do, else the schedule says when it may knock again. */
  async #giveBack(entry: Entry, by: string, value: unknown): Promise<void> {
    entry.phase = "running";
    const reply = `450 4.7.0 Plugin ${by} gave it back`;
    const usual: Outcome = { kind: "deferred", reply, status: "4.7.0", remoteMta: "" };
    const answer = (await this.#courier.refused?.(attemptOf(entry.destination, [entry]), value)) ?? usual;
    await this.#settlement.settle([entry], [answer]);
  }

  #remove(entry: Entry): void {
    const { message, destination } = entry;
    entry.phase = "gone";
    this.#total--;
    this.#spool.settle(message.id, entry.recipient);
    this.#dispatcher.quit(destination);
    const kept = this.#messages.get(message.id);
    if (kept === entry || (kept !== undefined && "left" in kept && --kept.left === 0))
      this.#messages.delete(message.id);
  }

  #record(entry: Entry): void {
    this.#spool.update(entry.message.id, entry.recipient, entry.state());
  }
}

function entriesOf(kept: Kept): readonly Entry[] {
  return kept instanceof Entry ? [kept] : kept.entries;
}

/** For an entry that is given away: what it said last. */
function keeping(state: EntryState): StateSource {
  return { state: () => state };
}

/** It keeps its place as a hole, and is not counted any more. */
function leaveLine({ phase, verdict, destination }: Entry): void {
  if (phase === "ready" && verdict === null) destination.ready--;
}

function factsOf(message: SpooledMessage): Omit<SpooledMessage, "recipients"> {
  const { id, receivedAt, envelope, origin, sizeBytes } = message;
  return { id, receivedAt, envelope, origin, sizeBytes };
}

function withStates(
  message: SpooledMessage,
  states: ReadonlyMap<number, EntryState>,
): SpooledMessage["recipients"] {
  return message.envelope.recipients.map((address, index) => {
    const state = states.get(index);
    return state === undefined ? null : { address, state };
  });
}
