/**
 * Who is tried when. Keeps one entry per recipient, starts attempts, settles outcomes. README.md of this
 * folder tells the states as prose.
 *
 * What fails: a courier always answers; a notifier that fails keeps its entry here and is asked again after a
 * minute; a spool that is broken makes update and settle harmless no-ops, and the worst that follows a crash
 * is a second attempt. Nothing here rejects.
 */
import type { Clock, Timer } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import { domainOf } from "../message/envelope.ts";
import type { Spool, SpooledMessage } from "../spool/spool.ts";
import type { Attempt, Courier, Outcome, OutcomeKind } from "./courier.ts";
import { DestinationQueue, destinationKey } from "./destination-queue.ts";
import { DueHeap } from "./due-heap.ts";
import { type Entry, stateOf } from "./entry.ts";
import type { Notice, Notifier } from "./notifier.ts";
import { type RetrySchedule, decideRetry } from "./retry.ts";

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
}

export interface QueueFigures {
  readonly total: number;
  readonly active: number;
  readonly deferred: number;
  readonly hold: number;
  readonly oldestDueSeconds: number;
}

export type OutcomeCounters = Record<OutcomeKind, number>;

const NOTICE_RETRY_MS = 60_000;

export class Queue {
  readonly #options: QueueOptions;
  readonly #messages = new Map<string, Entry[]>();
  readonly #destinations = new Map<string, DestinationQueue>();
  readonly #due = new DueHeap();
  /** Destinations that may have something to start, in turn. */
  #round: DestinationQueue[] = [];
  readonly counters: OutcomeCounters = { delivered: 0, deferred: 0, failed: 0, unclear: 0 };
  #total = 0;
  #held = 0;
  #running = 0;
  #timer: { at: number; timer: Timer } | null = null;
  #isClosed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Attempts under way. */
  get running(): number {
    return this.#running;
  }

  figures(): QueueFigures {
    const deferred = this.#due.size;
    return {
      total: this.#total,
      active: this.#total - deferred - this.#held,
      deferred,
      hold: this.#held,
      oldestDueSeconds: this.#oldestDueSeconds(),
    };
  }

  /** Takes a durable message: fresh from intake, or found again at start. Attempts begin at once. */
  add(message: SpooledMessage): void {
    const entries: Entry[] = [];
    message.recipients.forEach((recipient, index) => {
      if (recipient === null) return;
      const { status, attempts, dueAt, lastReply, delayNotices } = recipient.state;
      const destination = this.#destination(message.envelope.transportId, domainOf(recipient.address));
      destination.entries++;
      const phase = status === "hold" ? "hold" : "waiting";
      const progress = { attempts, dueAt, lastReply, delayNotices, verdict: null, heapIndex: -1 };
      const entry: Entry = { message, recipient: index, destination, phase, ...progress };
      entries.push(entry);
      this.#total++;
      if (status === "hold") this.#held++;
      else this.#place(entry);
    });
    if (entries.length > 0) this.#messages.set(message.id, entries);
    this.#pump();
  }

  /** Every entry, messages in order of arrival. Not to be kept across turns of the event loop. */
  *entries(): Iterable<Entry> {
    for (const entries of this.#messages.values()) yield* entries;
  }

  find(messageId: string): readonly Entry[] {
    return this.#messages.get(messageId) ?? [];
  }

  /** Makes waiting entries due now. False for an entry in another phase. */
  retryNow(entry: Entry): boolean {
    if (entry.phase !== "waiting") return false;
    this.#due.remove(entry);
    entry.dueAt = this.#options.clock.now();
    this.#place(entry);
    this.#pump();
    return true;
  }

  /** Stops an entry that is not in an attempt. */
  hold(entry: Entry): boolean {
    if (entry.phase !== "waiting" && entry.phase !== "ready") return false;
    this.#due.remove(entry);
    entry.phase = "hold";
    this.#held++;
    this.#record(entry);
    return true;
  }

  release(entry: Entry): boolean {
    if (entry.phase !== "hold") return false;
    this.#held--;
    entry.phase = "waiting";
    entry.dueAt = this.#options.clock.now();
    this.#record(entry);
    this.#place(entry);
    this.#pump();
    return true;
  }

  /** Gives an entry up at once; its sender is told. */
  bounce(entry: Entry): boolean {
    if (entry.phase === "running" || entry.phase === "gone") return false;
    if (entry.phase === "hold") this.#held--;
    this.#due.remove(entry);
    entry.phase = "running";
    const reply = "554 5.7.0 Returned by the administrator";
    void this.#settle([entry], [{ kind: "failed", reply, status: "5.7.0", remoteMta: "" }]);
    return true;
  }

  /** Starts nothing more. What runs is the courier's to end. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.timer.cancel();
  }

  #destination(transportId: string, domain: string): DestinationQueue {
    const key = destinationKey(transportId, domain);
    const known = this.#destinations.get(key);
    if (known !== undefined) return known;
    const destination = new DestinationQueue(transportId, domain);
    this.#destinations.set(key, destination);
    return destination;
  }

  /** Into the line when due, else into the heap. */
  #place(entry: Entry): void {
    if (entry.dueAt > this.#options.clock.now()) {
      entry.phase = "waiting";
      this.#due.add(entry);
      this.#planDue();
      return;
    }
    entry.phase = "ready";
    entry.destination.push(entry);
    this.#list(entry.destination);
  }

  #list(destination: DestinationQueue): void {
    if (destination.isListed) return;
    destination.isListed = true;
    this.#round.push(destination);
  }

  /** One timer, for the earliest entry. */
  #planDue(): void {
    const next = this.#due.peek();
    if (next === undefined || this.#isClosed) return;
    if (this.#timer !== null && this.#timer.at <= next.dueAt) return;
    this.#timer?.timer.cancel();
    const { clock } = this.#options;
    const timer = clock.after(next.dueAt - clock.now(), () => this.#takeDue());
    this.#timer = { at: next.dueAt, timer };
  }

  #takeDue(): void {
    this.#timer = null;
    const now = this.#options.clock.now();
    for (let next = this.#due.peek(); next !== undefined && next.dueAt <= now; next = this.#due.peek()) {
      this.#due.remove(next);
      this.#place(next);
    }
    this.#planDue();
    this.#pump();
  }

  /** Starts what may start, one attempt per destination and turn, so that no destination starves another. */
  #pump(): void {
    const { courier, maxRunning } = this.#options;
    while (!this.#isClosed && this.#running < maxRunning) {
      const destination = this.#round.shift();
      if (destination === undefined) return;
      if (destination.peek() === null || destination.running >= courier.attemptsPerDestination) {
        destination.isListed = false;
        continue;
      }
      this.#start(destination, destination.take());
      this.#round.push(destination);
    }
  }

  #start(destination: DestinationQueue, entries: Entry[]): void {
    const [first] = entries as [Entry];
    destination.running++;
    this.#running++;
    const end = (): void => {
      destination.running--;
      this.#running--;
      this.#list(destination);
    };
    if (first.verdict !== null) {
      void this.#settle(
        entries,
        entries.map((entry) => entry.verdict ?? unanswered),
      ).then(() => {
        end();
        this.#pump();
      });
      return;
    }
    const recipients = entries.map((entry) => entry.recipient);
    const attempt: Attempt = { destination, message: first.message, recipients };
    void this.#options.courier.deliver(attempt).then((outcomes) => {
      end();
      void this.#settle(entries, outcomes);
      this.#pump();
    });
  }

  /** Applies one outcome per entry. Resolves when notices, if any are due, are sent or put off. */
  async #settle(entries: readonly Entry[], outcomes: readonly Outcome[]): Promise<void> {
    const failed: { entry: Entry; outcome: Outcome }[] = [];
    const delayed: { entry: Entry; outcome: Outcome; until: number }[] = [];
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as Entry;
      const outcome = outcomes[i] ?? unanswered;
      if (entry.verdict === null) this.counters[outcome.kind]++;
      if (outcome.kind === "delivered") {
        this.#remove(entry);
        continue;
      }
      entry.lastReply = outcome.reply;
      const verdict = outcome.kind === "failed" ? null : this.#defer(entry);
      if (verdict === null) failed.push({ entry, outcome: finalOutcome(entry, outcome) });
      else if (verdict.notify) delayed.push({ entry, outcome, until: verdict.until });
    }
    if (delayed.length > 0) await this.#tellDelayed(delayed);
    if (failed.length > 0) await this.#tellFailed(failed);
  }

  /** Plans the next attempt; null when there is none. */
  #defer(entry: Entry): { notify: boolean; until: number } | null {
    const { clock, random, scheduleFor } = this.#options;
    const schedule = scheduleFor(entry.destination.transportId);
    entry.attempts++;
    const decision = decideRetry({ schedule, attempts: entry.attempts, now: clock.now(), jitter: random() });
    if (decision.kind === "give-up") return null;
    entry.dueAt = decision.dueAt;
    if (decision.notify) entry.delayNotices++;
    this.#place(entry);
    this.#record(entry);
    return decision;
  }

  async #tellDelayed(items: { entry: Entry; outcome: Outcome; until: number }[]): Promise<void> {
    const notice = { ...noticeOf("delayed", items), retryUntil: items[0]?.until ?? null };
    // A delay notice that cannot be sent is not worth a second try: the next interval brings another.
    await this.#options.notifier.notify(notice).catch((error: unknown) => {
      this.#options.log.warn({ message: notice.message.id, error: describe(error) }, "delay-notice-not-sent");
    });
  }

  /** The entry is settled only after its notice is durable: no failure goes untold. */
  async #tellFailed(items: { entry: Entry; outcome: Outcome }[]): Promise<void> {
    try {
      await this.#options.notifier.notify({ ...noticeOf("failed", items), retryUntil: null });
      for (const { entry } of items) this.#remove(entry);
    } catch (error) {
      this.#options.log.warn(
        { message: items[0]?.entry.message.id, error: describe(error) },
        "notice-put-off",
      );
      for (const { entry, outcome } of items) {
        entry.verdict = outcome;
        entry.dueAt = this.#options.clock.now() + NOTICE_RETRY_MS;
        this.#place(entry);
      }
    }
  }

  #remove(entry: Entry): void {
    const { message, destination } = entry;
    entry.phase = "gone";
    this.#total--;
    this.#options.spool.settle(message.id, entry.recipient);
    const entries = this.#messages.get(message.id);
    if (entries?.every((other) => other.phase === "gone")) this.#messages.delete(message.id);
    destination.entries--;
    if (destination.entries === 0) this.#destinations.delete(destination.key);
  }

  #record(entry: Entry): void {
    this.#options.spool.update(entry.message.id, entry.recipient, stateOf(entry));
  }

  #oldestDueSeconds(): number {
    let oldest = Infinity;
    for (const destination of this.#destinations.values()) {
      const first = destination.peek();
      if (first !== null && first.dueAt < oldest) oldest = first.dueAt;
    }
    return oldest === Infinity ? 0 : Math.max(0, (this.#options.clock.now() - oldest) / 1000);
  }
}

/** A courier that answered too little: a bug, taken as "try again". */
const unanswered: Outcome = {
  kind: "deferred",
  reply: "451 4.3.0 No answer",
  status: "4.3.0",
  remoteMta: "",
};

/** A recipient that was deferred until the end failed with what was last heard (RFC 3464 2.3.4: 4.4.7 expired). */
function finalOutcome(entry: Entry, outcome: Outcome): Outcome {
  if (outcome.kind === "failed") return outcome;
  return { ...outcome, kind: "failed", status: "4.4.7", reply: entry.lastReply };
}

function noticeOf(
  kind: Notice["kind"],
  items: { entry: Entry; outcome: Outcome }[],
): Omit<Notice, "retryUntil"> {
  const [first] = items as [{ entry: Entry; outcome: Outcome }];
  const recipients = items.map(({ entry, outcome }) => ({ index: entry.recipient, outcome }));
  return { kind, message: first.entry.message, recipients };
}
