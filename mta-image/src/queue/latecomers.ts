/**
 * Mail in line whose sender's time comes (DELIVERBY, RFC 2852) before its turn does: a rule may hold its line for long.
 * What its sender wants back goes back then without another try; one that only wants to know is told then, once, and
 * the mail waits on. Mail that an administrator or a script holds is in no line: its time counts when it is freed.
 * While nothing may begin nobody is told; a notice that could not be stored is tried again each minute. Never fails.
 */
import type { Clock } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { DeliverBy } from "../message/envelope.ts";
import type { LiveMail } from "../spool/spool.ts";
import type { Attempt, Courier, Outcome } from "./courier.ts";
import { expire, isToBeTold, tooLate } from "./deadline.ts";
import { attemptOf } from "./dispatcher.ts";
import type { Timed } from "./due-heap.ts";
import { DueTimer } from "./due-timer.ts";
import type { Entry } from "./entry.ts";
import type { Settlement } from "./settlement.ts";

export interface LatecomersOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Nothing may begin now, and nobody be told. */
  readonly isStopped: () => boolean;
  /** All entries of a message that are not settled. */
  readonly entriesOf: (message: LiveMail) => readonly Entry[];
  readonly courier: Courier;
  readonly settlement: Pick<Settlement, "settle" | "tellLate">;
  /** Out of the line that it stands in. */
  readonly takeOut: (entry: Entry) => void;
  /** Lets the spool know how far it is. */
  readonly record: (entry: Entry) => void;
}

interface Watched extends Timed {
  readonly entry: Entry;
  /** Its notice could not be stored before. */
  readonly isAgain: boolean;
}

/** Notices on their way at once. */
const AT_ONCE = 20;
/** Entries of one notice, as of one attempt. */
const MOST_TOGETHER = 100;
/** Without a pause for others. */
const MOST_TURNS = 1000;
const LOOK_AGAIN_MS = 1000;
/** After a notice that could not be stored. */
const TELL_AGAIN_MS = 60_000;

export class Latecomers {
  readonly #options: LatecomersOptions;
  readonly #watched = new Map<Entry, Watched>();
  readonly #timer: DueTimer<Watched>;
  /** Whose time has come, in order. */
  readonly #late = new Set<Entry>();
  /** Goes along them; a new one each time would begin at the places of all that have left. */
  #turns = this.#late.values();
  #underWay = 0;
  #isYielding = false;
  #isLooking = false;
  #isClosed = false;

  constructor(options: LatecomersOptions) {
    this.#options = options;
    this.#timer = new DueTimer(options.clock, {
      onDue: (watched) => this.#came(watched.map(({ entry }) => entry)),
      // The sender has named a time of the wall; the wait for another try is a span.
      afterSettingBack: ({ dueAt, isAgain }, { back }) => (isAgain ? dueAt - back : dueAt),
    });
  }

  /** An entry stands in a line from now on. */
  watch(entry: Entry): void {
    const { deliverBy } = entry.message.envelope;
    if (deliverBy !== undefined && isToBeTold(deliverBy, entry)) this.#watchUntil(deliverBy.at, entry);
  }

  #watchUntil(dueAt: number, entry: Entry, isAgain = false): void {
    if (this.#watched.has(entry)) return;
    const watched = { entry, dueAt, isAgain, heapIndex: -1 };
    this.#watched.set(entry, watched);
    this.#timer.add(watched);
  }

  /** It has left its line. */
  forget(entry: Entry): void {
    this.#late.delete(entry);
    const watched = this.#watched.size === 0 ? undefined : this.#watched.get(entry);
    if (watched === undefined) return;
    this.#watched.delete(entry);
    this.#timer.remove(watched);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.close();
  }

  #came(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#watched.delete(entry);
      this.#late.add(entry);
    }
    this.#work();
  }

  #work(): void {
    if (this.#isYielding) return;
    for (let turns = 0; this.#late.size > 0 && this.#underWay < AT_ONCE && !this.#isClosed; turns++) {
      if (this.#options.isStopped()) return this.#lookAgain();
      if (turns === MOST_TURNS) return this.#yield();
      void this.#handle(this.#next());
    }
  }

  /** Of at least one. */
  #next(): Entry {
    const turn = this.#turns.next();
    if (turn.done !== true) return turn.value;
    // One that has come to an end does not see what comes later.
    this.#turns = this.#late.values();
    return this.#turns.next().value as Entry;
  }

  /** Others come first: where nobody is to be told, nothing else ends the work. */
  #yield(): void {
    this.#isYielding = true;
    setImmediate(() => {
      this.#isYielding = false;
      this.#work();
    });
  }

  #lookAgain(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#options.clock.after(LOOK_AGAIN_MS, () => {
      this.#isLooking = false;
      this.#work();
    });
  }

  /** The entry, and those of its message whose time has come, too; who finds no place among them has a turn of its own. */
  async #handle(first: Entry): Promise<void> {
    this.#late.delete(first);
    // Once for all of them: the envelope of a message is unpacked each time while one of its recipients rests.
    const { deliverBy } = first.message.envelope;
    if (deliverBy === undefined) return;
    const together = this.#lateWith(first, deliverBy);
    for (const entry of together) this.#late.delete(entry);
    // The clock may have been set back since: they are watched again.
    if (this.#options.clock.now() < deliverBy.at) {
      for (const entry of together) this.#watchUntil(deliverBy.at, entry);
      return;
    }
    if (together.length === 0) return;
    this.#underWay++;
    try {
      await (deliverBy.mode === "return" ? this.#giveUp(together) : this.#tell(together, deliverBy.at));
    } finally {
      this.#underWay--;
      this.#work();
    }
  }

  #lateWith(first: Entry, deliverBy: DeliverBy): Entry[] {
    const isLate = (entry: Entry): boolean => isInLine(entry) && isToBeTold(deliverBy, entry);
    const others = this.#options.entriesOf(first.message).filter((entry) => this.#late.has(entry));
    return [first, ...others].filter(isLate).slice(0, MOST_TOGETHER);
  }

  /** They come back without another try. Resolves when their notices are sent or put off. */
  async #giveUp(entries: readonly Entry[]): Promise<void> {
    const { takeOut, settlement } = this.#options;
    for (const entry of entries) {
      takeOut(entry);
      entry.phase = "running";
    }
    const lines = [...Map.groupBy(entries, ({ destination }) => destination)];
    const outcomes = lines.map(([line, those]) => this.#expire(attemptOf(line, those)));
    await settlement.settle(
      lines.flatMap(([, those]) => those),
      (await Promise.all(outcomes)).flat(),
    );
  }

  /** What becomes of it, whatever the courier makes of it. */
  async #expire(attempt: Attempt): Promise<readonly Outcome[]> {
    try {
      return await expire(this.#options.courier, attempt);
    } catch (error) {
      this.#options.log.error({ message: attempt.message.id, error: describe(error) }, "courier-bug");
      return attempt.recipients.map(() => tooLate);
    }
  }

  /** They wait on, and are due behind that time from now on. Resolves when the notice is stored or put off. */
  async #tell(entries: readonly Entry[], at: number): Promise<void> {
    for (const entry of entries) this.#mark(entry, { dueAt: at + 1, notices: 1 });
    if (await this.#options.settlement.tellLate(entries)) return;
    const againAt = this.#options.clock.now() + TELL_AGAIN_MS;
    for (const entry of entries) {
      // It has left, or was planned anew by an attempt.
      if (entry.phase === "gone" || entry.dueAt !== at + 1) continue;
      this.#mark(entry, { dueAt: at, notices: -1 });
      // Else whoever has it sees that its sender is to be told: the attempt that is under way, or who frees it.
      if (isInLine(entry)) this.#watchUntil(againAt, entry, true);
    }
  }

  #mark(entry: Entry, { dueAt, notices }: { readonly dueAt: number; readonly notices: number }): void {
    entry.dueAt = dueAt;
    entry.delayNotices += notices;
    this.#options.record(entry);
  }
}

function isInLine({ phase, verdict }: Entry): boolean {
  return phase === "ready" && verdict === null;
}
