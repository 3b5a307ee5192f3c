/**
 * Makes outcomes into what comes next: settled, another attempt, or a notice first. The dispatcher hands
 * outcomes in; the queue is told by `place` (try again at entry.dueAt) and `remove` (needs nothing more).
 *
 * A recipient that failed is settled only after its notice is durable: no failure goes untold. A notifier that
 * fails leaves a verdict in the entry, which is asked for again after a minute. Nothing here rejects.
 */
import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import { type NoticeKind, kindOfArrival, wantsToHear } from "../message/notice-wishes.ts";
import type { Outcome, OutcomeKind, RetryOrder } from "./courier.ts";
import { expiredStatus, late, withDeadline } from "./deadline.ts";
import type { Entry } from "./entry.ts";
import type { Notice, Notifier } from "./notifier.ts";
import { type RetrySchedule, decideRetry } from "./retry.ts";

export type OutcomeCounters = Record<OutcomeKind, number>;

export interface SettlementOptions {
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** By the source address of the attempt too, "" where none is known. */
  readonly scheduleFor: (line: Entry["destination"], source: string) => RetrySchedule;
  /** Into the line or the heap by entry.dueAt; `isNew` when the spool has to hear of it. */
  readonly place: (entry: Entry, options: { isNew: boolean }) => void;
  /** Waits until somebody frees it. */
  readonly hold: (entry: Entry) => void;
  /** From now on it goes by another transport; nothing else changes. */
  readonly moveTo: (entry: Entry, transportId: string) => void;
  readonly remove: (entry: Entry) => void;
  /** Hears each outcome once, for whoever watches. */
  readonly note?: ((entry: Entry, outcome: Outcome) => void) | undefined;
}

/** What the dispatcher knows of an attempt beside its outcomes. */
export interface Made {
  /** Of a back-off: what is put off waits so long; null: as its schedule says. */
  readonly retryMs: number | null;
  /** The address that it was made from; "" where none is known. */
  readonly source: string;
}

interface Item extends Partial<Made> {
  readonly entry: Entry;
  readonly outcome: Outcome;
}

/** Whose senders are to hear of it. */
interface Told {
  readonly failed: Item[];
  readonly arrived: Item[];
  readonly delayed: (Item & { readonly until: number })[];
}

/** Outcomes without an attempt. */
const notMade: Made = { retryMs: null, source: "" };
const NOTICE_RETRY_MS = 60_000;
/** For schedules without intervals. */
const LAST_WAIT_MS = 3_600_000;

export class Settlement {
  readonly #options: SettlementOptions;
  readonly counters: OutcomeCounters = { delivered: 0, deferred: 0, failed: 0, unclear: 0 };

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** Applies one outcome per entry, all of one message. Resolves when due notices are sent or put off. */
  async settle(entries: readonly Entry[], outcomes: readonly Outcome[], made: Made = notMade): Promise<void> {
    const told: Told = { failed: [], arrived: [], delayed: [] };
    for (const [i, entry] of entries.entries())
      this.#settleOne({ entry, outcome: outcomes[i] ?? unanswered, ...made }, told);
    for (const items of sharing("delayed", told.delayed)) await this.#tellDelayed(items);
    for (const items of sharing("failed", told.failed)) await this.#tellFailed(items);
    if (told.arrived.length > 0) await this.#tellArrived(told.arrived);
  }

  /**
   * The sender of entries of one message that wait in line is told that they are late, and they wait on. Resolves when the
   * notice is stored, or could not be: then with false.
   */
  tellLate(entries: readonly Entry[]): Promise<boolean> {
    return this.#tellDelayed(
      entries.map((entry) => ({ entry, outcome: late, until: this.#triedUntil(entry) })),
    );
  }

  /** When the last attempt is due, were the next one made now. */
  #triedUntil({ destination, attempts }: Entry): number {
    const now = this.#options.clock.now();
    const schedule = this.#options.scheduleFor(destination, "");
    const planned = decideRetry({ schedule, attempts: attempts + 1, now, jitter: 0 });
    return planned.kind === "retry" ? planned.until : now;
  }

  /** Settles what nobody needs to hear of; the rest goes into `told`. */
  #settleOne(item: Item, told: Told): void {
    const { entry, outcome } = item;
    const { note, remove } = this.#options;
    if (entry.verdict === null) {
      this.counters[outcome.kind]++;
      note?.(entry, outcome);
    }
    if (outcome.metadata !== undefined) entry.metadata = outcome.metadata;
    if (outcome.order?.kind === "delete") return remove(entry);
    if (outcome.kind === "delivered") {
      if (!wantsToHear(entry.message.envelope, entry.recipient, outcome.success)) return remove(entry);
      told.arrived.push(item);
      return;
    }
    entry.replied(outcome.reply);
    const next = outcome.kind === "failed" ? null : this.#defer(item);
    if (next === null) told.failed.push({ entry, outcome: this.#finalOutcome(entry, outcome) });
    else if (next.notify) told.delayed.push({ ...item, until: next.until });
  }

  /** Settled after the notice, since the message may be gone afterwards, and whatever became of it: trying again
   * for the sake of a notice would deliver twice. */
  async #tellArrived(items: readonly Item[]): Promise<void> {
    const { notifier, log, remove } = this.#options;
    for (const kind of ["relayed", "delivered"] as const) {
      const told = items.filter(({ outcome }) => kindOfArrival(outcome.success) === kind);
      if (told.length === 0) continue;
      await notifier.notify({ ...noticeOf(kind, told), retryUntil: null }).catch((error: unknown) => {
        const message = told[0]?.entry.message.id;
        log.warn({ message, error: describe(error) }, "success-notice-not-sent");
      });
    }
    for (const { entry } of items) remove(entry);
  }

  /** A recipient that was deferred until the end failed with what was last heard (RFC 3463 3.5: X.4.7 expired). */
  #finalOutcome({ message }: Entry, outcome: Outcome): Outcome {
    if (outcome.kind === "failed") return outcome;
    return { ...outcome, kind: "failed", status: expiredStatus(message.envelope, this.#options.clock.now()) };
  }

  /** Plans the next attempt; null when there is none. */
  #defer({ entry, outcome, retryMs = null, source = "" }: Item): { notify: boolean; until: number } | null {
    const { clock, random, scheduleFor, place, hold, moveTo } = this.#options;
    const { order, notBeforeMs = 0 } = outcome;
    const wished = order?.kind === "retry" ? order : null;
    if (wished?.transportId !== undefined) moveTo(entry, wished.transportId);
    const schedule = scheduleFor(entry.destination, source);
    entry.attempts = counted(entry.attempts, wished);
    const now = clock.now();
    if (wished?.isHeld === true) {
      entry.dueAt = now + (wished.delayMs ?? 0);
      hold(entry);
      return { notify: false, until: entry.dueAt };
    }
    // A try that is not counted is followed by the wait of the first one.
    const attempts = Math.max(1, entry.attempts);
    const wait = { backOffMs: retryMs, notBeforeMs };
    const planned = decideRetry({ schedule, attempts, now, jitter: random(), ...wait });
    const decision = withDeadline(planned, entry.message.envelope, { now, wasDueAt: entry.dueAt });
    // A script may go on beyond the schedule, and then its last wait counts.
    if (decision.kind === "give-up") return wished === null ? null : this.#goOn(entry, wished, schedule);
    const delayMs = wished?.delayMs ?? null;
    entry.dueAt = delayMs === null ? decision.dueAt : now + delayMs;
    if (decision.notify) entry.delayNotices++;
    place(entry, { isNew: true });
    return decision;
  }

  #goOn(
    entry: Entry,
    { delayMs }: RetryOrder,
    { intervals }: RetrySchedule,
  ): { notify: boolean; until: number } {
    entry.dueAt = this.#options.clock.now() + (delayMs ?? intervals.at(-1)?.delayMs ?? LAST_WAIT_MS);
    this.#options.place(entry, { isNew: true });
    return { notify: false, until: entry.dueAt };
  }

  /** False when it could not be sent. That is not worth a second try after an attempt: the next interval brings another. */
  async #tellDelayed(items: readonly (Item & { until: number })[]): Promise<boolean> {
    const notice = { ...noticeOf("delayed", items), retryUntil: items[0]?.until ?? null };
    try {
      await this.#options.notifier.notify(notice);
      return true;
    } catch (error) {
      this.#options.log.warn({ message: notice.message.id, error: describe(error) }, "delay-notice-not-sent");
      return false;
    }
  }

  async #tellFailed(items: readonly Item[]): Promise<void> {
    const { notifier, log, clock, place, remove } = this.#options;
    try {
      await notifier.notify({ ...noticeOf("failed", items), retryUntil: null });
      for (const { entry } of items) remove(entry);
    } catch (error) {
      log.warn({ message: items[0]?.entry.message.id, error: describe(error) }, "notice-put-off");
      for (const { entry, outcome } of items) {
        entry.verdict = outcome;
        entry.dueAt = clock.now() + NOTICE_RETRY_MS;
        place(entry, { isNew: false });
      }
    }
  }
}

function counted(attempts: number, order: RetryOrder | null): number {
  if (order?.counted === "none") return 0;
  return order?.counted === "same" ? attempts : attempts + 1;
}

/**
 * Recipients whose notices say the same: one notice tells of them. Those of several attempts may wait for their notice
 * together; where scripts were told different ids of it, there are as many notices. Who was told none has any of them.
 */
function sharing<T extends Item>(kind: NoticeKind, items: readonly T[]): T[][] {
  const byWords = Map.groupBy(items, ({ outcome }) => JSON.stringify(outcome.words ?? null));
  return [...byWords.values()].flatMap((alike) => {
    const any = foretold(kind, alike);
    return [...Map.groupBy(alike, (item) => foretold(kind, [item]) ?? any).values()];
  });
}

/** The id that scripts were told of a notice of that kind about one of them. */
function foretold(kind: NoticeKind, items: readonly Item[]): string | null {
  const told = items.find(({ outcome }) => outcome.notice?.kind === kind);
  return told?.outcome.notice?.transaction ?? null;
}

/** A courier that answered too little: a bug, taken as "try again". */
const unanswered: Outcome = {
  kind: "deferred",
  reply: "451 4.3.0 No answer",
  status: "4.3.0",
  remoteMta: "",
};

function noticeOf(kind: Notice["kind"], items: readonly Item[]): Omit<Notice, "retryUntil"> {
  const [first] = items as readonly [Item];
  const recipients = items.map(({ entry, outcome }) => ({ index: entry.recipient, outcome }));
  const transaction = foretold(kind, items);
  return {
    kind,
    message: first.entry.message,
    recipients,
    ...(transaction === null ? {} : { transaction }),
  };
}
