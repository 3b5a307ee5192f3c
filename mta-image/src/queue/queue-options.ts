/** What a queue is made of, and the figures that it shows. `queue.ts` is the reader of the first, the writer of the second. */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import type { Spool } from "../spool/spool.ts";
import type { AdmissionOptions } from "./admission.ts";
import type { Courier, Outcome } from "./courier.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import type { Entry } from "./entry.ts";
import type { Facts } from "./matching.ts";
import type { Notifier } from "./notifier.ts";
import type { RetrySchedule } from "./retry.ts";

export interface QueueOptions {
  readonly spool: Spool;
  readonly courier: Courier;
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Log;
  /** In 0..1. */
  readonly random: () => number;
  /** Looked up at each deferral, so a reload reaches mail that is queued already. */
  readonly scheduleFor: (transportId: string, facts: () => Facts) => RetrySchedule;
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
