/**
 * Who is tried when. Keeps one entry per recipient, starts attempts, settles outcomes. README.md of this
 * folder tells the states as prose.
 *
 * What fails: a courier always answers; a notifier that fails keeps its entry here and is asked again after a
 * minute; a spool that is broken makes update and settle harmless no-ops, and no attempt begins any more, since each
 * would be made again by the next process. Nothing here rejects.
 */
import type { Clock } from "#base/clock.ts";

import type { Moved, Spool, LiveMail } from "../spool/spool.ts";
import { Admission } from "./admission.ts";
import type { Courier } from "./courier.ts";
import { withDeadlines } from "./deadline.ts";
import { DestinationQueue, type LineName, destinationKey, leaveLine } from "./destination-queue.ts";
import { Dispatcher } from "./dispatcher.ts";
import { openDoors } from "./doorkeeper.ts";
import { DueTimer } from "./due-timer.ts";
import { DynamicRules } from "./dynamic-rules.ts";
import { Entrance } from "./entrance.ts";
import { type Beginning, Entry } from "./entry.ts";
import { type Explanation, explainEntry } from "./explain.ts";
import { KeptMessages } from "./kept-messages.ts";
import { Latecomers } from "./latecomers.ts";
import { figuresOf } from "./queue-figures.ts";
import type { QueueFigures, QueueOptions } from "./queue-options.ts";
import { Quotas } from "./quotas.ts";
import { Reactions } from "./reactions.ts";
import type { RetrySchedule } from "./retry.ts";
import { Rulebook } from "./rulebook.ts";
import { type OutcomeCounters, Settlement } from "./settlement.ts";
import { dueAfterSettingBack, dueWhenReleased, dueWhenTaken } from "./wait-bounds.ts";
import { WaitingRoom } from "./waiting-room.ts";

export type { QueueFigures, QueueOptions } from "./queue-options.ts";

export class Queue {
  readonly #options: Pick<QueueOptions, "scheduleFor">;
  readonly #clock: Clock;
  readonly #spool: Spool;
  readonly #courier: Courier;
  readonly #messages: KeptMessages;
  /** Policies and suspensions; those of the files are put in here. */
  readonly rulebook: Rulebook;
  /** Policies and suspensions that come and go. */
  readonly rules: DynamicRules;
  /** How much may be queued. */
  readonly quotas: Quotas;
  /** What replies change for a time. */
  readonly reactions: Reactions;
  readonly #dispatcher: Dispatcher;
  readonly #admission: Admission;
  readonly #settlement: Settlement;
  readonly #due: DueTimer<Entry>;
  readonly #latecomers: Latecomers;
  readonly #entrance: Entrance;
  #total = 0;
  #held = 0;

  constructor(options: QueueOptions) {
    const { clock } = options;
    this.#options = options;
    this.#clock = clock;
    const doorkeeper = options.doorkeeper ?? openDoors;
    this.#spool = options.spool;
    this.#messages = new KeptMessages(options.spool);
    this.#courier = withDeadlines(options.courier, clock);
    this.#settlement = new Settlement({
      ...options,
      scheduleFor: (line, source) => this.#scheduleOf(line, source),
      place: (entry, { isNew }) => {
        this.#place(entry);
        if (isNew) this.#record(entry);
      },
      hold: (entry) => this.#stop(entry),
      moveTo: (entry, transportId) => this.#dispatcher.moveTo(entry, transportId),
      remove: (entry) => this.#remove(entry),
    });
    this.rulebook = new Rulebook(clock, new WaitingRoom(clock));
    this.rules = new DynamicRules(this.rulebook, clock);
    this.reactions = new Reactions({ clock, rules: this.rules, rulebook: this.rulebook });
    this.quotas = new Quotas({
      clock,
      rulebook: this.rulebook,
      sourcesFor: options.sourcesFor,
      lines: () => this.#dispatcher.lines,
    });
    this.#admission = new Admission({
      ...options,
      rulebook: this.rulebook,
      doorkeeper,
      located: (line) => this.quotas.located(line),
    });
    this.#entrance = new Entrance({
      ...options,
      doorkeeper,
      courier: this.#courier,
      admission: this.#admission,
      settlement: this.#settlement,
      change: (entry, name) => this.#dispatcher.change(entry, name),
    });
    this.#latecomers = this.#makeLatecomers(options);
    this.#dispatcher = new Dispatcher({
      ...options,
      courier: this.#courier,
      admission: this.#admission,
      quotas: this.quotas,
      reactions: this.reactions,
      doorkeeper,
      latecomers: this.#latecomers,
      refused: (...refusal) => void this.#entrance.giveBack(...refusal),
      settle: (...attempted) => this.#settlement.settle(...attempted),
    });
    this.#due = new DueTimer<Entry>(clock, {
      onDue: (entries) => this.#cameDue(entries),
      afterSettingBack: dueAfterSettingBack,
    });
  }

  #makeLatecomers({ clock, log }: QueueOptions): Latecomers {
    return new Latecomers({
      clock,
      log,
      courier: this.#courier,
      settlement: this.#settlement,
      isStopped: () => this.#dispatcher.stoppedBecause !== null,
      entriesOf: ({ id }) => this.find(id),
      takeOut: (entry) => this.#takeOut(entry),
      record: (entry) => this.#record(entry),
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

  /** Due mail by destination; not to be kept across turns of the event loop. */
  get lines(): Iterable<DestinationQueue<Entry>> {
    return this.#dispatcher.lines;
  }

  /** Attempts under way. */
  get running(): number {
    return this.#dispatcher.running;
  }

  figures(): QueueFigures {
    const { size: deferred, nextAt } = this.#due;
    const counts = { total: this.#total, held: this.#held, deferred, nextAt };
    return figuresOf({ ...counts, due: this.#dispatcher.dueFigures() }, this.#clock.now());
  }

  /** Takes a durable message: fresh from intake, or found again at start. Attempts begin at once. */
  add(message: LiveMail): void {
    const entries = this.#makeEntries(message);
    this.#total += entries.length;
    this.quotas.named.enter(message, entries.length);
    const now = this.#clock.now();
    for (const entry of entries) {
      entry.dueAt = dueWhenTaken(entry, now);
      if (entry.phase === "hold") this.#held++;
      else this.#place(entry);
    }
    this.#dispatcher.pump();
  }

  #makeEntries(message: LiveMail): Entry[] {
    const { line } = message;
    return line.domains.flatMap((domain, index) => {
      const state = message.stateOf(index);
      return state === null ? [] : [this.#makeEntry(message, index, { name: { ...line, domain }, state })];
    });
  }

  #makeEntry(message: LiveMail, recipient: number, { name, state }: Beginning): Entry {
    const { transportId, jobId, tenantId, grouping = "" } = state.moved ?? {};
    const destination = this.#dispatcher.join({
      transportId: transportId ?? name.transportId,
      jobId: jobId ?? name.jobId ?? "",
      tenantId: tenantId ?? name.tenantId ?? "",
      grouping,
      domain: name.domain,
    });
    const entry = new Entry({ message, recipient, destination }, state);
    message.follow(recipient, entry);
    return entry;
  }

  /** Every entry that is not settled. Not to be kept across turns of the event loop. */
  entries(): Iterable<Entry> {
    return this.#messages.entries();
  }

  find(messageId: string): readonly Entry[] {
    return this.#messages.find(messageId);
  }

  /** When mail of these names that was tried from an address is tried again; by the facts of its line while there is one. */
  scheduleFor(name: LineName, source = ""): RetrySchedule {
    const line = this.#dispatcher.find(destinationKey(name)) ?? new DestinationQueue<Entry>("none", name);
    return this.#scheduleOf(line, source);
  }

  #scheduleOf(line: DestinationQueue<Entry>, source: string): RetrySchedule {
    return this.#options.scheduleFor(line.transportId, () => this.#admission.factsOf(line, source));
  }

  /** Why an entry is where it is. */
  explain(entry: Entry): Explanation {
    const { message, recipient, phase } = entry;
    const isDue = phase === "ready" || phase === "running";
    const isRuled = isDue && !this.#admission.isOpen;
    return explainEntry(entry, {
      now: this.#clock.now(),
      monotonic: this.#clock.monotonic(),
      candidates: isRuled ? this.#admission.candidates(entry.destination) : [],
      window: this.#courier.attemptsPerDestination,
      wait: phase === "running" ? (this.#courier.waitOf?.(message.id, recipient) ?? null) : null,
      idleBecause: this.#dispatcher.idleBecause,
    });
  }

  /** Makes waiting entries due now. False for an entry in another phase. */
  retryNow(entry: Entry): boolean {
    if (entry.phase !== "waiting") return false;
    this.#due.remove(entry);
    this.#makeDue(entry, this.#clock.now());
    return true;
  }

  /** Stops an entry that is not in an attempt. */
  hold(entry: Entry): boolean {
    if (entry.phase !== "waiting" && entry.phase !== "ready") return false;
    this.#takeOut(entry);
    this.#stop(entry);
    return true;
  }

  release(entry: Entry): boolean {
    if (entry.phase !== "hold") return false;
    this.#held--;
    entry.phase = "waiting";
    // Its envelope is looked at.
    entry.message.wake();
    this.#makeDue(entry, dueWhenReleased(entry, this.#clock.now()));
    this.#record(entry);
    return true;
  }

  /**
   * Gives an entry that is not in an attempt other facts than its envelope has; what is not named stays. It keeps its
   * phase and its due time.
   */
  move(entry: Entry, to: Moved): boolean {
    const { message, recipient, phase, verdict } = entry;
    if (phase === "running" || phase === "gone" || verdict !== null) return false;
    this.#takeOut(entry);
    const state = { ...entry.state(), moved: { ...entry.moved, ...to } };
    // A new one, since the old line goes on holding the old one as a hole.
    const name = { ...message.line, domain: entry.destination.domain };
    const next = this.#makeEntry(message, recipient, { name, state });
    entry.phase = "gone";
    this.#dispatcher.quit(entry.destination);
    this.#record(next);
    if (phase !== "hold") this.#place(next);
    return true;
  }

  /** While paused no attempt begins and no notice goes; what is under way ends. */
  set isPaused(isPaused: boolean) {
    this.#dispatcher.isPaused = isPaused;
    this.#dispatcher.pump();
  }

  /** Starts what may start, after several entries were moved. */
  pump(): void {
    this.#dispatcher.pump();
  }

  /** Gives an entry up at once; its sender is told. */
  bounce(entry: Entry): boolean {
    if (entry.phase === "running" || entry.phase === "gone") return false;
    if (entry.phase === "hold") this.#held--;
    this.#takeOut(entry);
    entry.phase = "running";
    const reply = "554 5.7.0 Returned by the administrator";
    void this.#settlement.settle([entry], [{ kind: "failed", reply, status: "5.7.0", remoteMta: "" }]);
    return true;
  }

  /** Forgets an entry that is not in an attempt; nobody is told. */
  drop(entry: Entry): boolean {
    if (entry.phase === "running" || entry.phase === "gone") return false;
    if (entry.phase === "hold") this.#held--;
    this.#takeOut(entry);
    this.#remove(entry);
    return true;
  }

  /** Ids of all messages, in order of arrival. Not to be kept across turns of the event loop. */
  messageIds(): Iterable<string> {
    return this.#messages.ids();
  }

  /**
   * Takes a whole message out of the queue's hands, to be handed to somebody else; `add` brings it back. Null while
   * one of its recipients is being tried or only waits for its notice.
   */
  withdraw(messageId: string): LiveMail | null {
    const entries = this.find(messageId);
    const [first] = entries;
    if (first === undefined) return null;
    if (entries.some(({ phase, verdict }) => phase === "running" || verdict !== null)) return null;
    const { message } = first;
    for (const entry of entries) {
      if (entry.phase === "hold") this.#held--;
      this.#takeOut(entry);
      message.follow(entry.recipient, entry.copy());
      entry.phase = "gone";
      this.#dispatcher.quit(entry.destination);
    }
    this.#total -= entries.length;
    this.quotas.named.leave(message, entries.length);
    message.wake();
    return message;
  }

  /** Starts nothing more. What runs is the courier's to end. */
  close(): void {
    this.#dispatcher.close();
    this.#due.close();
    this.#latecomers.close();
    this.rulebook.close();
  }

  /** Out of the heap or the line, wherever it waits. */
  #takeOut(entry: Entry): void {
    this.#due.remove(entry);
    this.#latecomers.forget(entry);
    leaveLine(entry);
  }

  #cameDue(entries: readonly Entry[]): void {
    for (const entry of entries) this.#place(entry);
    this.#dispatcher.pump();
  }

  #makeDue(entry: Entry, at: number): void {
    entry.dueAt = at;
    this.#place(entry);
    this.#dispatcher.pump();
  }

  /** Into the line when due, else into the heap. */
  #place(entry: Entry): void {
    if (entry.dueAt > this.#clock.now()) {
      entry.phase = "waiting";
      this.#due.add(entry);
      entry.message.rest();
      return;
    }
    entry.message.wake();
    if (entry.verdict !== null || this.#entrance.letIn(entry)) this.#dispatcher.line(entry);
  }

  #stop(entry: Entry): void {
    entry.phase = "hold";
    this.#held++;
    this.#record(entry);
    entry.message.rest();
  }

  #remove(entry: Entry): void {
    const { message, destination } = entry;
    entry.phase = "gone";
    this.#total--;
    this.quotas.named.leave(message, 1);
    this.#spool.settle(message.id, entry.recipient);
    this.#dispatcher.quit(destination);
  }

  #record(entry: Entry): void {
    this.#spool.update(entry.message.id, entry.recipient, entry.state());
  }
}
